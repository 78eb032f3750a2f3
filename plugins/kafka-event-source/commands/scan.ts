/** Reads given offsets of a topic once, as a member of a group or without a group. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Admin, Consumer, Kafka, KafkaMessage } from 'kafkajs';
import { messageOf } from '../log.ts';
import { kafkaErrorOf } from '../protocol/errors.ts';
import type { Reader } from '../protocol/reader.ts';
import { within } from '../time.ts';
import { words } from '../words.ts';

export interface Bounds {
  readonly partition: number;
  /** The first offset that the partition still has. */
  readonly low: number;
  /** The offset after the last one that may be read. */
  readonly high: number;
}

export interface Scan {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  /** The offsets to read; other partitions are not read. */
  readonly stretches: readonly Stretch[];
  /** The scan fails if it reads nothing for this time; 20 s by default. */
  readonly idleMs?: number;
  /** Called with messages of a partition in their order; `next` is the offset after them. */
  readonly read: (found: Found) => Promise<void>;
}

/** The offsets of a partition from `from` on, and before `to`. */
export interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface Found {
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  readonly next: number;
  /** The member that has read them; undefined without a group. */
  readonly consumer?: Consumer;
}

const CALL_MS = 15_000;
const IDLE_MS = 20_000;
const HEARTBEAT_MS = 1_000;
const NOT_READY_MS = 250;
const NOT_READY = [
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
];
const CONSUMER = {
  sessionTimeout: 10_000,
  rebalanceTimeout: 15_000,
  maxWaitTimeInMs: 250,
  allowAutoTopicCreation: false,
  retry: { retries: 2, maxRetryTime: 1_000, restartOnFailure: async () => false },
} as const;

/** Lends an admin client. The error of a failed connection names the servers. */
export async function withAdmin<T>(
  kafka: Kafka,
  servers: readonly string[],
  work: (admin: Reader) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin({ retry: { retries: 2, maxRetryTime: 1_000 } }) as Reader;
  try {
    await within(CALL_MS, 'connecting', admin.connect());
  } catch (error) {
    await admin.disconnect().catch(() => undefined);
    throw new Error(
      `Kafka at ${servers.join(',')} does not answer: ${messageOf(error)}. ` +
        `Start it, or ${words().otherBroker}.`,
      { cause: error },
    );
  }
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** The bounds of every partition; undefined if the topic does not exist. It is not created. */
export async function boundsOf(admin: Admin, topic: string): Promise<Bounds[] | undefined> {
  const topics = await within(CALL_MS, 'the list of topics', admin.listTopics());
  if (!topics.includes(topic)) return undefined;
  const offsets = await within(CALL_MS, `the ends of ${topic}`, admin.fetchTopicOffsets(topic));
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}

/**
 * Reads stretches of a topic, and ends when the last one is read. A coordinator that is not ready, as
 * just after a broker's start, is asked again: kafkajs itself gives up at such a join.
 */
export async function scan(one: Scan): Promise<void> {
  const end = performance.now() + CALL_MS;
  let hasRead = false;
  const read = (found: Found) => {
    hasRead = true;
    return one.read(found);
  };
  for (;;) {
    try {
      return await scanOnce({ ...one, read });
    } catch (error) {
      if (hasRead || !isNotReady(error) || performance.now() > end) throw error;
      await pause(NOT_READY_MS);
    }
  }
}

function isNotReady(error: unknown): boolean {
  return NOT_READY.includes(kafkaErrorOf(error) ?? '');
}

async function scanOnce({
  kafka,
  groupId,
  topic,
  stretches,
  read,
  idleMs = IDLE_MS,
}: Scan): Promise<void> {
  const open = new Map(
    stretches.filter(({ from, to }) => from < to).map((one) => [one.partition, one]),
  );
  if (open.size === 0) return;
  const consumer = kafka.consumer({ groupId, ...CONSUMER });
  const ended = Promise.withResolvers<void>();
  let idle: NodeJS.Timeout | undefined;
  const alive = () => {
    clearTimeout(idle);
    const silence = new Error(`${topic}: no record came within ${idleMs} ms`);
    idle = setTimeout(() => ended.reject(silence), idleMs);
  };
  let joins = 0;
  consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? [];
    joins += 1;
    if (joins > 1 || [...open.keys()].some((partition) => !assigned.includes(partition))) {
      ended.reject(new Error(`another member of the group ${groupId} reads ${topic}`));
    }
    for (const partition of assigned) {
      const stretch = open.get(partition);
      if (stretch) consumer.seek({ topic, partition, offset: String(stretch.from) });
      else consumer.pause([{ topic, partitions: [partition] }]);
    }
  });
  try {
    alive();
    await within(CALL_MS, 'connecting', consumer.connect());
    await within(
      CALL_MS,
      'subscribing',
      consumer.subscribe({ topics: [topic], fromBeginning: true }),
    );
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, heartbeat, resolveOffset }) => {
        const { partition } = batch;
        const stretch = open.get(partition);
        if (!stretch) return;
        try {
          const next = Math.min(Number(batch.lastOffset()) + 1, stretch.to);
          const messages = batch.messages.filter(
            ({ offset }) => Number(offset) >= stretch.from && Number(offset) < stretch.to,
          );
          // The time limit is for Kafka's silence, and not for the work on its records.
          clearTimeout(idle);
          await beating(heartbeat, () => read({ partition, messages, next, consumer }));
          alive();
          resolveOffset(batch.lastOffset());
          if (next < stretch.to) return;
          open.delete(partition);
          consumer.pause([{ topic, partitions: [partition] }]);
          if (open.size === 0) ended.resolve();
        } catch (error) {
          // Ends the scan here, because kafkajs would read the same batch again.
          open.clear();
          ended.reject(error);
        }
      },
    });
    await ended.promise;
  } finally {
    clearTimeout(idle);
    ended.promise.catch(() => undefined);
    await within(CALL_MS, 'leaving the group', consumer.disconnect()).catch(() => undefined);
  }
}

/** Does the work, with heartbeats meanwhile. A failed one shows in the next commit, or as another join. */
async function beating(heartbeat: () => Promise<void>, work: () => Promise<void>): Promise<void> {
  const beats = setInterval(() => heartbeat().catch(() => undefined), HEARTBEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beats);
  }
}

/**
 * Reads a stretch without a group: nothing is committed, and the cluster keeps nothing of it.
 *
 * @throws Error if Kafka has nothing at an offset for `idleMs`
 */
export async function readStretch(
  admin: Reader,
  topic: string,
  { partition, from, to }: Stretch,
  read: Scan['read'],
  idleMs = IDLE_MS,
): Promise<void> {
  let since = performance.now();
  for (let offset = from; offset < to; ) {
    const batch = await admin.fetchRecords({ topic, partition, offset });
    if (!batch && performance.now() - since > idleMs) {
      throw new Error(`${topic}: no record came within ${idleMs} ms`);
    }
    if (!batch) continue;
    const messages = batch.messages.filter((one) => Number(one.offset) < to);
    const next = Math.min(Number(batch.lastOffset()) + 1, to);
    await read({ partition, messages, next });
    offset = next;
    since = performance.now();
  }
}

/** One message of a topic; undefined if Kafka has it no more. */
export async function readMessage(
  admin: Reader,
  topic: string,
  partition: number,
  offset: number,
): Promise<KafkaMessage | undefined> {
  const batch = await admin.fetchRecords({ topic, partition, offset });
  return batch?.messages.find((one) => Number(one.offset) === offset);
}
