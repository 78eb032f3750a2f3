/** Reads one mapping's topic with kafkajs, feeds the scheduler, and commits the offsets of done records. */
import { once } from 'node:events';
import type { Admin, Consumer, Kafka } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import { namesOf, type Security } from '../access/security.ts';
import { PAYLOAD_BYTES } from '../delivery/batch.ts';
import type { Backoff } from '../delivery/retry.ts';
import { Scheduler } from '../delivery/scheduler.ts';
import type { Slots } from '../delivery/slots.ts';
import { Stats } from '../delivery/stats.ts';
import { createDestination, type Destination } from '../destination/destination.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { OnStep } from '../life.ts';
import { type Log, messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { Metrics } from '../monitoring/metrics.ts';
import { SystemLog, type SystemRecord } from '../monitoring/records.ts';
import { loadClient } from '../protocol/client.ts';
import type { Heartbeat, Joined } from '../protocol/membership.ts';
import type { Registry } from '../schema/registry.ts';
import { type Clock, endsWithin, pause, SYSTEM_CLOCK } from '../time.ts';
import { assignByTopic } from './assigner.ts';
import { Fetch } from './fetch.ts';
import { Group, type Member } from './group.ts';
import { observe } from './observer.ts';
import { Reporter } from './reporter.ts';
import { Topic } from './topic.ts';

export interface PollerOptions {
  readonly mapping: Mapping;
  readonly log: Log;
  /** @param id names this invocation */
  readonly invoke: (payload: Buffer, id: string) => Promise<InvocationResult>;
  /** Called with each step of the mapping's records. */
  readonly onStep?: OnStep | undefined;
  readonly backoff?: Backoff;
  /** The function's reserved concurrency, shared by all mappings of the function. */
  readonly concurrency?: Slots | undefined;
  /** How long a stop waits for invocations in flight. */
  readonly stopMs?: number;
  /** How long a stop waits for a broker that may be away. */
  readonly leaveMs?: number;
  /** How long the group waits for a silent member before it gives its partitions to others. */
  readonly sessionMs?: number;
  readonly payloadBytes?: number;
  /** Counts on from a poller before it. */
  readonly metrics?: Metrics | undefined;
  /** Called with each record of the mapping's system log. */
  readonly onRecord?: ((record: SystemRecord) => void) | undefined;
  /** The milliseconds between two observations of its lag. */
  readonly observeMs?: number;
  readonly connect?: () => Promise<Kafka>;
  /** Stand between the poller and the services that it calls, such as to let calls fail. */
  readonly wrapRegistry?: (real: Registry) => Registry;
  readonly wrapDestination?: (real: Destination) => Destination;
  /** The clock of windows, delays and ages; the machine's by default. */
  readonly clock?: Clock | undefined;
}

/** The state of polling. */
export interface Condition {
  /** The assigned partitions; undefined before polling begins, and after it ends. */
  readonly partitions: readonly number[] | undefined;
  /** The problem that holds up polling, in words. */
  readonly problem: string | undefined;
}

const DEFAULTS = {
  backoff: { firstMs: 500, maxMs: 30_000 },
  stopMs: 4_000,
  leaveMs: 3_000,
  observeMs: 60_000,
  // Short enough that a killed process gives its partitions back soon.
  sessionMs: 10_000,
} as const;
const RECONNECT = { firstMs: 500, maxMs: 5_000 } as const;
const CONSUMER = {
  rebalanceTimeout: 15_000,
  heartbeatInterval: 2_000,
  // kafkajs heartbeats once per fetch, so this also bounds the time between two of them.
  maxWaitTimeInMs: 250,
  // A fetch is decoded as a whole, into several times its bytes.
  maxBytesPerPartition: 512 * 1024,
  // The metadata show new partitions, and a topic that was made again.
  metadataMaxAge: 5_000,
  allowAutoTopicCreation: false,
  // After a crash the poller logs the reason and starts a session of its own.
  retry: { retries: 5, maxRetryTime: 2_000, restartOnFailure: async () => false },
} as const;

export class Poller {
  readonly stats: Stats;
  readonly #mapping: Mapping;
  readonly #limits: Pick<Required<PollerOptions>, 'stopMs' | 'leaveMs' | 'sessionMs'>;
  readonly #connect: () => Promise<Kafka>;
  readonly #stop = new AbortController();
  /** Ends the wait of a stop for invocations in flight. */
  readonly #hurry = Promise.withResolvers<void>();
  #left: Promise<void> | undefined;
  /** Resolves when the poller stops and has nothing more to commit. */
  readonly #drained = once(this.#stop.signal, 'abort').then(() => this.#drain());
  readonly #reporter: Reporter;
  readonly #topic: Topic;
  readonly #destination: Destination | undefined;
  readonly #scheduler: Scheduler;
  readonly #group: Group;
  readonly #systemLog: SystemLog;
  readonly #observeMs: number;
  #security: Security = {};
  readonly #fetch: Fetch;
  /** Sessions in a row that ended before a fetch was answered. */
  #failures = 0;
  #ended: Promise<void> = Promise.resolve();

  constructor({ mapping, log, invoke, connect, ...options }: PollerOptions) {
    const { backoff, stopMs, leaveMs, sessionMs, observeMs } = { ...DEFAULTS, ...options };
    const { metrics = new Metrics(), onRecord = () => undefined } = options;
    const { onStep = () => undefined } = options;
    const { wrapRegistry, wrapDestination = (real) => real, clock = SYSTEM_CLOCK } = options;
    const stats = new Stats(metrics.emitter(mapping), clock);
    const systemLog = new SystemLog(mapping, onRecord);
    this.stats = stats;
    this.#systemLog = systemLog;
    this.#observeMs = observeMs;
    const { signal } = this.#stop;
    const { topic, destination } = mapping;
    this.#mapping = mapping;
    this.#limits = { stopMs, leaveMs, sessionMs };
    const keep = (security: Security) => {
      this.#security = security;
    };
    this.#connect = connect ?? (() => createClient(mapping, log, keep));
    const reporter = new Reporter({ mapping, log, stats, systemLog, signal });
    this.#reporter = reporter;
    const onMissing = () => this.#group.forgetTopic();
    this.#topic = new Topic({ name: topic, reporter, signal, onMissing });
    if (destination) {
      const real = createDestination(destination, { mapping, kafka: this.#connect });
      this.#destination = wrapDestination(real);
    }
    const scheduler = new Scheduler({
      ...mapping,
      destination: this.#destination,
      payloadBytes: options.payloadBytes ?? PAYLOAD_BYTES,
      backoff,
      concurrency: options.concurrency,
      log,
      stats,
      signal,
      invoke,
      onStep,
      onProgress: (partition, next) => this.#group.progress(partition, next),
      onRoom: (partition) => this.#group.resume(partition),
      isAlive: () => this.#group.isAlive,
      clock,
    });
    this.#scheduler = scheduler;
    const group = new Group({
      mapping,
      topic: this.#topic,
      scheduler,
      reporter,
      stats,
      signal,
      sessionMs,
      onStep,
      onRevoked: (partition) => this.#fetch.forget(partition),
      onPositioned: (member) => this.#polls(member),
    });
    this.#group = group;
    this.#fetch = new Fetch({
      mapping,
      backoff,
      wrapRegistry,
      clock,
      scheduler,
      stats,
      group,
      reporter,
      onStep,
    });
  }

  /** Begins polling and returns at once; a broker that is away is tried again. */
  start(): void {
    const { degraded } = loadClient();
    if (degraded) this.#reporter.warn(degraded);
    this.#scheduler.hold();
    this.#ended = this.#run();
    void observe({
      mapping: this.#mapping,
      group: this.#group,
      scheduler: this.#scheduler,
      reporter: this.#reporter,
      stats: this.stats,
      systemLog: this.#systemLog,
      signal: this.#stop.signal,
      everyMs: this.#observeMs,
      clock: this.#scheduler.clock,
    });
  }

  get condition(): Condition {
    return { partitions: this.#group.partitions, problem: this.#reporter.problem };
  }

  /**
   * Lets invocations in flight finish, commits, and leaves the group. May be called again with a
   * shorter time.
   * @param waitMs how long it waits for invocations in flight; without a limit by Infinity
   */
  async stop(waitMs = this.#limits.stopMs): Promise<void> {
    this.#stop.abort();
    const isLimited = Number.isFinite(waitMs);
    if (isLimited && !(await endsWithin(waitMs, this.#drained))) this.#hurry.resolve();
    await this.#drained;
    this.#left ??= this.#leave();
    await this.#left;
  }

  async #leave(): Promise<void> {
    const closed = [this.#destination?.close(), this.#fetch.close()];
    await endsWithin(this.#limits.leaveMs, Promise.all([this.#ended, ...closed]));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#session();
      } catch (error) {
        this.#reporter.sessionFailed(error);
        const { firstMs, maxMs } = RECONNECT;
        const delay = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 10));
        this.#failures += 1;
        await pause(delay, signal);
      }
    }
  }

  /** Runs from connecting until the consumer crashes or the poller stops; kafkajs has the loop. */
  async #session(): Promise<void> {
    const kafka = await this.#connect();
    const admin = kafka.admin({ retry: { retries: 2, maxRetryTime: 1_000 } });
    const { groupId } = this.#mapping;
    const partitionAssigners = [assignByTopic];
    const { sessionMs: sessionTimeout } = this.#limits;
    const consumer = kafka.consumer({ groupId, sessionTimeout, partitionAssigners, ...CONSUMER });
    try {
      await admin.connect();
      await consumer.connect();
      if (!(await this.#topic.waitFor(admin, consumer))) return;
      const crashed = this.#listen(consumer, admin);
      await this.#topic.subscribe(consumer);
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        // Called for each fetch of a partition. The scheduler tells which offsets to commit.
        eachBatch: async (payload) => this.#fetch.take(payload),
      });
      await Promise.race([crashed, this.#drained]);
    } finally {
      this.#scheduler.hold();
      this.#group.leave();
      await this.#disconnect(consumer, admin);
    }
  }

  #listen(consumer: Consumer, admin: Admin): Promise<never> {
    const { GROUP_JOIN, REBALANCING, STOP, CRASH, REQUEST_TIMEOUT, HEARTBEAT, FETCH } =
      consumer.events;
    consumer.on(FETCH, () => this.#fetchAnswered());
    consumer.on(STOP, () => this.#group.leave());
    // kafkajs tries for another minute before it gives up a broker that hangs.
    consumer.on(REQUEST_TIMEOUT, ({ payload: { broker, apiName } }) =>
      this.#reporter.requestUnanswered(broker, apiName),
    );
    consumer.on(HEARTBEAT, ({ payload }) => {
      this.#reporter.brokerAnswered();
      this.#group.heartbeat(payload as Partial<Heartbeat>);
    });
    consumer.on(REBALANCING, () => this.#group.rebalancing());
    consumer.on(GROUP_JOIN, ({ payload }) => {
      const assigned = payload.memberAssignment[this.#mapping.topic] ?? [];
      this.#group.join(consumer, admin, assigned, payload as Partial<Joined>);
    });
    const crashed = new Promise<never>((_, reject) => {
      consumer.on(CRASH, ({ payload }) => reject(payload.error));
    });
    crashed.catch((error: unknown) => {
      this.#scheduler.hold();
      this.#reporter.debug(`consumer crashed: ${messageOf(error)}`);
    });
    return crashed;
  }

  #polls(member: Member): void {
    this.#systemLog.connected({ ...member, ...namesOf(this.#security) });
    this.#reporter.brokerAnswered();
  }

  // Not the join: the first fetch may fail, such as at records whose codec is missing.
  #fetchAnswered(): void {
    this.#fetch.answered();
    // Before the positions are known, all partitions are paused, and kafkajs asks the broker nothing.
    if (this.#failures === 0 || !this.#group.partitions) return;
    this.#failures = 0;
    this.#reporter.fetchAnswered();
  }

  /** Waits for invocations in flight, and commits the offsets of their records. */
  async #drain(): Promise<void> {
    await this.#scheduler.drain(this.#hurry.promise);
    await endsWithin(this.#limits.leaveMs, this.#group.commit());
  }

  async #disconnect(consumer: Consumer, admin: Admin): Promise<void> {
    const results = await Promise.allSettled([consumer.disconnect(), admin.disconnect()]);
    for (const result of results) {
      if (result.status === 'rejected')
        this.#reporter.debug(`disconnect: ${messageOf(result.reason)}`);
    }
  }
}
