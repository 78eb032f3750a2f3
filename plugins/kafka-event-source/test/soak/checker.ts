/**
 * Compares Kafka's offsets and the function's records with the promises. Its methods are called for all
 * that is written, deleted, answered and committed; it uses no code of the emulator.
 *
 * - Order, nothing skipped: when an invocation with a record begins, each record before it in its
 *   partition is done, is in the same invocation, or was deleted.
 * - One process has one invocation of a partition at a time.
 * - Commits: each record before a committed offset is done or was deleted; no offset is negative, is
 *   beyond the end, or goes back; no record before it is delivered again.
 * - In the end each record is done or was deleted.
 *
 * It has found these faults, each made in the emulator on purpose: `InFlight.finish` commits past a
 * record that failed in part; `Group.#place` goes on at the end after retention passed the committed
 * offset; `Group.#follow` keeps the positions in a topic that was made again; `Group.isAlive` is always
 * true, so that a suspended process begins what others have done.
 */

/** A record, by the generation of its topic: a topic that is made again begins another one. */
export interface Place {
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

export interface Delivered extends Place {
  readonly value: string;
}

/** A committed offset as Kafka holds it; `topicId` is the one in the commit's metadata. */
export interface Committed {
  readonly partition: number;
  readonly offset: number;
  readonly topicId: string | undefined;
}

/** An invocation that has begun. */
export interface Invocation {
  /** The process that invokes. */
  readonly by: string;
  readonly records: readonly Delivered[];
  /** When another one with a partition of this one began, in milliseconds. */
  overlappedAt?: number;
}

interface PartitionHistory {
  /** By offset. */
  readonly values: string[];
  /** By offset: the function has answered that the record is done. */
  readonly done: boolean[];
  /** The records before this offset were deleted. */
  low: number;
  /** Each record before this offset is done or was deleted. */
  settled: number;
  committed: number;
}

interface Generation {
  readonly topicId: string;
  readonly partitions: PartitionHistory[];
}

const NOTHING_COMMITTED = -1;
const MAX_VIOLATIONS = 50;
/** A caller that gave up an invocation may begin the next one before the function hears of it. */
const UNHEARD_MS = 1_000;

export class Checker {
  readonly violations: string[] = [];
  readonly counts = { produced: 0, delivered: 0, done: 0, commitsSeen: 0, commitsOfOldTopic: 0 };
  readonly #generations: Generation[] = [];
  /** The invocations that have begun and not ended. */
  readonly #running = new Set<Invocation>();
  readonly #told = new Set<string>();
  /** The processes and partitions whose next invocation may have been under way through a suspend. */
  readonly #underWay = new Set<string>();

  /** The topic was made, or made again. @returns its generation */
  created(topicId: string, partitions: number): number {
    this.#generations.push({ topicId, partitions: [] });
    this.grown(partitions);
    return this.generation;
  }

  get generation(): number {
    return this.#generations.length - 1;
  }

  /** The topic has this many partitions now. */
  grown(partitions: number): void {
    const known = this.#now();
    while (known.length < partitions) {
      known.push({ values: [], done: [], low: 0, settled: 0, committed: NOTHING_COMMITTED });
    }
  }

  get partitions(): number {
    return this.#now().length;
  }

  /** The offset after the last record of a partition. */
  end(partition: number): number {
    return this.#now()[partition]?.values.length ?? 0;
  }

  /** The partition's first offset that is neither done nor deleted. */
  settled(partition: number): number {
    const history = this.#now()[partition];
    return history ? settle(history) : 0;
  }

  /** Whether an invocation is running. */
  get isInvoking(): boolean {
    return this.#running.size > 0;
  }

  /** The records that the function still has to do. */
  get lag(): number {
    return this.#now().reduce((sum, one) => sum + one.values.length - settle(one), 0);
  }

  produced(partition: number, offset: number, values: readonly string[]): void {
    const history = this.#now()[partition];
    if (!history || history.values.length !== offset) {
      throw new Error(`partition ${partition} got a record at ${offset}: not this run's topic`);
    }
    history.values.push(...values);
    this.counts.produced += values.length;
  }

  /** Retention is about to delete the records before the offset. */
  deleted(partition: number, before: number): void {
    const history = this.#now()[partition];
    if (history) history.low = Math.max(history.low, before);
  }

