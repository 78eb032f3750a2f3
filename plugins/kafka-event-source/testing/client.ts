/** A client of Kafka in memory, with the part of kafkajs' interface that the poller and the destination use. */
import type { Admin, Consumer, EachBatchPayload, Kafka, Producer, Transaction } from 'kafkajs';
import type { Message } from '../event.ts';
import { listHeaders } from '../protocol/headers.ts';
import type { Joined, OffsetsToCommit } from '../protocol/membership.ts';
import type { Clock } from '../time.ts';
import { isVisible, type LogRecord, type LogTransaction, type MemoryLog } from './log.ts';
import type { Random } from './random.ts';
import type { Place } from './types.ts';
import { turn } from './work.ts';

/** At most so many records in a fetch of a partition. */
const FETCH_RECORDS = 500;
const NONE = '-1';

type Listener = (event: { readonly payload: object }) => void;
type EachBatch = (payload: EachBatchPayload) => Promise<void>;

const EVENTS = {
  GROUP_JOIN: 'join',
  HEARTBEAT: 'heartbeat',
  REBALANCING: 'rebalancing',
  STOP: 'stop',
  CRASH: 'crash',
  REQUEST_TIMEOUT: 'timeout',
  FETCH: 'fetch',
  COMMIT_OFFSETS: 'commit',
} as const;

export class MemoryClient {
  readonly #log: MemoryLog;
  readonly #clock: Clock;
  readonly #random: Random | undefined;
  readonly #consumers = new Set<MemoryConsumer>();

  /** @param random cuts fetches; without it each has as many records as it may have */
  constructor(log: MemoryLog, clock: Clock, random: Random | undefined) {
    this.#log = log;
    this.#clock = clock;
    this.#random = random;
  }

