import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { AppError } from '../../../lib/errors.ts';
import { createProducer, type Producer } from '../../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

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

/** The relay, as if the grace for the handlers were over already. */
function relay(deps: OutboxDeps = bench) {
  const clock = { now: () => new Date(Date.now() + 60_000) };
  return createRelayOutbox({ ...deps, clock })({}, lambdaContext());
}

const toldOf = (id: string) =>
  topic.records.filter(({ key }) => key === id).map(({ value }) => JSON.parse(value).sequence);

test('with Kafka away the order is accepted, and the relay publishes it', async () => {
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const reply = await call(createCreateOrder(away), { method: 'POST', body });
  expect(reply.status).toBe(201);

  const { id } = reply.body.data;
  const [pending] = (await bench.repository.get(id))?.events ?? [];
  expect(pending?.publishedAt).toBeUndefined();
  expect(toldOf(id)).toEqual([]);

  await until('the relay to see the order', async () =>
    (await relay()).published > 0 ? true : undefined,
  );
  await until('the event', () => (toldOf(id).length > 0 ? true : undefined));
  expect(toldOf(id)).toEqual([1]);
  const told = topic.records.find(({ key }) => key === id);
  expect([told?.value, told?.headers]).toEqual([pending?.value, pending?.headers]);
  expect((await bench.repository.get(id))?.events[0]?.publishedAt).toBeDefined();
  expect((await relay()).published).toBe(0);
});

test('an event of a clock that was hours ahead is published in the next run, one of this moment is left to its handler', async () => {
  const producer = createProducer([`localhost:${await freePort()}`]);
  const now = Date.now();
  const at = (ms: number) => ({ clock: { now: () => new Date(now + ms) } });
  const place = async (ms: number) => {
    const reply = await call(createCreateOrder({ ...bench, producer, ...at(ms) }), {
      method: 'POST',
      body,
    });
    return reply.body.data.id;
  };
  const [ahead, young] = [await place(5 * 3600_000), await place(-2_999)];
  await until('the relay to see the order', async () => {
    await createRelayOutbox({ ...bench, ...at(0) })({}, lambdaContext());
    return (await bench.repository.get(ahead))?.events[0]?.publishedAt;
  });
  expect((await bench.repository.get(young))?.events[0]?.publishedAt).toBeUndefined();
  await createRelayOutbox({ ...bench, ...at(2) })({}, lambdaContext());
  expect((await bench.repository.get(young))?.events[0]?.publishedAt).toBeDefined();
});

test('a send that fails marks nothing as published', async () => {
  const failing: Producer = {
    ...bench.producer,
    send: () => createProducer(['localhost:1']).send('t', [], 50),
    disconnect: async () => undefined,
  };
  const reply = await call(createCreateOrder({ ...bench, producer: failing }), {
    method: 'POST',
    body,
  });
  const stored = await bench.repository.get(reply.body.data.id);
  expect(stored?.events[0]?.publishedAt).toBeUndefined();
  await until(
    'the index to hold the order',
    async () => (await bench.repository.backlog.summary()).oldest,
  );
  await relay();
});

test('a later change brings the event that was left behind, before its own', async () => {
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const { body: created } = await call(createCreateOrder(away), { method: 'POST', body });
  const { id } = created.data;
  await call(createUpdateStatus(bench), {
    method: 'PUT',
    pathParameters: { id },
    body: { status: 'confirmed' },
  });
  await until('both events', () => (toldOf(id).length >= 2 ? true : undefined));
  expect(toldOf(id)).toEqual([1, 2]);
  const stored = await bench.repository.get(id);
  expect(stored?.events.every(({ publishedAt }) => publishedAt)).toBe(true);
});

/** An order whose event is sent, answered, and marked when the test lets it. */
async function createUnmarked() {
  const answered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { markPublished } = bench.repository.backlog;
  const backlog = {
    ...bench.repository.backlog,
    markPublished: async (...mark: Parameters<typeof markPublished>) => {
      await release.promise;
      await markPublished(...mark);
    },
  };
  const deps = {
    ...bench,
    repository: { ...bench.repository, backlog },
    runOn: (end: Promise<void>) => void end.then(answered.resolve),
  };
  const reply = await call(createCreateOrder(deps), { method: 'POST', body });
  return { id: reply.body.data.id, release: release.resolve, marked: answered.promise };
}

const clockIn = (ms: number) => ({ now: () => new Date(Date.now() + ms) });

const move = (id: string, status: string, deps: OutboxDeps) =>
  call(createUpdateStatus({ ...bench, ...deps }), {
    method: 'PUT',
    pathParameters: { id },
    body: { status },
  });

const confirm = (id: string, deps: OutboxDeps = bench) => move(id, 'confirmed', deps);

test.each([
  ['right after the answer', 0],
  ['after a slow answer', 2_500],
])('a move %s waits a moment for the mark, and sends no event again', async (_, later) => {
  const { id, release, marked } = await createUnmarked();
  let reads = 0;
  const get: typeof bench.repository.get = async (...asked) => {
    reads += 1;
    if (reads === 2) {
      release(); // the first read finds the order to move
      await marked;
    }
    return bench.repository.get(...asked);
  };
  const repository = { ...bench.repository, get };
  expect((await confirm(id, { ...bench, repository, clock: clockIn(later) })).status).toBe(200);
  await until('both events', () => toldOf(id).length >= 2 || undefined);
  expect(toldOf(id)).toEqual([1, 2]);
  const stored = await bench.repository.get(id);
  expect(stored?.events.every(({ publishedAt }) => publishedAt)).toBe(true);
});

