import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventOf } from '../../lib/order/events.ts';
import { firstVersion } from '../../lib/order/order.ts';
import { operationOf } from '../support/operation.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';

/** The order that the samples of getOrder and updateStatus name. */
const SAMPLE_ORDER = '0192f0c1-2345-7abc-8def-0123456789ab';

/** The answers of functions that are no operations. */
const SPECIAL: Record<string, unknown> = {
  notFound: { statusCode: 404 },
  sendDeferred: { handled: 0, done: true },
  relayOutbox: { done: true },
  notify: { batchItemFailures: [] },
};

/** The answers to samples that are named after a case. */
const CASES: Record<string, unknown> = {
  broken: { statusCode: 400 },
  cursor: { statusCode: 422 },
  forged: { statusCode: 404 },
  invalid: { statusCode: 422 },
  malformed: { statusCode: 404 },
  method: { statusCode: 405 },
  openapi: { statusCode: 200 },
  page: { statusCode: 200 },
  partial: { batchItemFailures: [] },
  poison: { batchItemFailures: [] },
  stale: { statusCode: 412 },
  tombstone: { batchItemFailures: [] },
};

const samples = (await readdir(join(ROOT, 'events'))).map((file) => file.replace(/\.json$/, ''));

/** The answers to samples when the services run. */
function answerOf(sample: string): unknown {
  const [name = '', type] = sample.split('.');
  if (type !== undefined) return CASES[type];
  return SPECIAL[name] ?? { statusCode: operationOf(name).answer.status };
}

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
  const items = [{ productId: 'p', quantity: 1, price: 5 }];
  const order = firstVersion(SAMPLE_ORDER, { customerId: 'c', items, currency: 'USD' }, new Date());
  const event = eventOf(order, { id: 'e', traceparent: '' });
  await bench.repository.insert({ order, events: [event] });
});

afterAll(() => bench.close());

async function invoke(sample: string, env: Record<string, string>) {
  const [name = ''] = sample.split('.');
  const { code, stdout, stderr } = await sls(
    ['invoke', 'local', '-f', name, '-p', `events/${sample}.json`],
    env,
  );
  const answer = stdout.slice(stdout.search(/^\{$/m));
  return { code, stdout, stderr, answer: answer ? JSON.parse(answer) : undefined };
}

test('every sample of a case has its answer here, and every case its sample', () => {
  const cases = samples.flatMap((sample) => sample.split('.').slice(1));
  expect([...new Set(cases)].toSorted()).toEqual(Object.keys(CASES).toSorted());
});

test.each(samples)('%s answers as it is named', async (sample) => {
  const { code, answer } = await invoke(sample, environmentOf(bench));
  expect(answer).toMatchObject(answerOf(sample) as object);
  expect(code).toBe(0);
});

test.each(['createOrder', 'relayOutbox', 'notify'])(
  'without services %s says what to do, without a stack trace',
  async (sample) => {
    const absent = { KAFKA_BROKERS: 'localhost:1', DYNAMODB_ENDPOINT: 'http://localhost:1' };
    const { stdout, stderr } = await invoke(sample, { ...environmentOf(bench), ...absent });
    expect(stdout).toMatch(/npm start|again|in time/);
    expect(stdout + stderr).not.toMatch(/(^|\\n)\s+at /m);
  },
);
