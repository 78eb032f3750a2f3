/** Reads one mapping's topic with kafkajs, feeds the delivery, and commits what it has done. */
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { createClient } from './access/connect.ts';
import { RESULTS, resultOf } from './access/result.ts';
import type { InvocationResult } from './acknowledge.ts';
import { PAYLOAD_BYTES } from './batch.ts';
import { Delivery, type Log } from './delivery.ts';
import { createDestination, type Destination } from './destination.ts';
import { Intake } from './intake.ts';
import type { Mapping } from './mapping.ts';
import type { Backoff } from './retry.ts';
import { Stats } from './stats.ts';
import { loadClient } from './wire/client.ts';

export interface PollerOptions {
  readonly mapping: Mapping;
  readonly log: Log;
  readonly invoke: (payload: string) => Promise<InvocationResult>;
  readonly backoff?: Backoff;
  /** How long a stop waits for invocations in flight. */
  readonly stopMs?: number;
  readonly payloadBytes?: number;
  readonly connect?: () => Promise<Kafka>;
}

/** Where the poller stands in a partition that is its own. */
interface Position {
  /** What the group has committed, as far as this poller knows; -1 for nothing yet. */
  committed: number;
  /** What a commit under way, or one without an answer, may have made of it. */
  attempted: number;
  /** The offset after the last one in the buffer. */
  fetched: number | undefined;
  /** The offset after the last one that is done. */
  done: number;
}

/** Where polling stands. */
export interface Condition {
  /** Undefined while it has none yet, or not any more. */
  readonly partitions: readonly number[] | undefined;
  /** What holds it up, in words. */
  readonly trouble: string | undefined;
}

type CommitOffsets = EachBatchPayload['commitOffsetsIfNecessary'];
type FetchedBatch = EachBatchPayload['batch'] & { readonly fetchedOffset?: string };

const NOTHING_COMMITTED = -1;
const DEFAULTS = { backoff: { firstMs: 500, maxMs: 30_000 }, stopMs: 4_000 } as const;
const RECONNECT = { firstMs: 500, maxMs: 5_000 } as const;
/** How long a stop waits for a broker that may be away. */
const LEAVE_MS = 3_000;
const TOPIC_CHECK_MS = 1_000;
const COMMIT_AGAIN_MS = 1_000;
const POSITION_AGAIN_MS = 500;
const CONSUMER = {
  // Short enough that a killed process gives its partitions back soon.
  sessionTimeout: 10_000,
  rebalanceTimeout: 15_000,
  heartbeatInterval: 2_000,
  // kafkajs heartbeats once per fetch, so this also bounds the time between two of them.
  maxWaitTimeInMs: 250,
  // New partitions are seen with the metadata.
  metadataMaxAge: 15_000,
  allowAutoTopicCreation: false,
  // A crash starts a new session of our own, which says why.
  retry: { retries: 5, maxRetryTime: 2_000, restartOnFailure: async () => false },
} as const;

export class Poller {
  readonly stats = new Stats();
  readonly #mapping: Mapping;
  readonly #log: Log;
  readonly #stopMs: number;
  readonly #delivery: Delivery;
  readonly #destination: Destination | undefined;
  readonly #intake: Intake;
  /** The first offset of partitions that wait for schemas. */
  readonly #waiting = new Map<number, number>();
  #isRegistryAway = false;
  readonly #positions = new Map<number, Position>();
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;
  #ended: Promise<void> = Promise.resolve();
  #consumer: Consumer | undefined;
  #admin: Admin | undefined;
  #known: ReadonlySet<number> | undefined;
  #joins = 0;
  #isPositioned = false;
  #exclusive: Promise<void> = Promise.resolve();
  #commitOffsets: CommitOffsets | undefined;
  #commitTimer: NodeJS.Timeout | undefined;
  #told: string | undefined;
  readonly #connect: () => Promise<Kafka>;
  #failures = 0;

