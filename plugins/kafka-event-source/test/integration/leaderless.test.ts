import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClient } from '../../access/connect.ts';
import { createLedTopics } from '../../topics.ts';
import { startTwoBrokers } from '../support/two-brokers.ts';
import { Bench, counting, until, values } from './bench.ts';

let kafka: Awaited<ReturnType<typeof startTwoBrokers>>;

beforeAll(async () => {
  kafka = await startTwoBrokers();
}, 120_000);

afterAll(() => kafka?.stop());

/** Partition 0 is the first broker's, 1 the second's. */
async function createTopic(bench: Bench): Promise<void> {
  await bench.admin.connect();
  const replicaAssignment = [0, 1].map((partition) => ({ partition, replicas: [partition + 1] }));
  const topics = [{ topic: bench.topic, replicaAssignment }];
  await createLedTopics(bench.admin, topics);
}

/** Sends by this plugin's client: kafkajs' own sends nothing while a partition has no leader. */
async function produce(bench: Bench, from: number, to: number, partition: number): Promise<void> {
  const client = await createClient(bench.mapping(), { debug: () => undefined });
  const producer = client.producer();
  await producer.connect();
  const messages = counting(from, to).map((value) => ({ value, partition }));
  await producer.send({ topic: bench.topic, messages });
  await producer.disconnect();
}

const withinMs = 60_000;
const isTold = (bench: Bench) => () =>
  bench.log.some((line) => line.includes(`${bench.topic}-1 has no leader`));

test('a partition that loses its leader is reported while the others go on, and goes on with a new leader', async () => {
  await using bench = new Bench(kafka.brokers);
  await createTopic(bench);
  const lambda = await bench.lambda();
  const seen = () => bench.log.slice(-8);
  for (const partition of [0, 1]) await produce(bench, 0, 20, partition);
  const poller = bench.poll(lambda);
  await until('the first ones', () => values(lambda).length === 40, { withinMs, seen });
  await kafka.killSecond();
  await until('told', isTold(bench), { withinMs, seen });
  expect(poller.condition.problem).toContain('has no leader');
  await produce(bench, 20, 70, 0);
  await until('partition 0', () => values(lambda, 0).length === 70, { withinMs, seen });
  await kafka.startSecond();
  await until('no problem', () => poller.condition.problem === undefined, { withinMs, seen });
  await produce(bench, 20, 40, 1);
  await until('partition 1', () => values(lambda, 1).length === 40, { withinMs, seen });
  expect([values(lambda, 0), values(lambda, 1)]).toEqual([counting(0, 70), counting(0, 40)]);
}, 180_000);

test.each(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'] as const)(
  '%s: a start without a leader of one partition polls the others, and this one when it has a leader',
  async (startingPosition) => {
    await using bench = new Bench(kafka.brokers);
    await createTopic(bench);
    for (const partition of [0, 1]) await produce(bench, 0, 5, partition);
    const lambda = await bench.lambda();
    const seen = () => bench.log.slice(-8);
    await kafka.killSecond();
    const poller = bench.poll(lambda, { startingPosition, startingTimestampMs: 1 });
    await until('told', isTold(bench), { withinMs, seen });
    await produce(bench, 5, 10, 0);
    await until('partition 0', () => values(lambda, 0).includes('9'), { withinMs, seen });
    await kafka.startSecond();
    await until('no problem', () => poller.condition.problem === undefined, { withinMs, seen });
    await produce(bench, 5, 10, 1);
    await until('partition 1', () => values(lambda, 1).includes('9'), { withinMs, seen });
    const first = startingPosition === 'LATEST' ? 5 : 0;
    expect([values(lambda, 0), values(lambda, 1)]).toEqual([
      counting(first, 10),
      counting(first, 10),
    ]);
  },
  180_000,
);
