/** Reads one mapping's topic with kafkajs, feeds the delivery, and commits what it has done. */
import type { Admin, Consumer, Kafka } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import { PAYLOAD_BYTES } from '../delivery/batch.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { Backoff } from '../delivery/retry.ts';
import { Stats } from '../delivery/stats.ts';
import { createDestination, type Destination } from '../destination/destination.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Log } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { loadClient } from '../protocol/client.ts';
import { Assignment } from './assignment.ts';
import { Commits } from './commits.ts';
import { after, Ending } from './ending.ts';
import { Fetches } from './fetches.ts';
import { Membership } from './membership.ts';
import type { Positions } from './positions.ts';
import { Topic } from './topic.ts';
import { Trouble } from './trouble.ts';
import { reasonOf, Voice } from './voice.ts';

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

/** Where polling stands. */
export interface Condition {
  /** Undefined while it has none yet, or not any more. */
  readonly partitions: readonly number[] | undefined;
  /** What holds it up, in words. */
  readonly trouble: string | undefined;
}

const DEFAULTS = { backoff: { firstMs: 500, maxMs: 30_000 }, stopMs: 4_000 } as const;
/** How long a stop waits for a broker that may be away. */
const LEAVE_MS = 3_000;
const CONSUMER = {
  // Short enough that a killed process gives its partitions back soon.
  sessionTimeout: 10_000,
  rebalanceTimeout: 15_000,
  heartbeatInterval: 2_000,
  // kafkajs heartbeats once per fetch, so this also bounds the time between two of them.
  maxWaitTimeInMs: 250,
  // A fetch is decoded as a whole, into several times its bytes.
  maxBytesPerPartition: 512 * 1024,
  // New partitions are seen with the metadata.
  metadataMaxAge: 15_000,
  allowAutoTopicCreation: false,
  // A crash starts a new session of our own, which says why.
  retry: { retries: 5, maxRetryTime: 2_000, restartOnFailure: async () => false },
} as const;

export class Poller {
  readonly stats = new Stats();
  readonly #mapping: Mapping;
  readonly #stopMs: number;
  readonly #connect: () => Promise<Kafka>;
  readonly #ending = new Ending();
  readonly #positions: Positions = new Map();
  readonly #voice: Voice;
  readonly #member: Membership;
  readonly #topic: Topic;
  readonly #destination: Destination | undefined;
  readonly #delivery: Delivery;
  readonly #commits: Commits;
  readonly #assignment: Assignment;
  readonly #fetches: Fetches;
  readonly #trouble: Trouble;
  #ended: Promise<void> = Promise.resolve();

