import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { AppError } from '../../../lib/errors.ts';
import { ANYBODY } from '../../../lib/identity/caller.ts';
import type { Producer } from '../../../lib/kafka/producer.ts';
import { callersOf } from '../../support/callers.ts';
import { call, type Reply } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

let bench: OrderBench;
beforeAll(async () => {
  bench = await createOrderBench();
});
afterAll(() => bench.close());

/** The time of the handlers' clock in milliseconds, which stands still but for the check of a token. */
let time: number;
beforeEach(() => {
  time = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => time);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Asks again when the table of a busy machine does not answer in time. */
const answered = (ask: () => Promise<Reply>) =>
  until('an answer', async () => {
    const reply = await ask();
    return reply.status === 503 ? undefined : reply;
  });

/** Callers whose tokens take so long to check, and a Kafka that does not answer in the time it gets. */
function slow(ms: number) {
  const timeouts: number[] = [];
  const producer: Producer = {
    ...bench.producer,
    async send(_, __, timeoutMs) {
      timeouts.push(timeoutMs);
      throw new AppError('KAFKA_AWAY', 'Kafka hangs.');
    },
  };
  const demand = async () => {
    time += ms;
    return ANYBODY;
  };
  const callers = { ...callersOf(), demand };
  return { deps: { ...bench, producer, callers }, timeouts };
}

test.each([
  ['nothing', 0, 800],
  ['1.3 s', 1_300, 600],
  ['2 s', 2_000, 100],
])(
  'a Kafka that hangs gets the time that the check of a token leaves: it took %s',
  async (_, ms, left) => {
    const { deps, timeouts } = slow(ms);
    const placed = await answered(() => call(createCreateOrder(deps), { method: 'POST', body }));
    expect(placed.status).toBe(201);
    const { id } = placed.body.data;
    const move = { method: 'PUT', pathParameters: { id }, body: { status: 'confirmed' } };
    expect((await answered(() => call(createUpdateStatus(deps), move))).status).toBe(200);
    expect(timeouts).toEqual([left, left]);
  },
);
