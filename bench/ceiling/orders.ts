import { createHandler as createCreateOrder } from '../../functions/createOrder/handler.ts';
import { createHandler as createRelayOutbox } from '../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../functions/updateStatus/handler.ts';
import { AppError } from '../../lib/errors.ts';
import type { Producer } from '../../lib/kafka/producer.ts';
import { createRepository } from '../../lib/order/repository.ts';
import { httpEvent, lambdaContext } from '../../test/support/http.ts';
import type { OrderBench } from '../../test/support/orders.ts';
import { type Bare, createTape, renamed, type Step, untilSent } from './bare.ts';
import { type Prepare, raced, type Stage } from './stage.ts';

const CLIENTS = 8;
const LATER = ['confirmed', 'shipped', 'delivered'] as const;
/** The relay publishes only what has been pending for some seconds. */
const WAITED_MS = 60_000;
const RELAY_TIME_MS = 3_600_000;
/** As many marks at once as the relay writes, and a producer's batch of records. */
const MARKS_AT_ONCE = 16;
const BATCH = 100;

const body = {
  items: [
    { productId: 'keyboard', quantity: 3, price: 9.99 },
    { productId: 'mouse', quantity: 1, price: 0.1 },
  ],
  contact: { email: 'ada@example.com' },
};

type Deps = Parameters<typeof createCreateOrder>[0];

/**
 * createOrder for eight clients. Bare: one write of the same item and one acknowledged send of the same
 * record.
 */
export async function postStage(bench: OrderBench, bare: Bare): Promise<Stage> {
  const { deps, stepsOf, close } = taped(bench);
  const place = placing(bench);
  const placeTaped = placing(deps);
  let id = '';
  const work = async () => {
    id = await placeTaped();
  };
  const steps = untilSent(await stepsOf(work));
  close();
  return {
    name: 'post',
    ...{ perOrder: 1, isPassedByAll: true },
    own: async (count) => () => raced(Array(count), CLIENTS, (_, record) => record(place)),
    bare: async (count) => {
      const others = range(count).map(() => renamed(steps, { [id]: crypto.randomUUID() }));
      return () => raced(others, CLIENTS, (one, record) => record(() => bare.take(one)));
    },
  };
}

/**
 * updateStatus for eight clients. Bare: one read, one write of the same change and one acknowledged send
 * of the same record.
 */
export async function updateStage(bench: OrderBench, bare: Bare): Promise<Stage> {
  const { deps, stepsOf, close } = taped(bench);
  const move = moving(bench);
  const place = placing(bench);
  const moveTaped = moving(deps);
  const sample = await place();
  const moves: Step[][] = [];
  for (const status of LATER) {
    moves.push(untilSent(await stepsOf(() => moveTaped(sample, status))));
  }
  close();
  const placed = (count: number) => madeBy(place, Math.ceil(count / LATER.length));
  return {
    name: 'update',
    ...{ perOrder: LATER.length, isPassedByAll: true },
    own: async (count) => {
      const ids = await placed(count);
      return () =>
        raced(ids, CLIENTS, async (id, record) => {
          for (const status of LATER) await record(() => move(id, status));
        });
    },
    bare: async (count) => {
      const others = (await placed(count)).map((id) => renamed(moves, { [sample]: id }));
      return () =>
        raced(others, CLIENTS, async (steps, record) => {
          for (const step of steps) await record(() => bare.take(step));
        });
    },
  };
}

/** A run of relayOutbox on orders with one pending event. Bare: the same records in batches, the same marks. */
export async function relayStage(bench: OrderBench, bare: Bare): Promise<Stage> {
  const { deps, stepsOf, close } = taped(bench);
  const clock = { now: () => new Date(Date.now() + WAITED_MS) };
  const run = (deps: Deps) =>
    createRelayOutbox({ ...deps, clock })({}, lambdaContext(RELAY_TIME_MS));
  const place = placing({ ...bench, producer: away });
  const sample = await place();
  const steps = await stepsOf(() => run(deps));
  close();
  const sent = steps.flatMap((step) => ('records' in step ? step.records : []));
  const mark = steps.filter((step) => 'command' in step && step.command === 'UpdateItemCommand');
  const own: Prepare = async (count) => {
    await madeBy(place, count);
    return async () => {
      const start = performance.now();
      const { published } = await run(bench);
      if (published !== count) throw new Error(`${published} of ${count} events were relayed`);
      return { count, seconds: (performance.now() - start) / 1000 };
    };
  };
  return {
    name: 'relay',
    ...{ perOrder: 1 + LATER.length, isPassedByAll: false },
    own,
    bare: async (count) => {
      const ids = await madeBy(place, count);
      const marks = ids.map((id) => renamed(mark, { [sample]: id }));
      const records = ids.flatMap((id) => renamed(sent, { [sample]: id }));
      const batches = range(Math.ceil(count / BATCH)).map((i) => [
        { records: records.slice(i * BATCH, (i + 1) * BATCH) },
      ]);
      return async () => {
        const start = performance.now();
        for (const batch of batches) await bare.take(batch);
        await raced(marks, MARKS_AT_ONCE, (steps, record) => record(() => bare.take(steps)));
        return { count, seconds: (performance.now() - start) / 1000 };
      };
    },
  };
}

/** The functions' dependencies, whose requests are noted. */
function taped(bench: OrderBench) {
  const { dynamo, producer, stepsOf } = createTape(bench.dynamoEndpoint, bench.producer);
  const repository = createRepository({ ...bench, dynamo });
  return { deps: { ...bench, repository, producer }, stepsOf, close: () => dynamo.destroy() };
}

/** Kafka is away, so that the events stay pending. */
const away: Producer = {
  send: async () => {
    throw new AppError('KAFKA_AWAY', 'Kafka is away, since the bench wants pending events.');
  },
  partitionOf: () => undefined,
  disconnect: async () => undefined,
};

/** Each order has a customer of its own. @returns the order's id */
function placing(deps: Deps): () => Promise<string> {
  const handler = createCreateOrder(deps);
  return async () => {
    const given = { ...body, customerId: `customer-${crypto.randomUUID()}` };
    const event = httpEvent({ method: 'POST', path: '/api/orders', body: given });
    const answer = await handler(event, lambdaContext());
    if (answer.statusCode !== 201) throw new Error(`POST answered ${answer.body}`);
    return String(answer.headers?.location).split('/').at(-1) ?? '';
  };
}

function moving(deps: Deps) {
  const handler = createUpdateStatus(deps);
  return async (id: string, status: string) => {
    const path = `/api/orders/${id}/status`;
    const request = { method: 'PUT', path, pathParameters: { id }, body: { status } };
    const answer = await handler(httpEvent(request), lambdaContext());
    if (answer.statusCode !== 200) throw new Error(`PUT answered ${answer.body}`);
  };
}

/** The ids of so many new orders. */
async function madeBy(place: () => Promise<string>, count: number): Promise<string[]> {
  const ids: string[] = [];
  await raced(Array(count), CLIENTS, async () => {
    ids.push(await place());
  });
  return ids;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