  get kafka(): Kafka {
    const log = this.#log;
    return {
      admin: () => createAdmin(log),
      producer: () => createProducer(log, this.#clock),
      consumer: ({ groupId }: { readonly groupId: string }) => {
        const consumer = new MemoryConsumer(log, groupId, this.#random);
        this.#consumers.add(consumer);
        return consumer as unknown as Consumer;
      },
    } as unknown as Kafka;
  }

  /** Takes all partitions from the consumers, and gives them back. */
  rebalance(): void {
    for (const consumer of this.#consumers) consumer.rebalance();
  }
}

class MemoryConsumer {
  readonly events = EVENTS;
  readonly #log: MemoryLog;
  readonly #groupId: string;
  readonly #random: Random | undefined;
  readonly #listeners = new Map<string, Listener>();
  readonly #positions = new Map<number, number>();
  readonly #paused = new Set<number>();
  #topic = '';
  #generation = 0;
  #assigned: readonly number[] = [];
  #eachBatch: EachBatch | undefined;
  #isFetching = false;
  /** Whether something has changed since the last look at the log. */
  #isWoken = false;
  #unlisten: () => void = () => undefined;

  constructor(log: MemoryLog, groupId: string, random: Random | undefined) {
    this.#log = log;
    this.#groupId = groupId;
    this.#random = random;
  }

  /** @returns a function that removes the listener */
  on(event: string, listener: Listener): () => void {
    this.#listeners.set(event, listener);
    return () => this.#listeners.delete(event);
  }

  async connect(): Promise<void> {
    this.#unlisten = this.#log.listen(() => this.#wake());
  }

  async subscribe({ topics: [topic = ''] }: { readonly topics: readonly string[] }): Promise<void> {
    this.#topic = topic;
  }

  async run({ eachBatch }: { readonly eachBatch: EachBatch }): Promise<void> {
    this.#eachBatch = eachBatch;
    this.#join(this.#log.partitions(this.#topic).map((_, partition) => partition));
  }

  async disconnect(): Promise<void> {
    this.#unlisten();
    this.#eachBatch = undefined;
  }

  pause([target]: readonly { readonly partitions: readonly number[] }[]): void {
    for (const partition of target?.partitions ?? []) this.#paused.add(partition);
  }

  resume([target]: readonly { readonly partitions: readonly number[] }[]): void {
    for (const partition of target?.partitions ?? []) this.#paused.delete(partition);
    this.#wake();
  }

  async commitOffsets(offsets: readonly GroupOffset[]): Promise<void> {
    commitAll(this.#log, this.#groupId, offsets);
    this.#emit(EVENTS.COMMIT_OFFSETS, {});
  }

  seek({ partition, offset }: { readonly partition: number; readonly offset: string }): void {
    this.#positions.set(partition, Number(offset));
    this.#wake();
  }

  rebalance(): void {
    if (!this.#eachBatch) return;
    const assigned = this.#assigned;
    this.#emit(EVENTS.REBALANCING, {});
    this.#join([]);
    this.#join(assigned);
  }

  #join(assigned: readonly number[]): void {
    this.#assigned = assigned;
    this.#generation += 1;
    const joined: Omit<Joined, 'age'> = {
      memberId: `${this.#groupId}-member`,
      generation: this.#generation,
      topicIds: new Map(),
      commit: async (topics) => this.#commit(topics),
    };
    this.#emit(EVENTS.GROUP_JOIN, { memberAssignment: { [this.#topic]: assigned }, ...joined });
  }

  #commit(topics: readonly OffsetsToCommit[]): void {
    commitAll(this.#log, this.#groupId, offsetsOf(topics));
  }

  #emit(event: string, payload: object): void {
    this.#listeners.get(event)?.({ payload });
  }

  #wake(): void {
    this.#isWoken = true;
    if (this.#isFetching) return;
    this.#isFetching = true;
    void Promise.resolve().then(() => this.#fetchAll());
  }

  /** Fetches until there is nothing to be taken. */
  async #fetchAll(): Promise<void> {
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        const order = this.#random?.shuffled(this.#assigned) ?? this.#assigned;
        for (const partition of order) if (await this.#fetch(partition)) this.#isWoken = true;
      }
    } finally {
      // In the same turn as the last look at #isWoken, so that no call of #wake is lost between them.
      this.#isFetching = false;
    }
  }

  /** @returns whether records were taken */
  async #fetch(partition: number): Promise<boolean> {
    const from = this.#positions.get(partition);
    if (from === undefined || this.#paused.has(partition) || !this.#eachBatch) return false;
    const most = this.#random?.between(1, 5) ?? FETCH_RECORDS;
    const records = this.#log.read(this.#topic, partition, from, most);
    const last = records.at(-1);
    if (!last) return false;
    this.#emit(EVENTS.FETCH, {});
    let isTaken = false;
    await this.#eachBatch({
      batch: {
        topic: this.#topic,
        partition,
        fetchedOffset: String(from),
        highWatermark: String(this.#log.partitions(this.#topic)[partition]?.length ?? 0),
        ...messagesOf(records, last),
      },
      heartbeat: async () => undefined,
      isStale: () => this.#positions.get(partition) !== from,
      isRunning: () => this.#eachBatch !== undefined,
      resolveOffset: () => {
        isTaken = true;
      },
    } as unknown as EachBatchPayload);
    if (isTaken && this.#positions.get(partition) === from) {
      this.#positions.set(partition, last.offset + 1);
    }
    return isTaken;
  }
}

interface GroupOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly metadata?: string | null | undefined;
}

const offsetsOf = (topics: readonly OffsetsToCommit[]): GroupOffset[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((one) => ({ topic, ...one })));

function commitAll(log: MemoryLog, groupId: string, offsets: readonly GroupOffset[]): void {
  for (const { topic, partition, offset, metadata = null } of offsets) {
    log.commit(groupId, `${topic}-${partition}`, { offset: Number(offset), metadata });
  }
}

function messagesOf(records: readonly LogRecord[], last: LogRecord) {
  return {
    messages: records.filter(isVisible).map(messageOf),
    lastOffset: () => String(last.offset),
  };
}

