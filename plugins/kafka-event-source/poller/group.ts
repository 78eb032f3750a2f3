/** The poller's membership in its consumer group: its partitions, their positions and commits. */
import type { Admin, Consumer, EachBatchPayload } from 'kafkajs';
import type { Scheduler } from '../delivery/scheduler.ts';
import type { Mapping } from '../mapping.ts';
import { pause } from '../time.ts';
import { type Reporter, reasonOf } from './reporter.ts';
import type { Topic } from './topic.ts';

type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

/** The poller's position in one of its partitions. */
interface Position {
  /** The group's committed offset, as far as this poller knows; -1 for none yet. */
  committed: number;
  /** The offset of the last commit that was sent. The broker may not have answered it. */
  attempted: number;
  /** The offset after the last record in the buffer. */
  fetched: number | undefined;
  /** The offset after the last record that is done. */
  done: number;
}

export interface GroupOptions {
  readonly mapping: Mapping;
  readonly topic: Topic;
  readonly scheduler: Scheduler;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly onRevoked: (partition: number) => void;
  /** Called once the position of each partition is known, so that polling begins. */
  readonly onPositioned: () => void;
}

const NOTHING_COMMITTED = -1;
const POSITION_AGAIN_MS = 500;
const COMMIT_AGAIN_MS = 1_000;

