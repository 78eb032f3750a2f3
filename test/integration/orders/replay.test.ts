import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { type ReplaySelection, replay } from '../../../lib/order/replay.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { sls } from '../../support/sls.ts';
import { environmentOf } from '../../support/system.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

const DAY_MS = 24 * 3600 * 1000;
const now = Date.now();

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

const at = (daysAgo: number) => new Date(now - daysAgo * DAY_MS);

function then(daysAgo: number, deps: OutboxDeps = bench): OutboxDeps {
  return { ...deps, clock: { now: () => at(daysAgo) } };
}

async function place(deps: OutboxDeps): Promise<string> {
  const body = {
    customerId: 'c',
    items: [{ productId: 'p', quantity: 1, price: 5 }],
    contact: { email: 'a@example.org' },
  };
  return (
    await call(createCreateOrder({ ...deps, callers: callersOf() }), { method: 'POST', body })
  ).body.data.id;
}

async function move(id: string, status: string, deps: OutboxDeps): Promise<void> {
  const request = { method: 'PUT', pathParameters: { id }, body: { status } };
  expect((await call(createUpdateStatus({ ...deps, callers: callersOf() }), request)).status).toBe(
    200,
  );
}

const recordsOf = (id: string) => topic.records.filter(({ key }) => key === id);
const sequences = (id: string) => recordsOf(id).map(({ value }) => JSON.parse(value).sequence);

async function run(selection: ReplaySelection, publish: boolean) {
  const found: Record<string, number[]> = {};
  const report = await replay(bench, selection, {
    publish,
    found: ({ order }, events) => {
      found[order.id] = events.map(({ sequence }) => sequence);
    },
  });
  return { report, found };
}

test('an order is published again with the same bytes, and only when it is said', async () => {
  const id = await place(bench);
  await move(id, 'confirmed', bench);
  await move(id, 'shipped', bench);
  await until('the first three', () => (recordsOf(id).length === 3 ? true : undefined));
  const stored = await bench.repository.get(id);

  const dry = await run({ order: id }, false);
  expect(dry.report).toEqual({ orders: 1, events: 3, pending: 0 });
  await run({ order: id }, true);
  await until('the repetition', () => (recordsOf(id).length >= 6 ? true : undefined));
  expect(sequences(id)).toEqual([1, 2, 3, 1, 2, 3]);
  const [first, again] = [recordsOf(id).slice(0, 3), recordsOf(id).slice(3)];
  expect(again).toEqual(first);
  expect(again.map(({ value }) => value)).toEqual(stored?.events.map(({ value }) => value));
  expect(await bench.repository.get(id)).toEqual(stored);
});

test('pending events are left to the relay, so that no event is published out of turn', async () => {
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const id = await place(bench);
  await move(id, 'shipped', away);
  const { report, found } = await run({ order: id }, true);
  expect([report, found]).toEqual([{ orders: 1, events: 1, pending: 1 }, { [id]: [1] }]);
  await until('the repetition', () => (recordsOf(id).length >= 2 ? true : undefined));
  expect(sequences(id)).toEqual([1, 1]);
});

test('an unknown order is an error', async () => {
  const selection = { order: '0192f0c1-2345-7abc-8def-0123456789ab' };
  await expect(run(selection, true)).rejects.toThrow(
    expect.objectContaining({ code: 'ORDER_NOT_FOUND' }),
  );
});

test('a period has the events of all orders in it, however the orders went on', async () => {
  const before = await place(then(12)); // before the period
  const across = await place(then(12)); // one event before, one in it, one after
  await move(across, 'confirmed', then(9.5));
  await move(across, 'shipped', then(3));
  const inside = await place(then(9.9));
  await move(inside, 'shipped', then(9.1));
  const until9 = await place(then(9)); // its end is not part of it
  const start = await place(then(10)); // its start is
  const after = await place(then(2));
  const selection = { from: at(10), to: at(9) };
  const { found, report } = await until('the index to have all of them', async () => {
    const result = await run(selection, false);
    return result.report.orders >= 3 ? result : undefined;
  });
  expect(found).toEqual({ [across]: [2], [inside]: [1, 2], [start]: [1] });
  expect(report).toEqual({ orders: 3, events: 4, pending: 0 });

  await run(selection, true);
  await until('the repetitions', () =>
    sequences(across).length + sequences(inside).length + sequences(start).length >= 10
      ? true
      : undefined,
  );
  expect(sequences(across)).toEqual([1, 2, 3, 2]);
  expect(sequences(inside)).toEqual([1, 2, 1, 2]);
  for (const id of [before, until9, after]) expect(sequences(id)).toEqual([1]);
});

