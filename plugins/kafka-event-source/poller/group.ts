/** The poller's membership in its consumer group: its partitions, their positions and commits. */
import type { Admin, Consumer } from 'kafkajs';
import type { Scheduler } from '../delivery/scheduler.ts';
import type { Stats } from '../delivery/stats.ts';
import type { OnStep } from '../life.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import type { Connected, PartitionOffsets } from '../monitoring/records.ts';
import { isExpelled } from '../protocol/errors.ts';
import type { Heartbeat, Joined } from '../protocol/membership.ts';
import { pause } from '../time.ts';
import { type CommitNote, isOf, NOTHING_COMMITTED, readNote, writeNote } from './note.ts';
import type { Reporter } from './reporter.ts';
import type { Topic } from './topic.ts';

/** The poller's position in one of its partitions. */
interface Position {
  /** The group's committed offset, as far as this poller knows; -1 for none yet. */
  committed: number;
  /** The offset of the last commit that was sent. The broker may not have answered it. */
  attempted: number;
  /** The offset after the last record in the buffer: the next one to fetch. */
  fetched: number;
  /** The offset after the last record that is done; -1 before the first. */
  done: number;
  /** The offset up to which commits are counted. */
  counted: number;
}

/** A partition's offsets in Kafka. */
interface Found {
  readonly low: number;
  readonly high: number;
  readonly committed: number;
  /** The starting position, where it applies. */
  readonly start: number | undefined;
}

interface Membership {
  readonly consumer: Consumer;
  readonly admin: Admin;
  /** Undefined for kafkajs as it is, whose payload has none. */
  readonly joined: Partial<Joined>;
}

/** The member of a group that polls. */
export type Member = Omit<Connected, 'securityProtocol' | 'saslMechanism'>;

export interface GroupOptions {
  readonly mapping: Mapping;
  readonly topic: Topic;
  readonly scheduler: Scheduler;
  readonly reporter: Reporter;
  readonly stats: Stats;
  readonly signal: AbortSignal;
  readonly onStep: OnStep;
  /** After this time without a heartbeat the group expels a member. */
  readonly sessionMs: number;
  readonly onRevoked: (partition: number) => void;
  /** Called once the position of each partition is known, so that polling begins. */
  readonly onPositioned: (member: Member) => void;
}

/** Kafka's own error for an offset that a partition does not have. */
const OUT_OF_RANGE = { type: 'OFFSET_OUT_OF_RANGE' };
const POSITION_AGAIN_MS = 500;
const COMMIT_AGAIN_MS = 1_000;

