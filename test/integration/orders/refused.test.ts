import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createHealth } from '../../../functions/health/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createProducer, type Producer } from '../../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { orderKey, REFUSED_SHARD } from '../../../lib/table.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { callersOf } from '../../support/callers.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

let bench: OrderBench;
let topic: Awaited<ReturnType<typeof readTopic>>;
/** Whoever is in here has events that the broker finds too large. */
const tooLarge = new Set<string>();

beforeAll(async () => {
  bench = await createOrderBench();
  topic = await readTopic(bench.brokers, bench.topic);
});

afterAll(async () => {
  await topic.close();
  await bench.close();
});

/** Fills a batch with such an event up to what the broker really refuses: all of it or nothing. */
const limited: Producer = {
  disconnect: async () => undefined,
  partitionOf: (name, key) => bench.producer.partitionOf(name, key),
  send: (name, records, timeoutMs) => {
    const large = records.some(({ value }) =>
      [...tooLarge].some((mark) => String(value).includes(mark)),
    );
    const padded = { key: records[0]?.key ?? null, value: Buffer.alloc(2_000_000) };
    return bench.producer.send(name, large ? [...records, padded] : records, timeoutMs);
  },
};

const MINUTE_MS = 60_000;
const refusing = (): OutboxDeps => ({ ...bench, producer: limited });
const inMinutes = (minutes: number) => ({
  now: () => new Date(Date.now() + minutes * MINUTE_MS),
});

function relay(minutes = 1) {
  return createRelayOutbox({ ...refusing(), clock: inMinutes(minutes) })({}, lambdaContext());
}

async function place(deps: OutboxDeps): Promise<string> {
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  const { status, body: answer } = await call(
    createCreateOrder({ ...deps, callers: callersOf() }),
    { method: 'POST', body },
  );
  expect(status).toBe(201);
  return answer.data.id;
}