test('an event of a writer whose clock is behind is found where its order says', async () => {
  const SECOND_MS = 1000;
  const id = await place(then(20));
  await move(id, 'confirmed', then(20 + (5 * SECOND_MS) / DAY_MS));
  await move(id, 'shipped', then(20 + (9 * SECOND_MS) / DAY_MS));
  const { order, events = [] } = (await bench.repository.get(id)) ?? {};
  const start = at(20).toISOString();
  expect([order?.createdAt, order?.updatedAt]).toEqual([start, start]);
  expect(events.map(({ timestamp }) => timestamp)).toEqual([start, start, start]);
  for (const { publishedAt = '' } of events) expect(publishedAt >= start).toBe(true);
  const selection = { from: at(20), to: at(19.9) };
  const { found } = await until('the index to have it', async () => {
    const result = await run(selection, false);
    return result.report.orders >= 1 ? result : undefined;
  });
  expect(found).toEqual({ [id]: [1, 2, 3] });
});

test('an order that a clock ahead has put into the next day is found before that day', async () => {
  const midnight = new Date(at(30).toISOString().slice(0, 10)).getTime();
  const by = (time: number): OutboxDeps => ({ ...bench, clock: { now: () => new Date(time) } });
  const id = await place(by(midnight - 10_000));
  await move(id, 'shipped', by(midnight + 2_000));
  const clock = { now: () => new Date(midnight - 1_000) };
  const selection = { from: new Date(midnight - 20_000), to: new Date(midnight) };
  const found = await until('the index to have it', async () => {
    const sequences: number[] = [];
    await replay({ ...bench, clock }, selection, {
      publish: false,
      found: (_, events) => void sequences.push(...events.map(({ sequence }) => sequence)),
    });
    return sequences.length > 0 ? sequences : undefined;
  });
  expect(found).toEqual([1]);
});

test('the command shows the events, publishes them with --yes only, and names mistakes', async () => {
  const id = await place(bench);
  const env = environmentOf(bench);
  const dry = await sls(['replay', '--order', id], env);
  expect([dry.code, dry.stdout]).toEqual([
    0,
    expect.stringMatching(/ORDER_CREATED[\s\S]*Dry run: 1 event of 1 order would be published/),
  ]);
  expect(dry.stdout + dry.stderr).not.toContain('a@example.org');
  const period = ['--from', at(0.5).toISOString(), '--to', new Date().toISOString()];
  const done = await until('the order in the index', async () => {
    const result = await sls(['replay', ...period, '--yes'], env);
    return recordsOf(id).length >= 2 ? result : undefined;
  });
  expect([done.code, done.stdout]).toEqual([
    0,
    expect.stringMatching(/Published \d+ events? of \d+ orders? again/),
  ]);
  expect(recordsOf(id)[1]).toEqual(recordsOf(id)[0]);

  const mistakes = await Promise.all([
    sls(['replay'], env),
    sls(['replay', '--order', 'nobody'], env),
    sls(['replay', '--order', id, '--yes'], { ...env, KAFKA_BROKERS: 'localhost:1' }),
  ]);
  for (const { code, stderr, stdout } of mistakes) {
    expect([code, stderr + stdout]).toEqual([1, expect.not.stringMatching(/^\s+at /m)]);
  }
  expect(mistakes.map(({ stderr, stdout }) => stderr + stdout)).toEqual([
    expect.stringContaining('--order <id>'),
    expect.stringContaining('No order has this id'),
    expect.stringContaining('npm start'),
  ]);
}, 120_000);