function messageOf({ key, value, headers, timestamp, offset }: LogRecord): Message {
  return { key, value, headers, timestamp: String(timestamp), offset: String(offset) };
}

function createAdmin(log: MemoryLog): Admin {
  const nothing = async () => undefined;
  return {
    connect: nothing,
    disconnect: nothing,
    listTopics: async () => log.topics,
    fetchTopicMetadata: async ({ topics = [] }: { readonly topics?: readonly string[] }) => ({
      topics: topics.map((name) => ({
        name,
        partitions: log.partitions(name).map((_, partitionId) => ({ partitionId })),
      })),
    }),
    fetchTopicOffsets: async (topic: string) =>
      log.partitions(topic).map(({ length }, partition) => {
        const high = String(length);
        return { partition, offset: high, high, low: '0' };
      }),
    fetchTopicOffsetsByTimestamp: async (topic: string, timestamp = 0) =>
      log.partitions(topic).map((records, partition) => {
        const first = records.find((record) => record.timestamp >= timestamp);
        return { partition, offset: String(first?.offset ?? records.length) };
      }),
    fetchOffsets: async ({ groupId, topics = [] }: { groupId: string; topics?: string[] }) =>
      topics.map((topic) => ({
        topic,
        partitions: log.partitions(topic).map((_, partition) => {
          const committed = log.committed(groupId, `${topic}-${partition}`);
          const { offset = NONE, metadata = null } = committed ?? {};
          return { partition, offset: String(offset), metadata };
        }),
      })),
    describeGroups: async (groupIds: readonly string[]) => ({
      groups: groupIds.map((groupId) => ({ groupId, members: [] })),
    }),
    fetchRecords: async ({ topic, partition, offset }: Place) => {
      await turn();
      const records = log.read(topic, partition, offset, FETCH_RECORDS);
      const last = records.at(-1);
      return last && messagesOf(records, last);
    },
  } as unknown as Admin;
}

const GZIP = 1;

function createProducer(log: MemoryLog, clock: Clock): Producer {
  const nothing = async () => undefined;
  const append = (
    { topic, messages }: Pick<Sent, 'topic' | 'messages'>,
    compression?: number,
    transaction?: LogTransaction,
  ) => {
    const records = messages.map(({ key, value, headers = {}, partition }) => ({
      key: bytesOf(key),
      value: bytesOf(value),
      headers: listHeaders(headers).map((one) => ({ key: one.key, value: bytesOf(one.value) })),
      partition,
      timestamp: clock.date(),
    }));
    log.append(topic, records, transaction, compression === GZIP);
  };
  return {
    connect: nothing,
    disconnect: nothing,
    send: async (sent: Sent) => {
      append(sent, sent.compression);
      return [];
    },
    transaction: async () => createTransaction(log, clock, append),
  } as unknown as Producer;
}

type Sent = Parameters<Producer['send']>[0];
type Append = (
  sent: Pick<Sent, 'topic' | 'messages'>,
  compression: number | undefined,
  transaction: LogTransaction,
) => void;

/** Offsets of a transaction are committed with its records. */
function createTransaction(log: MemoryLog, clock: Clock, append: Append): Transaction {
  const transaction: LogTransaction = { state: 'open' };
  const commits: (() => void)[] = [];
  return {
    sendBatch: async ({
      topicMessages = [],
      compression,
    }: Parameters<Producer['sendBatch']>[0]) => {
      for (const sent of topicMessages) append(sent, compression, transaction);
      return [];
    },
    sendOffsets: async ({ consumerGroupId, topics }: Parameters<Transaction['sendOffsets']>[0]) => {
      commits.push(() => commitAll(log, consumerGroupId, offsetsOf(topics)));
    },
    commit: async () => {
      log.end(transaction, 'committed', clock.date());
      for (const commit of commits) commit();
    },
    abort: async () => log.end(transaction, 'aborted', clock.date()),
  } as unknown as Transaction;
}

function bytesOf(value: Buffer | string | null | undefined): Buffer | null {
  return value === null || value === undefined ? null : Buffer.from(value);
}
