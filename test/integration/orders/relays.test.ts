import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createListOrderEvents } from '../../../functions/listOrderEvents/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Producer } from '../../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { callersOf } from '../../support/callers.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

const ORDERS = 12;
const MOVES = ['confirmed', 'shipped', 'delivered'];

let bench: OrderBench;
let topic: Awaited<ReturnType<typeof readTopic>>;

beforeAll(async () => {
  bench = await createOrderBench();
  topic = await readTopic(bench.brokers, bench.topic);
});

afterAll(async () => {
  await topic.close();
  await bench.close();
});

/** The same sequence of numbers for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A producer whose sends arrive late, are given up while they are still under way, or never leave:
 * a network and kafkajs' time limit do this together. `settled` waits for those still under way.
 */
function late(random: () => number) {
  const underWay: Promise<unknown>[] = [];
  const producer: Producer = {
    ...bench.producer,
    disconnect: async () => undefined,
    async send(name, records, timeoutMs) {
      const fate = random();
      if (fate < 0.2) throw new AppError('KAFKA_AWAY', 'it never left');
      const sent = pause(random() * 150).then(() => bench.producer.send(name, records, timeoutMs));
      underWay.push(sent.catch(() => undefined)); // The caller has it too, or has given it up.
      if (fate < 0.5) {
        await pause(random() * 30);
        throw new AppError('KAFKA_AWAY', 'given up while under way');
      }
      await sent;
    },
  };
  return { producer, settled: () => Promise.all(underWay) };
}

/** Repeats a request as its caller would: a busy machine may answer 503 for a moment. */
function insist(handler: Parameters<typeof call>[0], request: Parameters<typeof call>[1]) {
  return until('an answer', async () => {
    const reply = await call(handler, request);
    return reply.status === 503 ? undefined : reply;
  });
}

/** Takes orders through all their statuses, and waits until all their events are marked. */
async function placeAndMove(deps: OutboxDeps, random: () => number): Promise<string[]> {
  const [create, update] = [
    createCreateOrder({ ...deps, callers: callersOf() }),
    createUpdateStatus({ ...deps, callers: callersOf() }),
  ];
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  const through = async () => {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const placed = await insist(create, { method: 'POST', headers, body });
    const pathParameters = { id: String(placed.body.data.id) };
    for (const status of MOVES) {
      await pause(random() * 50);
      const moved = await insist(update, { method: 'PUT', pathParameters, body: { status } });
      expect(moved.status).toBe(200);
    }
    return pathParameters.id;
  };
  const ids = await Promise.all(Array.from({ length: ORDERS }, through));
  await until('all events to be marked', () => allMarked(ids), 60_000);
  return ids;
}

async function allMarked(ids: string[]): Promise<true | undefined> {
  for (const id of ids) {
    const { body } = await call(createListOrderEvents(bench), {
      pathParameters: { id },
    });
    const published = body.data?.map((event: { published: boolean }) => event.published);
    if (published?.length !== 4 || published.includes(false)) return undefined;
  }
  return true;
}

const toldOf = (id: string) =>
  topic.records.filter(({ key }) => key === id).map(({ value }) => JSON.parse(value));

test.each([1, 2, 3])(
  'two relays and a handler with late sends do not disorder the events of an order (seed %d)',
  async (seed) => {
    const random = randomOf(seed);
    const { producer, settled } = late(random);
    const deps: OutboxDeps = { ...bench, producer };
    const clock = { now: () => new Date(Date.now() + 60_000) };
    let over = false;
    const relay = async () => {
      while (!over) {
        // A run that fails with KAFKA_AWAY is followed by the next one, as on its schedule.
        await createRelayOutbox({ ...deps, clock })({}, lambdaContext()).catch(() => undefined);
        await pause(random() * 20);
      }
    };
    const relays = [relay(), relay()];
    const ids = await placeAndMove(deps, random).finally(() => {
      over = true;
    });
    await Promise.all(relays);
    await settled();
    await until('every event on the topic', () =>
      ids.every((id) => new Set(toldOf(id).map((event) => event.id)).size === 4) ? true : undefined,
    );
    for (const id of ids) {
      const firsts = [...new Set(toldOf(id).map(({ sequence }) => sequence))];
      expect([id, firsts]).toEqual([id, [1, 2, 3, 4]]);
    }
    expect(topic.records.length).toBeGreaterThan(ORDERS * 4); // some were sent twice
  },
  120_000,
);
