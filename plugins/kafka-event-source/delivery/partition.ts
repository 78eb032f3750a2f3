/** A partition that this member has: the records in its buffer, and those in flight. */
import type { BufferedRecord } from '../record.ts';
import { type Clock, SYSTEM_CLOCK } from '../time.ts';

/** The limit of one partition's buffer: the bytes of a payload, however full other buffers are. */
const PARTITION_BYTES = 6 * 1024 * 1024;
/** The limit of all buffers together; beyond it each partition still has its minimum. */
const ALL_BYTES = 12 * 1024 * 1024;
/** Enough for small batches until the next fetch arrives. */
const MINIMUM_BYTES = 512 * 1024;
/** A message names at most this many ranges of offsets. */
const MAX_RANGES = 50;

export class Partition {
  readonly partition: number;
  /** `topic-partition`, as in the event. */
  readonly key: string;
  readonly #waiting = new Queue<BufferedRecord>();
  #bytes = 0;
  readonly #clock: Clock;
  #freeSince: number;
  /**
   * `revoked`: its records are no longer delivered, repeated or reported. `stopped`: it has a
   * record that no invocation can carry and no destination takes.
   */
  #state: 'open' | 'stopped' | 'revoked' = 'open';

  constructor(partition: number, key: string, clock: Clock = SYSTEM_CLOCK) {
    this.partition = partition;
    this.key = key;
    this.#clock = clock;
    this.#freeSince = clock.monotonic();
  }

  get waiting(): Pick<Queue<BufferedRecord>, 'length' | 'at'> {
    return this.#waiting;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The time at which its last invocation ended, or at which it was assigned. */
  get freeSince(): number {
    return this.#freeSince;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isRevoked(): boolean {
    return this.#state === 'revoked';
  }

  add(records: readonly BufferedRecord[]): void {
    this.#waiting.push(records);
    this.#bytes += sum(records);
  }

  /** Takes the first waiting records, which are in flight from now on. */
  take(count: number): InFlight {
    const records = this.#waiting.take(count);
    this.#bytes -= sum(records);
    return new InFlight(this, records);
  }

  /** Counts the offsets up to `next` as done with the last waiting record; false if none waits. */
  extend(next: number): boolean {
    if (this.#waiting.length === 0) return false;
    this.#waiting.replaceLast((last) => ({ ...last, next }));
    return true;
  }

  free(): void {
    this.#freeSince = this.#clock.monotonic();
  }

  stop(): void {
    this.#state = 'stopped';
  }

  revoke(): void {
    this.#state = 'revoked';
  }
}

/** The records of one partition that are in a batch, and how far they are done. */
export class InFlight {
  readonly partition: Partition;
  readonly records: readonly BufferedRecord[];
  #isInvoking = false;
  #next: number;
  #first = 0;
  readonly #done = new Set<number>();

  constructor(partition: Partition, records: readonly BufferedRecord[]) {
    this.partition = partition;
    this.records = records;
    this.#next = records.at(-1)?.next ?? 0;
  }

  /** Whether an invocation with some of the records has begun and not ended. */
  get isInvoking(): boolean {
    return this.#isInvoking;
  }

  get isDone(): boolean {
    return this.#first === this.records.length;
  }

  beginInvocation(): void {
    this.#isInvoking = true;
  }

  endInvocation(): void {
    this.#isInvoking = false;
  }

  /** Counts the offsets up to `next` as done with the last record. */
  extend(next: number): void {
    this.#next = Math.max(this.#next, next);
  }

  /**
   * Counts records as done. Answers the offset that may be committed, if it has moved: the lowest
   * offset that is not done, or the one after the last record.
   */
  finish(records: readonly BufferedRecord[]): number | undefined {
    const before = this.#first;
    if (records.length === this.records.length) this.#first = this.records.length;
    else for (const { offset } of records) this.#done.add(offset);
    for (let next = this.records[this.#first]; next && this.#done.delete(next.offset); ) {
      this.#first += 1;
      next = this.records[this.#first];
    }
    if (this.#first === before) return undefined;
    return this.isDone ? this.#next : this.records[this.#first]?.offset;
  }
}

/** The records of a partition that are in flight and delivered together. */
export interface PartitionRecords {
  readonly inFlight: InFlight;
  readonly records: readonly BufferedRecord[];
}

export function count(batch: readonly PartitionRecords[]): number {
  return batch.reduce((number, { records }) => number + records.length, 0);
}

export function bytesOf(batch: readonly PartitionRecords[]): number {
  return batch.reduce((number, { records }) => number + sum(records), 0);
}

/** The offsets of the records, such as `orders-0 5…9,12, orders-1 7`. */
export function ranges(batch: readonly PartitionRecords[]): string {
  return batch
    .map(({ inFlight, records }) => `${inFlight.partition.key} ${rangesOf(records)}`)
    .join(', ');
}

function rangesOf(records: readonly BufferedRecord[]): string {
  const found: { first: number; last: number }[] = [];
  for (const { offset } of records) {
    const current = found.at(-1);
    if (current && offset === current.last + 1) current.last = offset;
    else found.push({ first: offset, last: offset });
  }
  const named = found
    .slice(0, MAX_RANGES)
    .map(({ first, last }) => (first === last ? first : `${first}…${last}`));
  const more = found.length - named.length;
  return `${named.join(',')}${more > 0 ? ` and ${more} more ranges up to ${found.at(-1)?.last}` : ''}`;
}

/** The partitions with a full buffer: it holds a payload, or a batch if a batch is smaller. */
export function fullOnes(partitions: Iterable<Partition>, batchSize: number): Set<Partition> {
  const all = [...partitions];
  const total = all.reduce((number, { bytes }) => number + bytes, 0);
  const isFull = ({ bytes, waiting }: Partition) =>
    bytes >= PARTITION_BYTES ||
    (bytes >= MINIMUM_BYTES && (total >= ALL_BYTES || waiting.length >= batchSize));
  return new Set(all.filter(isFull));
}

function sum(records: readonly BufferedRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += record.bytes;
  return bytes;
}

/** A first-in, first-out list that removes its first items without moving the rest each time. */
class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  push(items: readonly T[]): void {
    for (const item of items) this.#items.push(item);
  }

  /** Removes the first items, and returns them. */
  take(count: number): T[] {
    const end = Math.min(this.#head + count, this.#items.length);
    const taken = this.#items.slice(this.#head, end);
    this.#head = end;
    // Removed items stay in memory until here; they are never more than the waiting ones.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Replaces the last entry. */
  replaceLast(change: (last: T) => T): void {
    const index = this.#items.length - 1;
    const last = this.#items[index];
    if (index >= this.#head && last !== undefined) this.#items[index] = change(last);
  }
}
