import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Backend, startBackend } from '../../local/backend.ts';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf, post } from '../support/system.ts';
import { readTopic } from '../support/topic.ts';
import { until } from '../support/until.ts';

const OUTAGE_MS = 30_000;
const FOLLOWS_MS = 90_000;

let folder: string;
let backend: Backend;
let bench: OrderBench;
let offline: Awaited<ReturnType<typeof startOffline>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-outage-'));
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  backend = await startBackend({ directory: folder, kafkaPort, dynamoPort, say: () => undefined });
  bench = await createOrderBench({
    brokers: [backend.kafkaBrokers],
    dynamoEndpoint: backend.dynamoEndpoint,
  });
  offline = await startOffline(environmentOf(bench));
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await bench?.close();
  await backend?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function signalKafka(signal: NodeJS.Signals): Promise<void> {
  const pid = await backend.children.get('kafka')?.pid;
  if (!pid) throw new Error('Kafka has no process');
  process.kill(-pid, signal);
}

/** The log lines of relayOutbox, with its reports. */
function printedOfRelay(): string {
  const lines = offline.printed().split('\n');
  return lines.filter((line) => line.includes('relay') || line.includes('KAFKA_')).join('\n');
}

/** Places so many orders, four at once, and remembers how each was answered. */
async function place(count: number, answers: Awaited<ReturnType<typeof post>>[], spreadMs = 0) {
  let left = count;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      answers.push(await post(offline.url));
      await pause((spreadMs * 4) / count);
    }
  };
  await Promise.all(Array.from({ length: 4 }, caller));
}

test('Kafka killed for 30 s and then hanging: every order is accepted, and no event is lost', async () => {
  const answers: Awaited<ReturnType<typeof post>>[] = [];
  await place(40, answers);

  const kafka = backend.children.get('kafka');
  await signalKafka('SIGKILL');
  await kafka?.ended;
  const start = performance.now();
  await place(110, answers, OUTAGE_MS - 12_000);
  await pause(Math.max(0, OUTAGE_MS - (performance.now() - start)));
  await backend.start('kafka');
  await place(10, answers);

  await signalKafka('SIGSTOP');
  await place(20, answers);
  await signalKafka('SIGCONT');
  const back = performance.now();
  await place(20, answers);

  expect(answers).toHaveLength(200);
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);

  const ids = answers.map(({ body }) => body.data.id as string).toSorted();
  const topic = await readTopic(bench.brokers, bench.topic);
  try {
    const told = () => new Set(topic.records.map(({ key }) => key));
    const left = () => FOLLOWS_MS - (performance.now() - back);
    const all = () => `events of 200 orders (${topic.described()})\n${printedOfRelay()}`;
    await until(all, () => (told().size >= 200 ? true : undefined), left());
    expect([...told()].toSorted()).toEqual(ids);
  } finally {
    await topic.close();
  }

  const emailed = () => offline.printed().match(/To: c@example\.com/g)?.length ?? 0;
  await until('all emails', () => (emailed() >= 200 ? true : undefined), FOLLOWS_MS);
  expect(emailed()).toBe(200);
}, 400_000);
