import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventOf } from '../../lib/order/events.ts';
import { firstVersion } from '../../lib/order/order.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { ROOT } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';

/** The order that the samples of getOrder and updateStatus name. */
const SAMPLE_ORDER = '0192f0c1-2345-7abc-8def-0123456789ab';

/** What each sample answers where the services are there. */
const ANSWERS: Record<string, unknown> = {
  createOrder: { statusCode: 201 },
  'createOrder.broken': { statusCode: 400 },
  'createOrder.invalid': { statusCode: 422 },
  getOrder: { statusCode: 200 },
  'getOrder.malformed': { statusCode: 404 },
  listByCustomer: { statusCode: 200 },
  'listByCustomer.cursor': { statusCode: 422 },
  'listByCustomer.invalid': { statusCode: 422 },
  listOrderEvents: { statusCode: 200 },
  'listOrderEvents.malformed': { statusCode: 404 },
  updateStatus: { statusCode: 200 },
  'updateStatus.invalid': { statusCode: 422 },
  health: { statusCode: 200 },
  docs: { statusCode: 200 },
  'docs.openapi': { statusCode: 200 },
  notFound: { statusCode: 404 },
  'notFound.method': { statusCode: 405 },
  getPreferences: { statusCode: 200 },
  'getPreferences.invalid': { statusCode: 422 },
  putPreferences: { statusCode: 200 },
  'putPreferences.invalid': { statusCode: 422 },
  'putPreferences.stale': { statusCode: 412 },
  unsubscribe: { statusCode: 200 },
  'unsubscribe.page': { statusCode: 200 },
  'unsubscribe.forged': { statusCode: 404 },
  listNotifications: { statusCode: 200 },
  'listNotifications.invalid': { statusCode: 422 },
  sendDeferred: { handled: 0, done: true },
  relayOutbox: { done: true },
  notify: { batchItemFailures: [] },
  'notify.partial': { batchItemFailures: [] },
  'notify.poison': { batchItemFailures: [] },
  'notify.tombstone': { batchItemFailures: [] },
};

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

test('every sample has its answer here', async () => {
  const files = await readdir(join(ROOT, 'events'));
  expect(files.map((file) => file.replace(/\.json$/, '')).toSorted()).toEqual(
    Object.keys(ANSWERS).toSorted(),
  );
});

test.each(Object.entries(ANSWERS))('%s answers as it is named', async (sample, expected) => {
  const { code, answer } = await invoke(sample, environmentOf(bench));
  expect(answer).toMatchObject(expected as object);
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