export class Group {
  readonly #options: GroupOptions;
  /** The positions by partition, all in the topic with the id `#topicId`. */
  readonly #positions = new Map<number, Position>();
  #topicId: string | undefined;
  /** The number of the topic's partitions. */
  #total = 0;
  #membership: Membership | undefined;
  /** The milliseconds since the group has heard of this member. */
  #silence: () => number = () => 0;
  /** The partitions whose position is known since the last join. */
  readonly #ready = new Set<number>();
  /** Whether polling has begun since the last join. */
  #isPolling = false;
  /** Whether a commit that has failed is going to be tried again. */
  #isCommitDue = false;
  /** Runs commits and new positions one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  /** The assigned partitions; undefined until their positions are known, and after leaving. */
  get partitions(): readonly number[] | undefined {
    if (!this.#membership || !this.#isPolling) return undefined;
    return [...this.#positions.keys()].sort((a, b) => a - b);
  }

  /** Whether the group still takes this member for alive: else another may have its partitions. */
  get isAlive(): boolean {
    return this.#silence() < this.#options.sessionMs;
  }

  /**
   * Joins a generation. kafkajs calls this before its next fetch, so that the partitions taken away
   * are gone before a late result could be committed under the new generation.
   */
  join(
    consumer: Consumer,
    admin: Admin,
    assigned: readonly number[],
    joined: Partial<Joined>,
  ): void {
    this.rebalancing();
    this.#membership = { consumer, admin, joined };
    this.#silence = joined.age ?? (() => 0);
    this.#follow(joined.topicIds?.get(this.#options.mapping.topic));
    this.#revokeAllBut(assigned);
    // Nothing is fetched until the positions are known; heartbeats go on.
    for (const partition of assigned) this.setPaused(partition, true);
    const isCurrent = this.#untilChanged();
    const sorted = assigned.toSorted((a, b) => a - b);
    void this.#inTurn(() => this.#begin(sorted, isCurrent));
  }

  /** The group shares out its partitions anew. */
  rebalancing(): void {
    this.#options.scheduler.hold();
    this.#isPolling = false;
    this.#ready.clear();
  }

  heartbeat({ age = () => 0 }: Partial<Heartbeat>): void {
    this.#silence = age;
    if (this.#isPolling && this.isAlive) this.#options.scheduler.resume();
  }

  leave(): void {
    this.#membership = undefined;
  }

  setPaused(partition: number, isPaused: boolean): void {
    const target = [{ topic: this.#options.mapping.topic, partitions: [partition] }];
    if (isPaused) this.#membership?.consumer.pause(target);
    else this.#membership?.consumer.resume(target);
  }

  /** The partition's buffer has room again. */
  resume(partition: number): void {
    if (this.isReady(partition)) this.setPaused(partition, false);
  }

  /** Pauses a partition. @returns resumes the partition, unless a new session has begun */
  pauseUntil(partition: number): () => void {
    const consumer = this.#membership?.consumer;
    this.setPaused(partition, true);
    return () => {
      if (this.#membership?.consumer !== consumer || !this.isReady(partition)) return;
      this.setPaused(partition, this.#options.scheduler.isFull(partition));
    };
  }

  /** Whether the partition is this poller's, and is read from a known position. */
  isReady(partition: number): boolean {
    return this.#ready.has(partition);
  }

  /** The offset after the last record in the partition's buffer. */
  fetchedUpTo(partition: number): number | undefined {
    return this.#positions.get(partition)?.fetched;
  }

  fetched(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (position) position.fetched = next;
  }

  /** Finds the position of a partition again: a fetch came from another one. */
  reposition(partition: number): void {
    this.#ready.delete(partition);
    this.setPaused(partition, true);
    const isCurrent = this.#untilChanged();
    void this.#inTurn(() => this.#position([partition], isCurrent));
  }

  /** All records of the partition before `next` are done. */
  progress(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (!position) return;
    position.done = Math.max(position.done, next);
    void this.commit();
  }

  /** The offsets of this member's partitions, with their ends in Kafka; none while it does not poll. */
  async offsets(): Promise<readonly PartitionOffsets[]> {
    const { admin } = this.#membership ?? {};
    if (!admin || !this.#isPolling) return [];
    const bounds = await admin.fetchTopicOffsets(this.#options.mapping.topic);
    return bounds.flatMap(({ partition, low, high }) => {
      const position = this.#positions.get(partition);
      if (!position) return [];
      const { fetched, committed } = position;
      const done = Math.max(position.done, committed);
      return [{ partition, low: Number(low), end: Number(high), fetched, done, committed }];
    });
  }

  /** Commits all offsets that are done and not committed yet. */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      // After a join another member may have gone further, so nothing is committed until the
      // positions are known.
      if (!this.#isPolling) return;
      try {
        await this.#commitAll();
      } catch (error) {
        this.#options.stats.emit('CommitErrorCount', 1);
        this.#reportRefusal(error);
        void this.#commitAgain();
      }
    });
  }

  async #commitAll(): Promise<void> {
    const membership = this.#membership;
    const behind = [...this.#positions].filter(
      ([partition, { done, committed }]) => this.#ready.has(partition) && done > committed,
    );
    if (behind.length === 0 || !membership) return;
    for (const [, position] of behind) position.attempted = position.done;
    await this.#send(
      membership,
      behind.map(([partition, { attempted }]) => ({ partition, offset: attempted })),
    );
    let events = 0;
    for (const [partition, position] of behind) {
      position.committed = position.attempted;
      this.#options.onStep({ kind: 'committed', partition, next: position.committed });
      events += position.committed - position.counted;
      position.counted = position.committed;
    }
    this.#options.stats.emit('CommittedEventCount', events);
  }

  async #commitAgain(): Promise<void> {
    if (this.#isCommitDue) return;
    this.#isCommitDue = true;
    await pause(COMMIT_AGAIN_MS, this.#options.signal);
    this.#isCommitDue = false;
    if (!this.#options.signal.aborted) void this.commit();
  }

  #reportRefusal(error: unknown): void {
    const { reporter } = this.#options;
    if (!isExpelled(error)) {
      reporter.debug(`not committed: ${messageOf(error)}`);
      return;
    }
    // The partitions may be another member's. kafkajs joins again before its next fetch.
    const reason = messageOf(error);
    reporter.warn(`its group refused a commit: ${reason}. Joining the group again.`, error);
    this.rebalancing();
  }

  async #send(
    { consumer, joined }: Membership,
    offsets: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const { topic } = this.#options.mapping;
    const metadata = writeNote({
      topicId: this.#topicId,
      partitionsAtFirst: this.#options.topic.partitionsAtFirst,
    });
    const partitions = offsets.map(({ partition, offset }) => ({
      partition,
      offset: String(offset),
      metadata,
    }));
    // Commits once, under the generation of the join. The consumer's own commit would be repeated
    // after a rebalance, for partitions that another member may have by then.
    if (joined.commit) await joined.commit([{ topic, partitions }]);
    else await consumer.commitOffsets(partitions.map((one) => ({ topic, ...one })));
  }

  /** @returns whether the poller still goes on in the same join */
  #untilChanged(): () => boolean {
    const membership = this.#membership;
    return () => this.#membership === membership && !this.#options.signal.aborted;
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(action).catch((error: unknown) => {
      this.#options.reporter.warn(`a commit or a position failed: ${messageOf(error)}`, error);
    });
    return this.#queue;
  }

  /** There is no such topic any more. */
  forgetTopic(): void {
    this.#revokeAllBut([]);
  }

  /** Forgets the positions when the topic's id has changed: the topic was deleted and made again. */
  #follow(topicId: string | undefined): void {
    const isOther = this.#topicId !== undefined && topicId !== this.#topicId;
    this.#topicId = topicId;
    this.#options.onStep({ kind: 'topic', topicId });
    if (!isOther || topicId === undefined) return;
    this.#revokeAllBut([]);
    this.#options.topic.wasMadeAgain();
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

  async #begin(assigned: readonly number[], isCurrent: () => boolean): Promise<void> {
    const { mapping, scheduler, reporter, onPositioned } = this.#options;
    const begin = () => {
      this.#isPolling = true;
      onPositioned({
        consumerId: this.#membership?.joined.memberId ?? '',
        generation: this.#membership?.joined.generation ?? 0,
        totalPartitions: this.#total,
        partitions: assigned,
      });
      const which = assigned.length > 0 ? assigned.join(', ') : 'none: other members have them';
      reporter.notice(`polling ${mapping.topic}, partitions ${which}`);
      scheduler.resume();
      void this.commit();
    };
    await this.#position(assigned, isCurrent, () => reporter.problemIsOver(), begin);
  }

  /**
   * Finds the position of each partition, however long the broker is away. Polling begins with
   * those that have a leader; the others are looked at again in the background.
   *
   * @param endProblem called once all of them have a leader
   */
  async #position(
    wanted: readonly number[],
    isCurrent: () => boolean,
    endProblem: () => void = () => undefined,
    begin: () => void = () => undefined,
  ): Promise<void> {
    const { reporter, signal, scheduler } = this.#options;
    let solved = endProblem;
    while (isCurrent()) {
      try {
        const found = await this.#find(wanted);
        if (!isCurrent()) return;
        const known = wanted.filter((partition) => found.has(partition));
        const others = wanted.filter((partition) => !found.has(partition));
        for (const [partition, one] of found) this.#place(partition, one);
        // Before anything is fetched: a restart would look for the starting position again, and
        // skip what has come meanwhile.
        await this.#commitAll();
        if (!isCurrent()) return;
        begin();
        for (const partition of known) {
          this.setPaused(partition, scheduler.isFull(partition));
        }
        if (others.length > 0) void this.#positionLater(others, isCurrent);
        else solved();
        return;
      } catch (error) {
        solved = reporter.problemIs(`no committed offsets yet: ${messageOf(error)}`, error);
        await pause(POSITION_AGAIN_MS, signal);
      }
    }
  }

  async #positionLater(partitions: readonly number[], isCurrent: () => boolean): Promise<void> {
    const { reporter, signal, mapping } = this.#options;
    const which = partitions.map((partition) => `${mapping.topic}-${partition}`).join(', ');
    const solved = reporter.problemIs(
      `${which} has no leader: waiting for one, the other partitions go on.`,
      { type: 'LEADER_NOT_AVAILABLE' },
    );
    await pause(POSITION_AGAIN_MS, signal);
    if (!isCurrent()) return;
    void this.#inTurn(() => this.#position(partitions, isCurrent, solved));
  }

  /** Asks Kafka for the offsets of the partitions that have a leader. */
  async #find(partitions: readonly number[]): Promise<ReadonlyMap<number, Found>> {
    const admin = this.#membership?.admin;
    if (!admin || partitions.length === 0) return new Map();
    const { mapping, topic } = this.#options;
    const { startingPosition, startingTimestampMs } = mapping;
    const notes = await this.#committed(admin);
    topic.remember([...notes.values()], this.#topicId);
    const committed = (partition: number) => {
      const note = notes.get(partition);
      return note && isOf(note, this.#topicId) ? note.offset : NOTHING_COMMITTED;
    };
    const bounds = await admin.fetchTopicOffsets(mapping.topic);
    this.#total = bounds.length;
    // AWS does not say where it begins to read a partition that was added later, or made anew with
    // its topic. Beginning at the first record loses nothing.
    const isStarting = (partition: number) =>
      startingPosition !== 'TRIM_HORIZON' &&
      topic.hadAtFirst(partition) &&
      !notes.has(partition) &&
      (this.#positions.get(partition)?.committed ?? NOTHING_COMMITTED) === NOTHING_COMMITTED;
    const starts =
      startingPosition === 'AT_TIMESTAMP' && partitions.some(isStarting)
        ? await admin.fetchTopicOffsetsByTimestamp(mapping.topic, startingTimestampMs)
        : bounds;
    const startOf = (partition: number) =>
      Number(starts.find((one) => one.partition === partition)?.offset);
    return new Map(
      bounds
        .filter(({ partition }) => partitions.includes(partition))
        .map(({ partition, low, high }): [number, Found] => {
          const begin = startingPosition === 'TRIM_HORIZON' ? undefined : Number(low);
          const start = isStarting(partition) ? startOf(partition) : begin;
          const ends = { low: Number(low), high: Number(high) };
          return [partition, { ...ends, committed: committed(partition), start }];
        })
        // A partition that has lost its leader meanwhile.
        .filter(([, { start }]) => !Number.isNaN(start ?? 0)),
    );
  }

  async #committed(admin: Admin): Promise<ReadonlyMap<number, CommitNote>> {
    const { groupId, topic } = this.#options.mapping;
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const all = offsets?.partitions ?? [];
    return new Map(
      all
        .map(({ partition, offset, metadata }): [number, CommitNote] => [
          partition,
          readNote(Number(offset), metadata),
        ])
        .filter(([, { offset }]) => offset !== NOTHING_COMMITTED),
    );
  }

  /**
   * A partition keeps its buffer and its records in flight if the group's committed offset is one of
   * this poller's; otherwise it starts again at the committed offset.
   */
  #place(partition: number, found: Found): void {
    const held = this.#positions.get(partition);
    const { low, high, committed, start } = found;
    // A commit without an answer may have reached the broker; the records that it covers are done.
    const isKept =
      held !== undefined &&
      held.committed <= committed &&
      committed <= held.attempted &&
      held.fetched <= high;
    if (isKept) {
      held.committed = committed;
      if (held.fetched < low) {
        this.#tellDeleted(partition, held.fetched, low);
        held.fetched = low;
      }
    } else if (committed < 0) {
      this.#restart(partition, NOTHING_COMMITTED, start ?? low, start);
    } else if (committed > high) {
      this.#options.reporter.warn(
        `${this.#nameOf(partition)} ends at ${high}, before the committed offset ${committed}: ` +
          `starting at ${low}`,
        OUT_OF_RANGE,
      );
      this.#restart(partition, NOTHING_COMMITTED, low, low);
    } else {
      if (committed < low) this.#tellDeleted(partition, committed, low);
      this.#restart(partition, committed, Math.max(committed, low));
    }
    this.#ready.add(partition);
    this.#seek(partition);
  }

  /** Starts a partition again with an empty buffer. @param done the offset to commit at once */
  #restart(partition: number, committed: number, fetched: number, done = NOTHING_COMMITTED): void {
    this.#options.scheduler.assign(partition);
    const counted = committed === NOTHING_COMMITTED ? fetched : committed;
    this.#positions.set(partition, { committed, attempted: committed, fetched, done, counted });
  }

  #seek(partition: number): void {
    const { topic } = this.#options.mapping;
    const offset = String(this.#positions.get(partition)?.fetched);
    this.#membership?.consumer.seek({ topic, partition, offset });
  }

  #tellDeleted(partition: number, from: number, low: number): void {
    this.#options.reporter.warn(
      `${this.#nameOf(partition)}: the records from offset ${from} to ${low - 1} were deleted ` +
        'before they were read; going on after them',
      OUT_OF_RANGE,
    );
  }

  #nameOf(partition: number): string {
    return `${this.#options.mapping.topic}-${partition}`;
  }
}