async function away(): Promise<OutboxDeps> {
  return { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
}

function move(id: string, status: string, deps = refusing()) {
  return call(createUpdateStatus({ ...deps, callers: callersOf() }), {
    method: 'PUT',
    pathParameters: { id },
    body: { status },
  });
}

const told = (id: string) =>
  topic.records.filter(({ key }) => key === id).map(({ value }) => JSON.parse(value).sequence);

async function itemOf(id: string) {
  const get = { TableName: bench.table, Key: orderKey(id), ConsistentRead: true };
  return (await bench.dynamo.send(new GetCommand(get))).Item;
}

const refusalOf = async (id: string) => (await bench.repository.get(id))?.kafkaRefusal;

function health() {
  return call(
    createHealth({
      callers: callersOf(),
      clock: inMinutes(0),
      backlog: () => bench.repository.backlog.summary(),
      checkKafka: async () => undefined,
    }),
  );
}

test('an event that Kafka refuses for good stops its own order only, and is shown', async () => {
  const large = await place(await away());
  tooLarge.add(large);
  expect((await move(large, 'confirmed')).status).toBe(200);
  const other = await place(await away());
  await until('the relay to see both', async () => {
    await relay();
    return (await refusalOf(large)) && told(other).length > 0 ? true : undefined;
  });
  expect(told(large)).toEqual([]);
  expect(await refusalOf(large)).toEqual({
    since: expect.any(String),
    at: expect.any(String),
    attempts: 1,
    reason: expect.stringMatching(/larger than/),
  });
  const shown = await until('health to show it', async () => {
    const { status, body } = await health();
    return body.refusedOrders ? { status, body } : undefined;
  });
  expect([shown.status, shown.body.status, shown.body.refusedOrders]).toEqual([200, 'degraded', 1]);
  expect(shown.body.oldestPendingEventSeconds).toBeGreaterThanOrEqual(0);

  // Tried again only when its pause is over, and then after a longer one.
  expect((await relay(1.5)).refused).toBe(0);
  await until('its second try', async () => ((await relay(3)).refused ? true : undefined));
  expect((await refusalOf(large))?.attempts).toBe(2);
  expect((await relay(3.5)).refused).toBe(0);

  // A change in between leaves it where it is.
  expect((await move(large, 'shipped')).status).toBe(200);
  expect((await itemOf(large))?.pendingShard).toBe(REFUSED_SHARD);
  expect((await relay(3.5)).refused).toBe(0);

  tooLarge.delete(large);
  await until('its events', async () => {
    await relay(6);
    return told(large).length >= 3 ? true : undefined;
  });
  expect(told(large)).toEqual([1, 2, 3]);
  expect(await refusalOf(large)).toBeUndefined();
  await until('health to be well again', async () =>
    (await health()).body.status === 'ok' ? true : undefined,
  );
});

test('events before the refused one go out by themselves, in order', async () => {
  const deps = await away();
  const id = await place(deps);
  await move(id, 'confirmed', deps);
  await move(id, 'shipped', deps);
  const { events = [] } = (await bench.repository.get(id)) ?? {};
  const mark = String(events[2]?.id);
  tooLarge.add(mark);
  await until('the first two', async () => {
    await relay();
    return told(id).length >= 2 && (await refusalOf(id)) ? true : undefined;
  });
  expect(told(id)).toEqual([1, 2]);
  const stored = await bench.repository.get(id);
  expect(stored?.events.map(({ publishedAt }) => publishedAt !== undefined)).toEqual([
    true,
    true,
    false,
  ]);
  tooLarge.delete(mark);
  expect((await move(id, 'delivered')).status).toBe(200);
  await until('the others', () => (told(id).length >= 4 ? true : undefined));
  expect(told(id)).toEqual([1, 2, 3, 4]);
  expect(await refusalOf(id)).toBeUndefined();
});

test('many refused orders take only a part of a run, and the others go out', async () => {
  const deps = await away();
  const large = await Promise.all(Array.from({ length: 20 }, () => place(deps)));
  for (const id of large) tooLarge.add(id);
  const others = await Promise.all(Array.from({ length: 20 }, () => place(deps)));
  await until('the others', async () => {
    await relay();
    return others.every((id) => told(id).length === 1) ? true : undefined;
  });
  await until('all refused to be set apart', async () => {
    await relay();
    return (await bench.repository.backlog.summary()).refusedOrders === 20 ? true : undefined;
  });
  expect((await relay(1.5)).refused).toBe(0);
  // A run that gets no answer of Kafka or DynamoDB begins again, and then tries the others, too.
  let minutes = 5;
  await until('a run that tries 16 of the 20', async () => {
    const { refused, done } = await relay(minutes);
    minutes += 120;
    return refused === 16 && done ? true : undefined;
  });
  tooLarge.clear();
});

test('an order that changes while Kafka refuses it stays where the next run finds it', async () => {
  const deps = await away();
  const id = await place(deps);
  const { pendingShard } = (await itemOf(id)) ?? {};
  /** Another writer is there between the read of the relay and its note of the refusal. */
  const overtaken: Producer = {
    ...limited,
    send: async (...sent) => {
      const isFirst = sent[1][0]?.key === id && (await itemOf(id))?.version === 1;
      if (isFirst) expect((await move(id, 'confirmed', deps)).status).toBe(200);
      await limited.send(...sent);
    },
  };
  tooLarge.add(id);
  const clock = inMinutes(1);
  await until('the relay to be refused', async () => {
    const relayed = createRelayOutbox({ ...bench, producer: overtaken, clock });
    return (await relayed({}, lambdaContext())).refused > 0 ? true : undefined;
  });
  const item = await itemOf(id);
  expect([item?.version, item?.pendingShard, item?.kafkaRefusal]).toEqual([
    2,
    pendingShard,
    undefined,
  ]);
  expect(pendingShard).not.toBe(REFUSED_SHARD);
  tooLarge.delete(id);
  await until('both events', async () => {
    await relay();
    return told(id).length >= 2 ? true : undefined;
  });
  expect(told(id)).toEqual([1, 2]);
});

test('a next try that a relay with a clock hours ahead has set does not delay the order', async () => {
  const id = await place(await away());
  tooLarge.add(id);
  await until('the relay to be refused', async () => {
    await relay(600);
    return refusalOf(id);
  });
  tooLarge.delete(id);
  await until('the event', async () => {
    await relay();
    return told(id).length > 0 ? true : undefined;
  });
});
