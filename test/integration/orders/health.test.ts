import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler } from '../../../functions/health/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { HealthDeps } from '../../../lib/health/check.ts';
import { NOBODY } from '../../../lib/identity/caller.ts';
import { createProbe, type Probe } from '../../../lib/kafka/probe.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

let bench: OrderBench;
let probe: Probe;

beforeAll(async () => {
  bench = await createOrderBench();
  probe = createProbe(bench.brokers);
});

afterEach(() => {
  jest.useRealTimers();
});

afterAll(async () => {
  await probe.disconnect();
  await bench.close();
});

const never = () => new Promise<never>(() => undefined);

function health(changes: Partial<HealthDeps> = {}, callers = callersOf()) {
  const deps: HealthDeps = {
    clock: systemClock,
    backlog: () => bench.repository.backlog.summary(),
    checkKafka: (timeoutMs) => probe.check(bench.topic, timeoutMs),
    ...changes,
  };
  return call(createHandler({ ...deps, callers }), { path: '/api/health' });
}

test('both dependencies are shown with their latency', async () => {
  const reply = await health();
  const up = { state: 'up', latencyMs: expect.any(Number) };
  expect([reply.status, reply.body]).toEqual([
    200,
    { success: true, status: 'ok', auth: 'off', dependencies: { dynamodb: up, kafka: up } },
  ]);
});

test('where tokens are demanded, an operator sees the details and all others the status alone', async () => {
  const operator = await health({}, callersOf({ kind: 'operator' }));
  expect(Object.keys(operator.body)).toEqual(['success', 'status', 'dependencies']);
  for (const caller of [NOBODY, { kind: 'customer', customerId: 'c' } as const]) {
    expect((await health({}, callersOf(caller))).body).toEqual({ success: true, status: 'ok' });
    const backlog = () => Promise.reject(new Error('away'));
    const away = await health({ backlog }, callersOf(caller));
    expect([away.status, away.body.dependencies]).toEqual([503, undefined]);
  }
});

test('Kafka away is a degraded service', async () => {
  const away = createProbe([`localhost:${await freePort()}`]);
  const reply = await health({ checkKafka: (timeoutMs) => away.check(bench.topic, timeoutMs) });
  expect([reply.status, reply.body.status]).toEqual([200, 'degraded']);
  expect(reply.body.dependencies.kafka.state).toBe('down');
});

test('an event that waits for long is a degraded service, with its age', async () => {
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  await call(createCreateOrder(away), { method: 'POST', body });
  await until(
    'the index to hold the order',
    async () => (await bench.repository.backlog.summary()).oldest,
  );
  const clock = { now: () => new Date(Date.now() + 300_000) };
  const reply = await health({ clock });
  expect([reply.status, reply.body.status]).toEqual([200, 'degraded']);
  expect(reply.body.oldestPendingEventSeconds).toBeGreaterThanOrEqual(299);
});

test('DynamoDB away is 503 with a time to come back', async () => {
  const dynamoEndpoint = `http://localhost:${await freePort()}`;
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const repository = createRepository({ dynamo, table: 't', clock: systemClock });
  const reply = await health({ backlog: () => repository.backlog.summary() });
  expect([reply.status, reply.body.code, reply.headers['retry-after']]).toEqual([
    503,
    'DATABASE_AWAY',
    '5',
  ]);
  expect(reply.body.dependencies.dynamodb.state).toBe('down');
});

test('it answers after 1.5 seconds also when both hang', async () => {
  jest.useFakeTimers();
  let isAnswered = false;
  const answer = health({ backlog: never, checkKafka: never }).finally(() => {
    isAnswered = true;
  });
  await jest.advanceTimersByTimeAsync(1_499);
  expect(isAnswered).toBe(false);
  await jest.advanceTimersByTimeAsync(1);
  expect((await answer).status).toBe(503);
});

test('the check of a token takes its time from that of the dependencies', async () => {
  jest.useFakeTimers();
  const backlog = async () => ({ refusedOrders: 0 });
  const slow = {
    ...callersOf(NOBODY),
    ask: async () => {
      jest.advanceTimersByTime(1_000);
      return NOBODY;
    },
  };
  const timeouts: number[] = [];
  const checkKafka = (timeoutMs: number) => {
    timeouts.push(timeoutMs);
    return never();
  };
  const answer = health({ backlog, checkKafka }, slow);
  await jest.advanceTimersByTimeAsync(900);
  const reply = await answer;
  expect([reply.status, reply.body.status]).toEqual([200, 'degraded']);
  expect(timeouts).toEqual([900]);
});
