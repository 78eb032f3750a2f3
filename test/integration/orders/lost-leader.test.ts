import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createProbe } from '../../../lib/kafka/probe.ts';
import { createProducer, type Producer } from '../../../lib/kafka/producer.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { startKafkaPair } from '../../support/kafka-pair.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

const topic = `order-events-${randomUUID()}`;
const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

let bench: OrderBench;
let kafka: Awaited<ReturnType<typeof startKafkaPair>>;
let warm: Producer;
const producers: Producer[] = [];

beforeAll(async () => {
  [bench, kafka] = await Promise.all([createOrderBench(), startKafkaPair()]);
  await kafka.createTopic(topic, [1, 1, 2]);
  warm = connect();
  await until('the topic', () =>
    warm.send(topic, [{ key: 'k', value: '{}' }], 5_000).then(
      () => true,
      () => undefined,
    ),
  );
}, 120_000);

afterAll(async () => {
  for (const producer of producers) await producer.disconnect();
  await kafka?.stop();
  await bench?.close();
}, 60_000);

function connect(brokers = kafka.brokers): Producer {
  const producer = createProducer(brokers);
  producers.push(producer);
  return producer;
}

const partitionOf = (id: string) => warm.partitionOf(topic, id);

async function place(producer: Producer): Promise<string> {
  const create = createCreateOrder({ ...bench, topic, producer });
  const reply = await call(create, { method: 'POST', body });
  expect(reply.status).toBe(201);
  return reply.body.data.id;
}

/** An instance of the relay that has just been started, or one that has been at work before. */
function relay(producer = connect()) {
  const clock = { now: () => new Date(Date.now() + 60_000) };
  return createRelayOutbox({ ...bench, topic, clock, producer })({}, lambdaContext());
}

async function published(ids: string[]) {
  const orders = await Promise.all(ids.map((id) => bench.repository.get(id)));
  return orders.filter((order) => order?.events[0]?.publishedAt !== undefined).length;
}

test('without the leader of one partition the events of the others follow, by a relay old or new', async () => {
  await kafka.killSecond();
  const away = connect([`localhost:${await freePort()}`]);
  for (const producer of [connect(), warm]) {
    const ids = await Promise.all(Array.from({ length: 30 }, () => place(away)));
    const lost = ids.filter((id) => partitionOf(id) === 2);
    const led = ids.filter((id) => partitionOf(id) !== 2);
    expect(Math.min(lost.length, led.length)).toBeGreaterThan(0);
    await expect(relay(producer)).rejects.toMatchObject({ code: 'KAFKA_AWAY' });
    expect([await published(led), await published(lost)]).toEqual([led.length, 0]);
  }
  const probe = createProbe(kafka.brokers);
  await expect(probe.check(topic, 5_000)).rejects.toThrow('1 partitions');
  await probe.disconnect();
}, 120_000);

test('a handler that meets the lost partition publishes the next order of another one at once', async () => {
  const producer = connect();
  const ids: string[] = [];
  await until('orders of either kind', async () => {
    ids.push(await place(producer));
    const kinds = ids.slice(1).map((id) => partitionOf(id) === 2);
    return kinds.includes(true) && kinds.at(-1) === false ? true : undefined;
  });
  const led = ids.slice(1).filter((id) => partitionOf(id) !== 2);
  expect(await published(led)).toBe(led.length);
});

test('with the leader back everything follows', async () => {
  await kafka.startSecond();
  const report = await until('a run that leaves nothing', () => relay().catch(() => undefined));
  expect([report.done, report.published]).toEqual([true, expect.any(Number)]);
  expect((await bench.repository.backlog.summary()).oldest).toBeUndefined();
}, 120_000);
