/** kafkajs' member of a consumer group, with what the poller must know of it. */
import { stopwatch } from '../time.ts';
import { isExpelled } from './errors.ts';
import type { PartitionMetadata } from './topic-ids.ts';

export interface OffsetsToCommit {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly offset: string;
    readonly metadata?: string | null;
  }[];
}

/** The fields that the plugin adds to kafkajs' join event. */
export interface Joined {
  readonly memberId: string;
  readonly generation: number;
  /** The ids of the topics that are fetched from; a topic has none before Kafka 2.8. */
  readonly topicIds: ReadonlyMap<string, string>;
  /** The milliseconds since the join was sent. */
  readonly age: () => number;
  /** Commits once, under the generation of this join. */
  readonly commit: (topics: readonly OffsetsToCommit[]) => Promise<void>;
}

/** The fields that the plugin adds to kafkajs' heartbeat event. */
export interface Heartbeat {
  /** The milliseconds since the heartbeat was sent. */
  readonly age: () => number;
}

/** As much of kafkajs' classes as this needs. */
export interface Broker {
  fetch(request: FetchRequest): Promise<unknown>;
  heartbeat(request: unknown): Promise<unknown>;
  syncGroup(request: unknown): Promise<unknown>;
}

interface FetchRequest {
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly object[] }[];
}

export interface Cluster {
  findBroker(node: unknown): Promise<Broker>;
  findGroupCoordinator(group: unknown): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  refreshMetadataIfNecessary(): Promise<void>;
}

interface Emitter {
  emit(event: string, payload: object): void;
}

interface OffsetManager {
  commitOffsets(offsets: { readonly topics: readonly OffsetsToCommit[] }): Promise<void>;
}

export interface ConsumerGroup {
  maxWaitTime: number;
  cluster: Cluster;
  instrumentationEmitter: Emitter;
  lastRequest: number;
  readonly memberId: string;
  readonly generationId: number;
  readonly offsetManager: OffsetManager | null;
  readonly topicsSubscribed: readonly string[];
  joinAndSync(): Promise<void>;
  assigned(): readonly { readonly topic: string; readonly partitions: readonly number[] }[];
  getActiveTopicPartitions(): Readonly<Record<string, ReadonlySet<number>>>;
  checkForStaleAssignment(): void;
  fetch(nodeId: string): Promise<Batch[]>;
  recoverFromFetch(error: unknown): Promise<void>;
  recoverFromOffsetOutOfRange(error: unknown): Promise<void>;
  resume(topicPartitions: unknown): void;
}

interface Batch {
  isEmpty(): boolean;
}

export type ConsumerGroupClass = new (options: never) => ConsumerGroup;

interface Parts {
  readonly events: { readonly GROUP_JOIN: string; readonly HEARTBEAT: string };
  readonly staleAssignment: (topic: string) => Error;
}

/**
 * The pause after a fetch without records while a partition is paused. It doubles up to the time for which a
 * fetch may wait: behind a record that is tried again for hours, brokers are not asked 50 times a second.
 */
const QUIET_MS = 20;

