/** Runs the suite with one frontend at one endpoint. */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import type { KafkaEvent } from '../../event.ts';
import { createLedTopics } from '../../topics.ts';
import { readTopic } from '../support/topic.ts';
import { until } from '../support/until.ts';
import { type Endpoint, OFFLINE } from './endpoints.ts';
import type { Frontend, Workshop } from './frontends.ts';
import { type Message, SCENARIOS, type Scenario } from './scenarios.ts';
import { lettersOf, topicOf } from './templates.ts';

const LIMIT_MS = 60_000;
const PAUSE_MS = 100;

export interface Result {
  readonly scenario: Scenario;
  /** Undefined if it passed. */
  readonly error: string | undefined;
}

interface Clients {
  readonly brokers: string[];
  readonly admin: Admin;
  readonly producer: Producer;
}

/** @throws Error if the frontend or the endpoint does not start or end */
export async function runPair(
  { frontend, endpoint }: { readonly frontend: Frontend; readonly endpoint: Endpoint },
  brokers: string,
  workshop: Workshop,
): Promise<Result[]> {
  const run = `c${crypto.randomUUID().slice(0, 8)}`;
  const home = join(workshop.folder, run);
  const folder = join(home, 'service');
  const log = join(home, 'log');
  const elsewhere = join(home, 'endpoint');
  for (const one of [folder, log, elsewhere]) await mkdir(one, { recursive: true });
  const servers = brokers.split(',');
  const kafka = new Kafka({ brokers: servers, logLevel: logLevel.NOTHING });
  const clients = { brokers: servers, admin: kafka.admin(), producer: kafka.producer() };
  await Promise.all([clients.admin.connect(), clients.producer.connect()]);
  try {
    await prepare(run, clients);
    const isInside = frontend.hasOffline && endpoint === OFFLINE;
    await using started = isInside ? undefined : await endpoint.start(elsewhere, log);
    const surroundings = { run, brokers, folder, log, endpoint: started };
    await using running = await frontend.start(surroundings, workshop);
    return await Promise.all(
      SCENARIOS.map(async (scenario) => {
        const error = await play(scenario, { run, log }, clients).then(
          () => undefined,
          async (reason: Error) =>
            [
              reason.message,
              `invoked with the offsets ${JSON.stringify(await offsetsIn(log, topicOf(run, scenario)))}`,
              excerpt(running.output(), topicOf(run, scenario)),
            ].join('\n'),
        );
        return { scenario, error };
      }),
    );
  } finally {
    await Promise.all([clients.admin.disconnect(), clients.producer.disconnect()]);
  }
}

/** Creates the topics, and writes what is there before the start. */
async function prepare(run: string, { admin, producer }: Clients): Promise<void> {
  const own = SCENARIOS.map((scenario) => ({
    topic: topicOf(run, scenario),
    numPartitions: scenario.partitions ?? 1,
    // Some records have fixed times, and would be deleted for their age.
    configEntries: [{ name: 'retention.ms', value: '-1' }],
  }));
  const topics = [...own, { topic: lettersOf(run), numPartitions: 1 }];
  await createLedTopics(admin, topics);
  for (const scenario of SCENARIOS) {
    const topic = topicOf(run, scenario);
    // If one partition of a request failed, kafkajs would write all of them again.
    for (const [partition, list] of Map.groupBy(
      scenario.before,
      ({ partition = 0 }) => partition,
    )) {
      await producer.send({ topic, messages: messages(list, partition) });
    }
  }
  for (const scenario of SCENARIOS) {
    const { committedBefore: offset } = scenario;
    if (offset === undefined) continue;
    const topic = topicOf(run, scenario);
    const partitions = [{ partition: 0, offset: `${offset}` }];
    await admin.setOffsets({ groupId: topic, topic, partitions });
  }
}

function messages(list: readonly Message[], partition = 0) {
  return list.map(({ headers, ...one }) => ({
    ...one,
    partition,
    ...(headers && { headers: { ...headers } }),
  }));
}

/** Waits for the end of a scenario, and checks it. @throws Error if it fails */
async function play(
  scenario: Scenario,
  { run, log }: { readonly run: string; readonly log: string },
  clients: Clients,
): Promise<void> {
  const topic = topicOf(run, scenario);
  const { before, after, committed } = scenario;
  if (after) {
    await reached(topic, [before.length], clients);
    await clients.producer.send({ topic, messages: messages(after) });
  }
  await reached(topic, committed, clients);
  const letters = scenario.hasDestination ? await lettersIn(run, clients) : [];
  const brokers = clients.brokers.join(',');
  scenario.check({ topic, brokers, events: await eventsIn(log, topic), letters });
}

async function lettersIn(run: string, { brokers }: Clients): Promise<string[]> {
  const letters = await readTopic(brokers, lettersOf(run));
  try {
    const records = await letters.atLeast(1);
    return records.map(({ value }) => value);
  } finally {
    await letters.close();
  }
}

/** Waits until the group has committed these offsets of the partitions. */
async function reached(topic: string, offsets: readonly number[], { admin }: Clients) {
  let seen: readonly number[] = [];
  await until(
    `the commit of ${offsets}`,
    async () => {
      await pause(PAUSE_MS); // All scenarios ask at once, and the broker has other work, too.
      const groups = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
      const partitions = groups.flatMap((one) => one.partitions);
      seen = offsets.map((_, index) =>
        Number(partitions.find(({ partition }) => partition === index)?.offset ?? -1),
      );
      return seen.every((offset, index) => offset === offsets[index]) ? true : undefined;
    },
    LIMIT_MS,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; committed: ${seen}`);
  });
}

async function eventsIn(log: string, topic: string): Promise<KafkaEvent[]> {
  const file = join(log, `${topic}.jsonl`);
  if (!existsSync(file)) return [];
  const text = await readFile(file, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The offsets of each invocation. */
async function offsetsIn(log: string, topic: string): Promise<number[][]> {
  const events = await eventsIn(log, topic);
  return events.map(({ records }) =>
    Object.values(records).flatMap((list) => list.map(({ offset }) => offset)),
  );
}

/** The last lines of an output that name the topic. */
function excerpt(output: string, topic: string): string {
  const lines = output.split('\n').filter((line) => line.includes(topic));
  return lines.slice(-6).join('\n');
}
