import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { loadConfig } from '../../../lib/config.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Producer } from '../../../lib/kafka/producer.ts';
import { createSilence, type Silence } from '../../../lib/kafka/silence.ts';
import { composeOutbox } from '../../../lib/order/compose.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { environmentOf } from '../../support/system.ts';

const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

let bench: OrderBench;
beforeAll(async () => {
  bench = await createOrderBench();
});
afterAll(() => bench.close());
afterEach(() => {
  jest.restoreAllMocks();
});

/** A Kafka that fails each send with this code, or takes it, and the time limits that it was given. */
function failing(code?: 'KAFKA_AWAY' | 'KAFKA_REFUSED') {
  const limits: number[] = [];
  const kafka = { code, limits };
  const producer: Producer = {
    ...bench.producer,
    async send(_topic, _records, timeoutMs) {
      limits.push(timeoutMs);
      if (kafka.code) throw new AppError(kafka.code, 'This test wants it.');
    },
  };
  return { kafka, producer };
}

/** Places an order, so that its event is sent. */
async function place(producer: Producer, silence?: Silence): Promise<string> {
  const deps = { ...bench, producer, ...(silence && { silence }) };
  const placed = await call(createCreateOrder(deps), { method: 'POST', body });
  expect(placed.status).toBe(201);
  return placed.body.data.id;
}

/** The clock of the time limits, in ms, so that no limit is shorter on a slow machine. */
function clockAt(): { now: number } {
  const clock = { now: 0 };
  jest.spyOn(performance, 'now').mockImplementation(() => clock.now);
  return clock;
}

test('after a send without an answer Kafka gets 0.1 s, for 5 s', async () => {
  const clock = clockAt();
  const { kafka, producer } = failing('KAFKA_AWAY');
  const silence = createSilence();
  for (const now of [1_000, 1_000, 5_900, 6_000, 6_100]) {
    clock.now = now;
    await place(producer, silence);
  }
  expect(kafka.limits).toEqual([800, 100, 100, 800, 100]);
});

test.each([
  ['a taken record', undefined],
  ['a refused record', 'KAFKA_REFUSED'],
] as const)('%s is an answer, so Kafka gets its whole time again', async (_, code) => {
  clockAt();
  const { kafka, producer } = failing('KAFKA_AWAY');
  const silence = createSilence();
  await place(producer, silence);
  kafka.code = code;
  await place(producer, silence);
  await place(producer, silence);
  expect(kafka.limits).toEqual([800, 100, 800]);
});

test('an instance that is frozen between its requests gives Kafka its whole time each time', async () => {
  clockAt();
  const { kafka, producer } = failing('KAFKA_AWAY');
  for (let request = 0; request < 3; request += 1) await place(producer);
  expect(kafka.limits).toEqual([800, 800, 800]);
});

test('a move does not wait for the mark of the event before while Kafka is silent', async () => {
  clockAt();
  const { producer } = failing('KAFKA_AWAY');
  const reads = jest.spyOn(bench.repository, 'get');
  const silence = createSilence();
  const found: number[] = [];
  for (const own of [undefined, silence]) {
    const id = await place(producer, own);
    reads.mockClear();
    const move = { method: 'PUT', pathParameters: { id }, body: { status: 'confirmed' } };
    const deps = { ...bench, producer, ...(own && { silence: own }) };
    expect((await call(createUpdateStatus(deps), move)).status).toBe(200);
    found.push(reads.mock.calls.length);
  }
  expect(found[0]).toBeGreaterThan(1);
  expect(found[1]).toBe(1);
});

test.each([
  ['under serverless-offline a silence is remembered', { IS_OFFLINE: 'true' }, true],
  [
    'on Lambda, which freezes instances, it is not',
    { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' },
    false,
  ],
])('%s', (_, variables, isRemembered) => {
  const region = { AWS_REGION: 'us-east-1' };
  const config = loadConfig({ ...region, ...environmentOf(bench), ...variables });
  expect(composeOutbox(config, bench).silence !== undefined).toBe(isRemembered);
});