export class Group {
  readonly #options: GroupOptions;
  readonly #positions = new Map<number, Position>();
  #admin: Admin | undefined;
  #consumer: Consumer | undefined;
  /** Commits under the generation of the last fetch. */
  #commitOfFetch: Commit | undefined;
  /** Whether the position of each partition is known since the last join. */
  #isPositioned = false;
  #joins = 0;
  /** Whether a commit that has failed is going to be tried again. */
  #isCommitDue = false;
  /** Runs commits and new positions one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** The assigned partitions; undefined until their positions are known, and after leaving. */
  get partitions(): readonly number[] | undefined {
    if (!this.#consumer || !this.#isPositioned) return undefined;
    return [...this.#positions.keys()].sort((a, b) => a - b);
  }

  /**
   * Joins a generation. kafkajs calls this before its next fetch, so that the partitions taken away
   * are gone before a late result could be committed under the new generation.
   */
  join(consumer: Consumer, admin: Admin, assigned: readonly number[]): void {
    this.#consumer = consumer;
    this.#admin = admin;
    this.#commitOfFetch = undefined;
    this.#isPositioned = false;
    this.#joins += 1;
    const join = this.#joins;
    this.#revokeAllBut(assigned);
    // Nothing is fetched until the positions are known; heartbeats go on.
    for (const partition of assigned) this.setPaused(partition, true);
    const isCurrent = () =>
      this.#joins === join && this.#consumer === consumer && !this.#options.signal.aborted;
    void this.#inTurn(() => this.#position(assigned, isCurrent));
  }

  leave(): void {
    this.#consumer = undefined;
    this.#admin = undefined;
    this.#commitOfFetch = undefined;
  }

  setPaused(partition: number, isPaused: boolean): void {
    const target = [{ topic: this.#options.mapping.topic, partitions: [partition] }];
    if (isPaused) this.#consumer?.pause(target);
    else this.#consumer?.resume(target);
  }

  /** Pauses a partition. @returns resumes the partition, unless a new session has begun */
  pauseUntil(partition: number): () => void {
    const consumer = this.#consumer;
    this.setPaused(partition, true);
    return () => {
      if (this.#consumer !== consumer || !this.#isPositioned) return;
      this.setPaused(partition, this.#options.scheduler.isFull(partition));
    };
  }

  has(partition: number): boolean {
    return this.#positions.has(partition);
  }

  /** The offset after the last record in the partition's buffer; undefined before the first fetch. */
  fetchedUpTo(partition: number): number | undefined {
    return this.#positions.get(partition)?.fetched;
  }

  fetched(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (position) position.fetched = next;
  }

  /** Keeps the function of a fetch that commits under the fetch's generation. */
  commitBy(commit: Commit): void {
    this.#commitOfFetch = commit;
  }

  /** All records of the partition before `next` are done. */
  progress(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (!position) return;
    position.done = Math.max(position.done, next);
    void this.commit();
  }

  /** Starts a partition again with an empty buffer; its records read before no longer count. */
  restart(partition: number, committed = NOTHING_COMMITTED, fetched?: number): void {
    this.#options.scheduler.assign(partition);
    const position = { committed, attempted: committed, fetched, done: NOTHING_COMMITTED };
    this.#positions.set(partition, position);
    this.setPaused(partition, false);
  }

  /** Commits all offsets that are done and not committed yet. */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      const behind = [...this.#positions].filter(([, { done, committed }]) => done > committed);
      const consumer = this.#consumer;
      // After a join another member may have gone further, so nothing is committed until the
      // positions are known.
      if (behind.length === 0 || !consumer || !this.#isPositioned) return;
      for (const [, position] of behind) position.attempted = position.done;
      const offsets = behind.map(([partition, { attempted }]) => ({
        partition,
        offset: attempted,
      }));
      try {
        await this.#send(consumer, offsets);
        for (const [, position] of behind) position.committed = position.attempted;
      } catch (error) {
        this.#options.reporter.debug(`not committed: ${reasonOf(error)}`);
        void this.#commitAgain();
      }
    });
  }

  async #commitAgain(): Promise<void> {
    if (this.#isCommitDue) return;
    this.#isCommitDue = true;
    await pause(COMMIT_AGAIN_MS, this.#options.signal);
    this.#isCommitDue = false;
    if (!this.#options.signal.aborted) void this.commit();
  }

  async #send(
    consumer: Consumer,
    offsets: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const { topic } = this.#options.mapping;
    const partitions = offsets.map(({ partition, offset }) => ({
      topic,
      partition,
      offset: String(offset),
    }));
    // The commit of a fetch is tried once under its generation; the consumer's own would be
    // repeated after a rebalance, for partitions that may be another member's by then.
    if (this.#commitOfFetch) await this.#commitOfFetch({ topics: [{ topic, partitions }] });
    else await consumer.commitOffsets(partitions);
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(action);
    return this.#queue;
  }

  #revokeAllBut(assigned: readonly number[]): void {
    const { scheduler, onRevoked } = this.#options;
    for (const partition of this.#positions.keys()) {
      if (assigned.includes(partition)) continue;
      scheduler.revoke(partition);
      this.#positions.delete(partition);
      onRevoked(partition);
    }
  }

  /** Finds the position of each partition, however long the broker is away; then polling begins. */
  async #position(assigned: readonly number[], isCurrent: () => boolean): Promise<void> {
    const { mapping, scheduler, reporter, signal, onPositioned } = this.#options;
    let isKnown = false;
    while (isCurrent() && !isKnown) {
      try {
        const committed = await this.#committed();
        const starts = await this.#startingOffsets(assigned, committed);
        if (!isCurrent()) return;
        for (const partition of assigned) {
          const offset = committed.get(partition) ?? NOTHING_COMMITTED;
          this.#resume(partition, offset, starts.get(partition));
        }
        isKnown = true;
      } catch (error) {
        reporter.problemIs(`no committed offsets yet: ${reasonOf(error)}`);
        await pause(POSITION_AGAIN_MS, signal);
      }
    }
    if (!isCurrent()) return;
    this.#isPositioned = true;
    reporter.problemIsOver();
    onPositioned();
    const which = assigned.length > 0 ? assigned.join(', ') : 'none: other members have them';
    reporter.notice(`polling ${mapping.topic}, partitions ${which}`);
    scheduler.resume();
    void this.commit();
  }

  async #committed(): Promise<ReadonlyMap<number, number>> {
    const { groupId, topic } = this.#options.mapping;
    const [offsets] = (await this.#admin?.fetchOffsets({ groupId, topics: [topic] })) ?? [];
    return new Map(offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /**
   * A partition keeps its buffer and its records in flight if the group's committed offset is one of
   * this poller's; otherwise it starts again at the committed offset.
   */
  #resume(partition: number, committed: number, start?: number): void {
    const held = this.#positions.get(partition);
    // A commit without an answer may have reached the broker; the records that it covers are done.
    if (held && held.committed <= committed && committed <= held.attempted) {
      held.committed = committed;
      if (held.fetched !== undefined) this.#seek(partition, held.fetched);
      this.setPaused(partition, this.#options.scheduler.isFull(partition));
      return;
    }
    this.restart(partition, committed, start);
    if (start === undefined) return;
    this.#seek(partition, start);
    this.progress(partition, start);
  }

  #seek(partition: number, offset: number): void {
    const { topic } = this.#options.mapping;
    this.#consumer?.seek({ topic, partition, offset: String(offset) });
  }

  /**
   * The starting offsets of partitions without a committed offset. Other partitions begin at their
   * first record. Starting offsets are committed at once, so that a restart skips no record that
   * came before the first commit.
   */
  async #startingOffsets(
    assigned: readonly number[],
    committed: ReadonlyMap<number, number>,
  ): Promise<ReadonlyMap<number, number>> {
    const { mapping, topic } = this.#options;
    const { startingPosition, startingTimestampMs } = mapping;
    // AWS does not say where it begins to read a partition that was added later, or made anew with
    // its topic. Beginning at the first record loses nothing.
    const hasBegun = (partition: number) => (this.#positions.get(partition)?.committed ?? -1) >= 0;
    const isStarting = (partition: number) =>
      topic.hadAtFirst(partition) &&
      !hasBegun(partition) &&
      assigned.includes(partition) &&
      (committed.get(partition) ?? NOTHING_COMMITTED) === NOTHING_COMMITTED;
    if (startingPosition === 'TRIM_HORIZON' || !assigned.some(isStarting)) return new Map();
    const offsets =
      startingPosition === 'AT_TIMESTAMP'
        ? await this.#admin?.fetchTopicOffsetsByTimestamp(mapping.topic, startingTimestampMs)
        : await this.#admin?.fetchTopicOffsets(mapping.topic);
    const starting = (offsets ?? []).filter(({ partition }) => isStarting(partition));
    return new Map(starting.map(({ partition, offset }) => [partition, Number(offset)]));
  }
}