export function improveMembership(
  Original: ConsumerGroupClass,
  { events, staleAssignment }: Parts,
): ConsumerGroupClass {
  return class extends Original {
    /** The milliseconds for which a fetch may wait for records. */
    readonly #waitMs: number;
    readonly #wakers = new Set<() => void>();
    #resumes = 0;
    #quietMs = QUIET_MS;
    #topicIds: ReadonlyMap<string, string> = new Map();
    /** The partitions that had no leader at the join, in one text. */
    #leaderless = '';
    #joining: Promise<void> | undefined;
    /** The error of a refused commit; the next fetch throws it, so that the member joins again. */
    #refusal: unknown;
    #sinceRequest = stopwatch();
    #sinceSync = stopwatch();
    #sinceHeartbeat = stopwatch();

    constructor(options: never) {
      super(options);
      const { maxWaitTime } = this;
      this.#waitMs = maxWaitTime;
      // kafkajs sends this time with a fetch, and sleeps for it if all partitions of a broker are paused.
      Object.defineProperty(this, 'maxWaitTime', {
        get: () => (this.#isSomePaused() ? 0 : maxWaitTime),
      });
      this.cluster = this.#watched(this.cluster);
      this.instrumentationEmitter = this.#telling(this.instrumentationEmitter);
      // kafkajs sends heartbeats by the clock of the day, which may be set back.
      Object.defineProperty(this, 'lastRequest', {
        get: () => Date.now() - this.#sinceRequest.monotonic(),
        set: () => {
          this.#sinceRequest = stopwatch();
        },
      });
    }

    /** Several fetches may find at once that they have to join anew. */
    override joinAndSync(): Promise<void> {
      this.#joining ??= super.joinAndSync().finally(() => {
        this.#joining = undefined;
      });
      return this.#joining;
    }

    override resume(topicPartitions: unknown): void {
      super.resume(topicPartitions);
      this.#resumes += 1;
      this.#quietMs = QUIET_MS;
      for (const wake of this.#wakers) wake();
    }

    /**
     * While a fetch waits for records, or while kafkajs sleeps because every partition is paused, kafkajs
     * does not fetch a partition that is resumed: buffers would have to be large enough for that time. So
     * no fetch waits in the broker while a partition is paused, and the sleep ends when one is resumed.
     */
    override async fetch(nodeId: string): Promise<Batch[]> {
      if (this.#isAllPaused()) await this.#resumed(this.#waitMs);
      this.#throwRefusal();
      if (!this.#isAllPaused()) {
        const [isSomePaused, resumes] = [this.#isSomePaused(), this.#resumes];
        const batches = await super.fetch(nodeId);
        const isEmpty = batches.every((batch) => batch.isEmpty());
        if (isSomePaused && isEmpty && resumes === this.#resumes) {
          const quietMs = this.#quietMs;
          this.#quietMs = Math.min(2 * quietMs, this.#waitMs);
          await this.#resumed(quietMs);
        } else this.#quietMs = QUIET_MS;
        return batches;
      }
      // It has waited already; new partitions are still looked for.
      try {
        await this.cluster.refreshMetadataIfNecessary();
        this.checkForStaleAssignment();
      } catch (error) {
        await this.recoverFromFetch(error);
      }
      return [];
    }

    override checkForStaleAssignment(): void {
      super.checkForStaleAssignment();
      for (const [topic, id] of idsOf(this.cluster, this.topicsSubscribed)) {
        const known = this.#topicIds.get(topic);
        if (known !== undefined && known !== id) throw staleAssignment(topic);
      }
      const [topic = ''] = this.topicsSubscribed;
      if (this.#leaderless !== this.#withoutLeader()) throw staleAssignment(topic);
    }

    /** kafkajs would commit -2 and log nothing. A join makes the poller find the position again. */
    override async recoverFromOffsetOutOfRange(): Promise<void> {
      await this.joinAndSync();
    }

    #isAllPaused(): boolean {
      const active = Object.values(this.getActiveTopicPartitions());
      return active.every((partitions) => partitions.size === 0);
    }

    #isSomePaused(): boolean {
      const active = this.getActiveTopicPartitions();
      return this.assigned().some(
        ({ topic, partitions }) => (active[topic]?.size ?? 0) < partitions.length,
      );
    }

    #resumed(waitMs: number): Promise<void> {
      return new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#wakers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, waitMs);
        this.#wakers.add(wake);
      });
    }

    #throwRefusal(): void {
      const refusal = this.#refusal;
      this.#refusal = undefined;
      if (refusal !== undefined) throw refusal;
    }

    #withoutLeader(): string {
      return this.assigned()
        .flatMap(({ topic, partitions }) =>
          this.cluster
            .findTopicPartitionMetadata(topic)
            .filter(({ partitionId, leader }) => leader < 0 && partitions.includes(partitionId))
            .map(({ partitionId }) => `${topic}-${partitionId}`),
        )
        .sort()
        .join();
    }

    /** The cluster, with brokers that are asked for topics by id, and that note the time. */
    #watched(cluster: Cluster): Cluster {
      const watch = (broker: Broker) => this.#watchedBroker(broker);
      return Object.assign(Object.create(cluster) as Cluster, {
        findBroker: async (node: unknown) => watch(await cluster.findBroker(node)),
        findGroupCoordinator: async (group: unknown) =>
          watch(await cluster.findGroupCoordinator(group)),
      });
    }

    #watchedBroker(broker: Broker): Broker {
      return Object.assign(Object.create(broker) as Broker, {
        fetch: ({ topics, ...request }: FetchRequest) => {
          const withIds = topics.map(({ topic, partitions }) => {
            const topicId = this.#topicIds.get(topic);
            return { topic, partitions: partitions.map((one) => ({ ...one, topicId })) };
          });
          return broker.fetch({ ...request, topics: withIds });
        },
        heartbeat: async (request: unknown) => {
          const since = stopwatch();
          const answer = await broker.heartbeat(request);
          this.#sinceHeartbeat = since;
          return answer;
        },
        syncGroup: async (request: unknown) => {
          const since = stopwatch();
          const answer = await broker.syncGroup(request);
          this.#sinceSync = since;
          return answer;
        },
      });
    }

    #telling(emitter: Emitter): Emitter {
      const emit = (event: string, payload: object) => {
        if (event === events.GROUP_JOIN) emitter.emit(event, { ...payload, ...this.#joined() });
        else if (event === events.HEARTBEAT) {
          const { longest: age } = this.#sinceHeartbeat;
          emitter.emit(event, { ...payload, age } satisfies Heartbeat);
        } else emitter.emit(event, payload);
      };
      return Object.assign(Object.create(emitter) as Emitter, { emit });
    }

    #joined(): Joined {
      this.#topicIds = idsOf(this.cluster, this.topicsSubscribed);
      this.#leaderless = this.#withoutLeader();
      this.#refusal = undefined;
      const { offsetManager } = this;
      const commit = async (topics: readonly OffsetsToCommit[]) => {
        try {
          await offsetManager?.commitOffsets({ topics });
        } catch (error) {
          if (isExpelled(error) && offsetManager === this.offsetManager) this.#refusal = error;
          throw error;
        }
      };
      const { memberId, generationId: generation } = this;
      return {
        memberId,
        generation,
        topicIds: this.#topicIds,
        age: this.#sinceSync.longest,
        commit,
      };
    }
  };
}

function idsOf(cluster: Cluster, topics: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    topics.flatMap((topic) => {
      const id = cluster.findTopicPartitionMetadata(topic)[0]?.topicId;
      return id === undefined ? [] : [[topic, id]];
    }),
  );
}