  constructor({ mapping, log, invoke, stopMs, payloadBytes, connect, ...given }: PollerOptions) {
    const [ending, positions, stats] = [this.#ending, this.#positions, this.stats];
    const backoff = given.backoff ?? DEFAULTS.backoff;
    this.#mapping = mapping;
    this.#stopMs = stopMs ?? DEFAULTS.stopMs;
    this.#connect = connect ?? (() => createClient(mapping, log));
    const voice = new Voice(mapping.name, log, ending);
    this.#voice = voice;
    this.#trouble = new Trouble(mapping, voice, stats);
    const member = new Membership(mapping.topic);
    this.#member = member;
    this.#topic = new Topic(mapping.topic, voice, ending);
    const { destination } = mapping;
    this.#destination =
      destination && createDestination(destination, { mapping, kafka: this.#connect });
    const commits = new Commits(positions, member, voice, ending);
    this.#commits = commits;
    const delivery = new Delivery({
      ...mapping,
      destination: this.#destination,
      stats,
      payloadBytes: payloadBytes ?? PAYLOAD_BYTES,
      backoff,
      log,
      invoke,
      onProgress: (partition, next) => commits.progress(partition, next),
      onRoom: (partition) => member.setPaused(partition, false),
    });
    this.#delivery = delivery;
    const parts = { mapping, delivery, positions, member, voice, ending };
    const assignment = new Assignment({
      ...parts,
      commits,
      known: this.#topic,
      onLost: (partition) => this.#fetches.forget(partition),
      onPositioned: () => this.#trouble.over(),
    });
    this.#assignment = assignment;
    this.#fetches = new Fetches({ ...parts, assignment, stats, backoff });
  }

  /** Begins polling and returns at once; a broker that is away is tried again. */
  start(): void {
    const { degraded } = loadClient();
    if (degraded) this.#voice.warn(degraded);
    this.#delivery.hold();
    this.#ended = this.#run();
  }

  get condition(): Condition {
    const { consumer, isPositioned } = this.#member;
    const isPolling = consumer !== undefined && isPositioned;
    return {
      partitions: isPolling ? [...this.#positions.keys()].sort((a, b) => a - b) : undefined,
      trouble: this.#voice.trouble,
    };
  }

  /** Lets invocations in flight finish for a while, commits, and leaves the group. */
  async stop(): Promise<void> {
    this.#ending.begin();
    await this.#delivery.close(this.#stopMs);
    this.#commits.close();
    await Promise.race([this.#commits.commit(), after(LEAVE_MS)]);
    this.#ending.end();
    const closed = [this.#destination?.close(), this.#fetches.close()];
    const ended = Promise.all([this.#ended, ...closed]);
    await Promise.race([ended, after(LEAVE_MS)]);
  }

  async #run(): Promise<void> {
    while (!this.#ending.hasBegun) {
      try {
        await this.#session();
      } catch (error) {
        await this.#ending.orAfter(this.#trouble.failed(error));
      }
    }
  }

  /** From connecting until the consumer crashes or the poller stops. */
  async #session(): Promise<void> {
    const kafka = await this.#connect();
    const admin = kafka.admin({ retry: { retries: 2, maxRetryTime: 1_000 } });
    const consumer = kafka.consumer({ groupId: this.#mapping.groupId, ...CONSUMER });
    try {
      await admin.connect();
      await consumer.connect();
      if (!(await this.#topic.waitFor(admin, consumer))) return;
      this.#member.admin = admin;
      const crashed = this.#listen(consumer);
      await this.#topic.subscribe(consumer);
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => this.#fetches.take(payload),
      });
      await Promise.race([crashed, this.#ending.over]);
    } finally {
      this.#delivery.hold();
      this.#member.leave();
      await this.#disconnect(consumer, admin);
    }
  }

  #listen(consumer: Consumer): Promise<never> {
    const { GROUP_JOIN, REBALANCING, STOP, CRASH, REQUEST_TIMEOUT, HEARTBEAT } = consumer.events;
    consumer.on(STOP, () => {
      this.#member.consumer = undefined;
    });
    // kafkajs tries for a minute more before it gives up a broker that hangs.
    consumer.on(REQUEST_TIMEOUT, ({ payload: { broker, apiName } }) =>
      this.#trouble.unanswered(`${broker} does not answer ${apiName}`),
    );
    consumer.on(HEARTBEAT, () => this.#trouble.answered());
    consumer.on(REBALANCING, () => this.#delivery.hold());
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.#assignment.join(consumer, payload.memberAssignment[this.#mapping.topic] ?? []);
    });
    const crashed = new Promise<never>((_, reject) => {
      consumer.on(CRASH, ({ payload }) => reject(payload.error));
    });
    crashed.catch((error: unknown) => {
      this.#delivery.hold();
      this.#voice.debug(`consumer crashed: ${reasonOf(error)}`);
    });
    return crashed;
  }

  async #disconnect(consumer: Consumer, admin: Admin): Promise<void> {
    const results = await Promise.allSettled([consumer.disconnect(), admin.disconnect()]);
    for (const result of results) {
      if (result.status === 'rejected')
        this.#voice.log.debug(`disconnect: ${reasonOf(result.reason)}`);
    }
  }
}