  /** A process has been suspended: a request that it has begun may arrive when it wakes. */
  suspended(by: string): void {
    const running = [...this.#running].filter((one) => one.by === by);
    const arrived = new Set(running.flatMap(({ records }) => [...partitionsOf(records)]));
    for (const partition of this.#now().keys()) {
      if (!arrived.has(partition)) this.#underWay.add(`${by} ${partition}`);
    }
  }

  /** An invocation begins. */
  begun(by: string, records: readonly Delivered[]): Invocation {
    this.counts.delivered += records.length;
    const partitions = partitionsOf(records);
    for (const other of this.#running) {
      if (other.by !== by || partitions.isDisjointFrom(partitionsOf(other.records))) continue;
      other.overlappedAt ??= performance.now();
    }
    for (const group of Map.groupBy(records, partitionKey).values()) this.#checkOrder(by, group);
    const invocation: Invocation = { by, records };
    this.#running.add(invocation);
    return invocation;
  }

  /** An invocation has ended. @param done the records that are done; undefined if its caller is gone */
  ended(invocation: Invocation, done: readonly Place[] | undefined): void {
    const { by, records, overlappedAt } = invocation;
    this.#running.delete(invocation);
    if (overlappedAt !== undefined && (done || performance.now() > overlappedAt + UNHEARD_MS)) {
      const which = [...partitionsOf(records)].join(' and ');
      this.violated(`${by}: two invocations of partition ${which} at a time`);
    }
    if (!done) return;
    for (const { generation, partition, offset } of done) {
      const history = this.#generations[generation]?.partitions[partition];
      if (!history || history.done[offset]) continue;
      history.done[offset] = true;
      this.counts.done += 1;
    }
  }

  /** What Kafka holds as committed. @returns whether some of it is of an earlier topic */
  committed(offsets: readonly Committed[]): boolean {
    const earlier = this.#generations.slice(0, -1).map(({ topicId }) => topicId);
    // Kafka takes a commit by the topic's name. One that was under way while the topic was made again
    // says so by its id, and has no effect on what is delivered.
    const isOld = ({ topicId }: Committed) => topicId !== undefined && earlier.includes(topicId);
    for (const one of offsets) if (!isOld(one)) this.#checkCommit(one);
    const old = offsets.filter(isOld).length;
    this.counts.commitsSeen += offsets.length;
    this.counts.commitsOfOldTopic += old;
    return old > 0;
  }

  /** Whether something is committed of each partition. */
  get isTaken(): boolean {
    return this.#now().every(({ committed }) => committed >= 0);
  }

  /** Whether each record is done or deleted, and each partition committed up to its end. */
  get isSettled(): boolean {
    return this.#now().every(
      (one) => settle(one) === one.values.length && one.committed === one.values.length,
    );
  }

  /** After a time without faults each record must be done and committed. */
  finished(): void {
    for (const [partition, one] of this.#now().entries()) {
      const end = one.values.length;
      const settled = settle(one);
      if (settled < end) this.violated(`partition ${partition}: never done: ${settled} of ${end}`);
      if (one.committed !== end) {
        this.violated(`partition ${partition}: committed ${one.committed} at the end, of ${end}`);
      }
    }
  }

  /** Notes a violation once; also one of another kind, such as a process that ended by itself. */
  violated(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(text);
  }

  #now(): PartitionHistory[] {
    const current = this.#generations.at(-1);
    if (!current) throw new Error('there is no topic yet');
    return current.partitions;
  }

  #checkOrder(by: string, records: readonly Delivered[]): void {
    const [{ generation, partition } = { generation: -1, partition: -1 }] = records;
    const where = `${generation}/${partition}`;
    const history = this.#generations[generation]?.partitions[partition];
    if (!history) {
      this.violated(`${by}: a record of nowhere: ${where}`);
      return;
    }
    const offsets = records.map(({ offset }) => offset);
    if (offsets.some((offset, index) => offset <= (offsets[index - 1] ?? -1))) {
      this.violated(`${where}: one event has the offsets ${offsets}`);
    }
    for (const { offset, value } of records) {
      // A record is not known yet while its acknowledgement is under way.
      const written = history.values[offset];
      if (written !== undefined && written !== value) {
        this.violated(`${where}: offset ${offset} came with the value ${value}`);
      }
    }
    const here = new Set(offsets);
    const last = offsets.at(-1) ?? 0;
    for (let offset = settle(history); offset < last; offset += 1) {
      if (history.done[offset] || here.has(offset)) continue;
      this.violated(`${where}: ${offset} was not done when a later record began`);
    }
    const [first = 0] = offsets;
    const wasUnderWay = this.#underWay.delete(`${by} ${partition}`);
    if (first < history.committed && !wasUnderWay) {
      this.violated(`${where}: ${first} was delivered after the commit of ${history.committed}`);
    }
  }

  #checkCommit({ partition, offset }: Committed): void {
    if (offset === NOTHING_COMMITTED) return;
    const history = this.#now()[partition];
    const where = `${this.generation}/${partition}`;
    if (!history) {
      this.violated(`${where}: committed, and not there`);
      return;
    }
    if (offset < 0) {
      this.violated(`${where}: ${offset} is committed`);
      return;
    }
    if (offset > history.values.length) this.violated(`${where}: ${offset} is beyond the end`);
    const settled = settle(history);
    for (let one = settled; one < Math.min(offset, history.values.length); one += 1) {
      if (!history.done[one]) this.violated(`${where}: ${one} is committed and was not done`);
    }
    if (offset < history.committed) {
      this.violated(`${where}: the commit went back from ${history.committed} to ${offset}`);
    }
    history.committed = offset;
  }
}

function partitionKey({ generation, partition }: Place): string {
  return `${generation}/${partition}`;
}

function partitionsOf(records: readonly Place[]): Set<number> {
  return new Set(records.map(({ partition }) => partition));
}

function settle(history: PartitionHistory): number {
  history.settled = Math.max(history.settled, history.low);
  while (history.done[history.settled]) history.settled += 1;
  return Math.min(history.settled, history.values.length);
}