test('a move that finds a later move of its order does not wait for the mark of its own event', async () => {
  const { id, release, marked } = await createUnmarked();
  const send = () => Promise.reject(new AppError('KAFKA_AWAY', 'Kafka does not answer.'));
  const unsent = { ...bench, producer: { ...bench.producer, send }, clock: clockIn(60_000) };
  let reads = 0;
  const get: typeof bench.repository.get = async (...asked) => {
    reads += 1;
    if (reads === 2) {
      release();
      await marked;
      await move(id, 'shipped', unsent);
    }
    return bench.repository.get(...asked);
  };
  const repository = { ...bench.repository, get };
  expect((await confirm(id, { ...bench, repository })).status).toBe(200);
  await until('the events', () => toldOf(id).length >= 3 || undefined);
  expect([reads, toldOf(id)]).toEqual([2, [1, 2, 3]]);
});

test('a move does not look for the mark of an event that is left to the relay', async () => {
  const { id, release, marked } = await createUnmarked();
  let reads = 0;
  const get: typeof bench.repository.get = (...asked) => {
    reads += 1;
    return bench.repository.get(...asked);
  };
  const repository = { ...bench.repository, get };
  expect((await confirm(id, { ...bench, repository, clock: clockIn(60_000) })).status).toBe(200);
  expect(reads).toBe(1);
  release();
  await marked;
});

test('a mark that does not come is not waited for: the later event brings the earlier one again', async () => {
  const { id, release, marked } = await createUnmarked();
  expect((await confirm(id)).status).toBe(200);
  await until('the events', () => toldOf(id).length >= 3 || undefined);
  expect(toldOf(id)).toEqual([1, 1, 2]);
  release();
  await marked;
  const stored = await bench.repository.get(id);
  expect(stored?.events.every(({ publishedAt }) => publishedAt)).toBe(true);
});

test.each([
  ['fails', () => Promise.reject(new AppError('DATABASE_AWAY', 'DynamoDB does not answer.'))],
  ['hangs', () => new Promise<never>(() => undefined)],
])('a look for the mark that %s delays no answer, and both events are sent', async (_, look) => {
  const { id, release, marked } = await createUnmarked();
  let reads = 0;
  const get: typeof bench.repository.get = (...asked) => {
    reads += 1;
    return reads === 1 ? bench.repository.get(...asked) : look();
  };
  const began = performance.now();
  const repository = { ...bench.repository, get };
  expect((await confirm(id, { ...bench, repository })).status).toBe(200);
  // The promise to the caller, also when Kafka takes its whole time.
  expect(performance.now() - began).toBeLessThan(2_000);
  await until('the events', () => toldOf(id).length >= 3 || undefined);
  expect([reads, toldOf(id)]).toEqual([2, [1, 1, 2]]);
  release();
  await marked;
});

test('a send that arrives after a later event can only repeat, not overtake', async () => {
  const release = Promise.withResolvers<void>();
  const lateSends: Promise<void>[] = [];
  const slow: Producer = {
    ...bench.producer,
    // The caller stops waiting; its message goes out when the network lets it.
    send: (...send) => {
      lateSends.push(release.promise.then(() => bench.producer.send(...send)));
      return createProducer(['localhost:1']).send('t', [], 50);
    },
  };
  const { body: created } = await call(createCreateOrder({ ...bench, producer: slow }), {
    method: 'POST',
    body,
  });
  const { id } = created.data;
  await call(createUpdateStatus(bench), {
    method: 'PUT',
    pathParameters: { id },
    body: { status: 'shipped' },
  });
  await until('both events', () => (toldOf(id).length >= 2 ? true : undefined));
  release.resolve();
  await Promise.all(lateSends);
  await until('the late one', () => (toldOf(id).length >= 3 ? true : undefined));
  expect(toldOf(id)).toEqual([1, 2, 1]);
  const values = topic.records.filter(({ key }) => key === id).map(({ value }) => value);
  expect(values[2]).toBe(values[0]);
});

test('an event of the last three seconds is left to the handler that wrote it', async () => {
  const written = Date.now();
  const at = (ms: number) => ({ now: () => new Date(written + ms) });
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const reply = await call(createCreateOrder({ ...away, clock: at(0) }), { method: 'POST', body });
  const { id } = reply.body.data;
  const relayAt = (ms: number) =>
    createRelayOutbox({ ...bench, clock: at(ms) })({}, lambdaContext());
  await until(
    'the index to hold the order',
    async () => (await bench.repository.backlog.summary()).oldest,
  );
  for (const ms of [0, 1, 2_999, 3_000]) expect((await relayAt(ms)).published).toBe(0);
  expect((await relayAt(3_001)).published).toBe(1);
  await until('the event', () => (toldOf(id).length > 0 ? true : undefined));
});
