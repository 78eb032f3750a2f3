/** Kafka's log in memory: topics, partitions, offsets, transactions, and the offsets of groups. */
import { gzipSync } from 'node:zlib';
import { murmur2 } from '../protocol/murmur2.ts';

interface LogHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record as a producer sends it. */
export interface NewRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
  readonly timestamp: number;
  readonly partition?: number | undefined;
}

/** A record in a partition; the marks at the ends of transactions take offsets, too. */
export interface LogRecord extends NewRecord {
  readonly offset: number;
  readonly transaction?: LogTransaction | undefined;
  readonly isMark?: boolean;
}

export interface LogTransaction {
  state: 'open' | 'committed' | 'aborted';
}

export interface Committed {
  readonly offset: number;
  readonly metadata: string | null;
}

/** Kafka's own default for the bytes of a record batch. */
const MAX_BATCH_BYTES = 1_048_588;
const BATCH_OVERHEAD = 70;

export class MemoryLog {
  readonly #topics = new Map<string, LogRecord[][]>();
  /** By group, then by `topic-partition`. */
  readonly #groups = new Map<string, Map<string, Committed>>();
  readonly #listeners = new Set<() => void>();
  readonly #partitioner = new Partitioner();

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  createTopic(topic: string, partitions: number): void {
    if (this.#topics.has(topic)) return;
    this.#topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }

  /** @throws Error that names the known topics */
  partitions(topic: string): readonly (readonly LogRecord[])[] {
    const partitions = this.#topics.get(topic);
    if (partitions) return partitions;
    throw unknownTopic(topic, this.topics);
  }

  /** @throws Error with Kafka's type for records that are too large for their topic */
  append(
    topic: string,
    records: readonly NewRecord[],
    transaction?: LogTransaction,
    isCompressed = false,
  ) {
    const partitions = this.partitions(topic) as LogRecord[][];
    const size = bytesOf(records, isCompressed) + BATCH_OVERHEAD;
    if (size > MAX_BATCH_BYTES) {
      const message = `${topic} takes no batch of ${size} bytes: ${MAX_BATCH_BYTES} are the most.`;
      throw Object.assign(new Error(message), { type: 'MESSAGE_TOO_LARGE' });
    }
    if (transaction && transaction.state !== 'open') throw transactionEnded();
    // All partitions are chosen before the first record is written, so that a wrong partition writes nothing.
    const placed = records.map((record) => {
      return { record, partition: this.#partitioner.choose(topic, record, partitions.length) };
    });
    const places = placed.map(({ record, partition }) => {
      const found = partitions[partition] ?? [];
      found.push({ ...record, partition, offset: found.length, transaction });
      return { topic, partition, offset: found.length - 1 };
    });
    this.#tell();
    return places;
  }

  /** Ends a transaction, with a mark in each of its partitions. */
  end(transaction: LogTransaction, state: 'committed' | 'aborted', timestamp: number): void {
    if (transaction.state !== 'open') throw transactionEnded();
    transaction.state = state;
    for (const partition of [...this.#topics.values()].flat()) {
      if (!partition.some((record) => record.transaction === transaction)) continue;
      const empty = { key: null, value: null, headers: [], timestamp };
      partition.push({ ...empty, offset: partition.length, isMark: true });
    }
    this.#tell();
  }

  /** The records from an offset on that consumers of committed records may read. */
  read(topic: string, partition: number, from: number, most = Infinity): readonly LogRecord[] {
    const records = this.partitions(topic)[partition] ?? [];
    const rest = records.slice(from, from + most);
    const open = rest.findIndex(({ transaction }) => transaction?.state === 'open');
    return open < 0 ? rest : rest.slice(0, open);
  }

  commit(group: string, place: string, committed: Committed): void {
    const offsets = this.#groups.get(group) ?? new Map<string, Committed>();
    this.#groups.set(group, offsets.set(place, committed));
  }

  committed(group: string, place: string): Committed | undefined {
    return this.#groups.get(group)?.get(place);
  }

  /** Calls the listener when records can be read. @returns ends the calls */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Chooses partitions by keys, as producers of Java do, and in turn for records without a key. */
export class Partitioner {
  #turn = 0;

  /** @throws Error for a partition that the topic does not have */
  choose(topic: string, { key, partition }: NewRecord, partitions: number): number {
    if (partition !== undefined) {
      if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return partition;
      throw new Error(`${topic} has ${partitions} partitions, and no ${partition}.`);
    }
    if (key !== null) return (murmur2(key) & 0x7fffffff) % partitions;
    this.#turn += 1;
    return (this.#turn - 1) % partitions;
  }
}

/** The error for a topic that the source does not have. */
export function unknownTopic(topic: string, topics: readonly string[]): Error {
  const known = topics.join(', ') || 'none';
  return new Error(
    `There is no topic ${topic}. There are: ${known}. More can be named by \`topics\`.`,
  );
}

export const transactionEnded = () => new Error('The transaction has ended already.');

/** Whether consumers get the record. */
export function isVisible({ isMark, transaction }: LogRecord): boolean {
  return !isMark && transaction?.state !== 'aborted';
}

function bytesOf(records: readonly NewRecord[], isCompressed: boolean): number {
  const parts = records.flatMap(({ key, value, headers }) => [
    key ?? Buffer.alloc(0),
    value ?? Buffer.alloc(0),
    ...headers.flatMap((header) => [Buffer.from(header.key), header.value ?? Buffer.alloc(0)]),
  ]);
  if (isCompressed) return gzipSync(Buffer.concat(parts)).length;
  return parts.reduce((sum, { length }) => sum + length, 0);
}