  constructor({ mapping, log, invoke, backoff, stopMs, payloadBytes, connect }: PollerOptions) {
    this.#mapping = mapping;
    this.#log = log;
    this.#stopMs = stopMs ?? DEFAULTS.stopMs;
    this.#connect = connect ?? (() => createClient(mapping, log));
    const { destination } = mapping;
    this.#destination =
      destination && createDestination(destination, { mapping, kafka: this.#connect });
    this.#intake = new Intake({
      mapping,
      backoff: backoff ?? DEFAULTS.backoff,
      onTrouble: (result, reason) => this.#tellRegistry(result, reason),
    });
    this.#delivery = new Delivery({
      ...mapping,
      destination: this.#destination,
      stats: this.stats,
      payloadBytes: payloadBytes ?? PAYLOAD_BYTES,
      backoff: backoff ?? DEFAULTS.backoff,
      log,
      invoke,
      onProgress: (partition, next) => this.#progress(partition, next),
      onRoom: (partition) => this.#setPaused(partition, false),
    });
  }

  /** Begins polling and returns at once; a broker that is away is tried again. */
  start(): void {
    const { degraded } = loadClient();
    if (degraded) this.#log.warning(`${this.#mapping.name}: ${degraded}`);
    this.#delivery.hold();
    this.#ended = this.#run();
  }

  get condition(): Condition {
    const isPolling = this.#consumer !== undefined && this.#isPositioned;
    return {
      partitions: isPolling ? [...this.#positions.keys()].sort((a, b) => a - b) : undefined,
      trouble: this.#told,
    };
  }

  /** Lets invocations in flight finish for a while, commits, and leaves the group. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#delivery.close(this.#stopMs);
    clearTimeout(this.#commitTimer);
    await Promise.race([this.#commit(), after(LEAVE_MS)]);
    this.#stopped.resolve();
    const closed = [this.#destination?.close(), this.#intake.close()];
    const ended = Promise.all([this.#ended, ...closed]);
    await Promise.race([ended, after(LEAVE_MS)]);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#session();
      } catch (error) {
        this.#tellFailure(error);
        const { firstMs, maxMs } = RECONNECT;
        await this.#orStopped(Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 10)));
        this.#failures += 1;
      }
    }
  }

  #tellFailure(error: unknown): void {
    const { name, topic, bootstrapServers } = this.#mapping;
    const [reason, result] = [reasonOf(error), resultOf(error)];
    this.stats.result(result ?? `PROBLEM: ${reason}`);
    // AWS's words for a server that does not answer are long and say less than the reason.
    const why = result && result !== RESULTS.connection ? `${result}: ${reason}` : reason;
    const where = `${topic} at ${bootstrapServers.join(',')}`;
    this.#tellOnce(`${name}: cannot poll ${where}: ${why}. Trying again.`);
  }

  /** From connecting until the consumer crashes or the poller stops. */
  async #session(): Promise<void> {
    const kafka = await this.#connect();
    const admin = kafka.admin({ retry: { retries: 2, maxRetryTime: 1_000 } });
    const consumer = kafka.consumer({ groupId: this.#mapping.groupId, ...CONSUMER });
    try {
      await admin.connect();
      await consumer.connect();
      if (!(await this.#waitForTopic(admin, consumer))) return;
      this.#admin = admin;
      const crashed = this.#listen(consumer);
      await this.#subscribe(consumer);
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => this.#eachBatch(payload),
      });
      await Promise.race([crashed, this.#stopped.promise]);
    } finally {
      this.#delivery.hold();
      this.#consumer = undefined;
      this.#commitOffsets = undefined;
      this.#admin = undefined;
      const results = await Promise.allSettled([consumer.disconnect(), admin.disconnect()]);
      for (const result of results) {
        if (result.status === 'rejected') this.#log.debug(`disconnect: ${reasonOf(result.reason)}`);
      }
    }
  }

  #listen(consumer: Consumer): Promise<never> {
    const { GROUP_JOIN, REBALANCING, STOP, CRASH } = consumer.events;
    consumer.on(STOP, () => {
      this.#consumer = undefined;
    });
    consumer.on(REBALANCING, () => this.#delivery.hold());
    consumer.on(GROUP_JOIN, ({ payload }) => {
      // kafkajs calls this before its next fetch, so that the partitions taken away are gone
      // before a late result could be committed under the new generation.
      const assigned = payload.memberAssignment[this.#mapping.topic] ?? [];
      this.#consumer = consumer;
      this.#commitOffsets = undefined;
      this.#isPositioned = false;
      this.#joins += 1;
      this.#giveUp(assigned);
      // Nothing is fetched until it is known from where; heartbeats go on.
      for (const partition of assigned) this.#setPaused(partition, true);
      const join = this.#joins;
      void this.#alone(() => this.#position(consumer, assigned, join));
    });
    const crashed = new Promise<never>((_, reject) => {
      consumer.on(CRASH, ({ payload }) => reject(payload.error));
    });
    crashed.catch((error: unknown) => {
      this.#delivery.hold();
      this.#log.debug(`${this.#mapping.name}: consumer crashed: ${reasonOf(error)}`);
    });
    return crashed;
  }

  #subscribe(consumer: Consumer): Promise<void> {
    return consumer.subscribe({ topics: [this.#mapping.topic], fromBeginning: true });
  }

  async #waitForTopic(admin: Admin, consumer: Consumer): Promise<boolean> {
    const { topic, name } = this.#mapping;
    while (!this.#isStopped) {
      if ((await admin.listTopics()).includes(topic)) {
        const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
        const partitions = metadata.topics[0]?.partitions.map(({ partitionId }) => partitionId);
        this.#known ??= new Set(partitions);
        return true;
      }
      // A topic that this user may not see is not listed either; asked for by name, it is refused.
      if (!(await this.#isThere(consumer))) {
        // All that a topic made later holds has come since: it is read from its beginning.
        this.#known = new Set();
        // AWS does not say what it does; topics are not created, and polling goes on when it exists.
        this.#tellOnce(`${name}: topic ${topic} does not exist; waiting until it is created.`);
      }
      await this.#orStopped(TOPIC_CHECK_MS);
    }
    return false;
  }

  async #isThere(consumer: Consumer): Promise<boolean> {
    try {
      await this.#subscribe(consumer);
      return true;
    } catch (error) {
      if ((error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
      throw error;
    }
  }

  #giveUp(assigned: readonly number[]): void {
    for (const partition of this.#positions.keys()) {
      if (!assigned.includes(partition)) {
        this.#delivery.revoke(partition);
        this.#positions.delete(partition);
        this.#waiting.delete(partition);
      }
    }
  }

  /**
   * After a join: a partition whose committed offset is where this poller left it keeps its buffer
   * and its invocation in flight; any other starts again at the committed offset.
   */
  async #position(consumer: Consumer, assigned: readonly number[], join: number): Promise<void> {
    const isCurrent = () => this.#joins === join && this.#consumer === consumer && !this.#isStopped;
    let isKnown = false;
    while (isCurrent() && !isKnown) {
      try {
        const committed = await this.#committed();
        const starts = await this.#startingOffsets(assigned, committed);
        if (!isCurrent()) return;
        for (const partition of assigned) {
          const offset = committed.get(partition) ?? NOTHING_COMMITTED;
          this.#resume(consumer, partition, offset, starts.get(partition));
        }
        isKnown = true;
      } catch (error) {
        this.#tellOnce(`${this.#mapping.name}: no committed offsets yet: ${reasonOf(error)}`);
        await this.#orStopped(POSITION_AGAIN_MS);
      }
    }
    if (!isCurrent()) return;
    this.#isPositioned = true;
    this.#told = undefined;
    if (this.#failures > 0) this.stats.result(RESULTS.ok);
    this.#failures = 0;
    this.#log.notice(
      `${this.#mapping.name}: polling ${this.#mapping.topic}, ` +
        `partitions ${assigned.length > 0 ? assigned.join(', ') : 'none: other members have them'}`,
    );
    this.#delivery.release();
    void this.#commit();
  }

  async #committed(): Promise<ReadonlyMap<number, number>> {
    const { groupId, topic } = this.#mapping;
    const [offsets] = (await this.#admin?.fetchOffsets({ groupId, topics: [topic] })) ?? [];
    return new Map(offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  #resume(consumer: Consumer, partition: number, committed: number, start?: number): void {
    const held = this.#positions.get(partition);
    if (held && (committed === held.committed || committed === held.attempted)) {
      held.committed = committed;
      if (held.fetched !== undefined) this.#seek(consumer, partition, held.fetched);
      this.#setPaused(partition, this.#delivery.isFull(partition));
      return;
    }
    this.#restart(partition, committed, start);
    if (start === undefined) return;
    this.#seek(consumer, partition, start);
    this.#progress(partition, start);
  }

  #restart(partition: number, committed: number, fetched?: number): void {
    this.#delivery.assign(partition);
    const done = NOTHING_COMMITTED;
    this.#positions.set(partition, { committed, attempted: committed, fetched, done });
    this.#setPaused(partition, false);
  }

  /**
   * Where to begin without a committed offset; a partition without one here begins at its beginning.
   * It is committed at once: a record that comes before the first commit is then not skipped by a
   * restart.
   */
  async #startingOffsets(
    assigned: readonly number[],
    committed: ReadonlyMap<number, number>,
  ): Promise<ReadonlyMap<number, number>> {
    const { startingPosition, startingTimestampMs, topic } = this.#mapping;
    // AWS does not say where it begins in a partition added later, or made again with its topic; the
    // beginning loses nothing.
    const hasBegun = (partition: number) => (this.#positions.get(partition)?.committed ?? -1) >= 0;
    const isStarting = (partition: number) =>
      this.#known?.has(partition) === true &&
      !hasBegun(partition) &&
      assigned.includes(partition) &&
      (committed.get(partition) ?? NOTHING_COMMITTED) === NOTHING_COMMITTED;
    if (startingPosition === 'TRIM_HORIZON' || !assigned.some(isStarting)) return new Map();
    const offsets =
      startingPosition === 'AT_TIMESTAMP'
        ? await this.#admin?.fetchTopicOffsetsByTimestamp(topic, startingTimestampMs)
        : await this.#admin?.fetchTopicOffsets(topic);
    const known = (offsets ?? []).filter(({ partition }) => isStarting(partition));
    return new Map(known.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  #seek(consumer: Consumer, partition: number, offset: number): void {
    consumer.seek({ topic: this.#mapping.topic, partition, offset: String(offset) });
  }

  // Only fills the buffer and returns: kafkajs heartbeats between two calls, however long an
  // invocation takes.
  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    if (!this.#isPositioned || payload.isStale() || !payload.isRunning()) return;
    const batch: FetchedBatch = payload.batch;
    const { partition, messages } = batch;
    this.#commitOffsets = payload.commitOffsetsIfNecessary;
    const position = this.#positions.get(partition);
    if (!position) return;
    this.#follow(batch, position);
    const end = Number(batch.lastOffset()) + 1;
    this.stats.fetched(partition, Number(batch.highWatermark));
    const taken = this.#intake.take({ topic: batch.topic, partition, messages, end });
    if (taken.kind === 'missing') {
      this.#wait(partition, Number(messages[0]?.offset), taken.schemaIds);
      return;
    }
    this.stats.count('filtered', taken.filtered);
    const current = this.#positions.get(partition);
    if (current) current.fetched = end;
    if (taken.entries.length > 0) this.#delivery.enqueue(partition, taken.entries);
    else this.#delivery.skip(partition, end);
    if (this.#delivery.isFull(partition)) this.#setPaused(partition, true);
    payload.resolveOffset(batch.lastOffset());
  }

  /** Leaves the partition where it is until the schemas are loaded; then it is fetched again. */
  #wait(partition: number, offset: number, schemaIds: ReadonlySet<number>): void {
    this.#waiting.set(partition, offset);
    this.#setPaused(partition, true);
    const consumer = this.#consumer;
    void this.#intake.load(schemaIds).then(() => {
      this.#waiting.delete(partition);
      this.#tellRegistryBack();
      if (this.#consumer !== consumer || !this.#isPositioned) return;
      this.#setPaused(partition, this.#delivery.isFull(partition));
    });
  }

  #tellRegistry(result: string | undefined, reason: string): void {
    const { name } = this.#mapping;
    this.#isRegistryAway = true;
    this.stats.result(`PROBLEM: ${result ?? reason}`);
    for (const [partition, offset] of this.#waiting) {
      this.stats.blocked(partition, { offset, reason, attempts: 0, isRetried: true });
    }
    const what = [reason, result].filter(Boolean).join('. ').replace(/\.?$/, '.');
    this.#tellOnce(`${name}: no schema from its registry: ${what} Trying again.`);
  }

  #tellRegistryBack(): void {
    if (this.#waiting.size > 0 || !this.#isRegistryAway) return;
    this.#isRegistryAway = false;
    this.#told = undefined;
    this.stats.result(RESULTS.ok);
    this.#log.notice(`${this.#mapping.name}: its schema registry answers again`);
  }

  /** A fetch from another offset than where the last one ended is no fault here, and is told. */
  #follow({ topic, partition, messages, fetchedOffset }: FetchedBatch, position: Position): void {
    const fetched = Number(fetchedOffset ?? messages[0]?.offset);
    if (position.fetched === undefined || fetched === position.fetched) return;
    const where = `${this.#mapping.name}: ${topic}-${partition}`;
    if (fetched > position.fetched) {
      this.#log.warning(
        `${where}: the records from offset ${position.fetched} to ${fetched - 1} were deleted ` +
          'before they were read; going on behind them',
      );
      return;
    }
    this.#log.warning(
      `${where} went back from offset ${position.fetched} to ${fetched}; starting there`,
    );
    this.#restart(partition, NOTHING_COMMITTED);
  }

  #setPaused(partition: number, paused: boolean): void {
    const target = [{ topic: this.#mapping.topic, partitions: [partition] }];
    if (paused) this.#consumer?.pause(target);
    else this.#consumer?.resume(target);
  }

  #progress(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (!position) return;
    position.done = Math.max(position.done, next);
    void this.#commit();
  }

  /** Commits what is done and not committed yet, one request at a time. */
  #commit(): Promise<void> {
    return this.#alone(async () => {
      const dirty = [...this.#positions].filter(([, { done, committed }]) => done > committed);
      // Until positions are known after a join, another member may have gone further: #position commits.
      if (dirty.length === 0 || !this.#consumer || !this.#isPositioned) return;
      const { topic } = this.#mapping;
      for (const [, position] of dirty) position.attempted = position.done;
      const offsets = dirty.map(([partition, { attempted }]) => ({
        topic,
        partition,
        offset: String(attempted),
      }));
      try {
        // The commit of a batch is tried once under its generation; the consumer's own would be
        // repeated after a rebalance, for partitions that may be another member's by then.
        if (this.#commitOffsets)
          await this.#commitOffsets({ topics: [{ topic, partitions: offsets }] });
        else await this.#consumer.commitOffsets(offsets);
        for (const [, position] of dirty) position.committed = position.attempted;
      } catch (error) {
        this.#log.debug(`${this.#mapping.name}: not committed: ${reasonOf(error)}`);
        clearTimeout(this.#commitTimer);
        if (!this.#isStopped) {
          this.#commitTimer = setTimeout(() => void this.#commit(), COMMIT_AGAIN_MS);
        }
      }
    });
  }

  /** Runs one thing after the other: commits and positions never cross. */
  #alone(action: () => Promise<void>): Promise<void> {
    this.#exclusive = this.#exclusive.then(action);
    return this.#exclusive;
  }

  #tellOnce(message: string): void {
    if (this.#told !== message && !this.#isStopped) this.#log.warning(message);
    this.#told = message;
  }

  async #orStopped(ms: number): Promise<void> {
    await Promise.race([after(ms), this.#stopped.promise]);
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || error.name;
}
