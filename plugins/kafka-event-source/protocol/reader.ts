/** Reads records by their offsets, and commits offsets, without being a member of a group. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Batch } from 'kafkajs';
import { stopwatch } from '../time.ts';
import { isCoordinatorMoving } from './errors.ts';
import type { PartitionMetadata } from './topic-ids.ts';

/** kafkajs' admin client as this plugin extends it. */
export interface Reader extends Admin {
  /**
   * Fetches committed records from an offset on.
   *
   * @returns undefined if Kafka has none yet
   * @throws the error of Kafka, such as OFFSET_OUT_OF_RANGE
   */
  fetchRecords(place: Place): Promise<Batch | undefined>;
  /** The topic's id in hexadecimal digits; undefined for Kafka before 2.8. */
  topicIdOf(topic: string): Promise<string | undefined>;
  /**
   * Commits offsets for a group without members.
   *
   * @throws the error of Kafka: UNKNOWN_MEMBER_ID if the group has members
   */
  commitOffsets(groupId: string, topic: string, offsets: readonly Commit[]): Promise<void>;
}

interface Commit {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

// The shapes of kafkajs' insides that are used.

export interface AdminOptions {
  readonly cluster: {
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
    findBroker(node: { readonly nodeId: string }): Promise<Broker>;
    findGroupCoordinator(group: { readonly groupId: string }): Promise<Broker>;
  };
}

interface Broker {
  fetch(request: object): Promise<{
    readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
  }>;
  offsetCommit(request: object): Promise<unknown>;
}

interface FetchedPartition {
  readonly messages: readonly unknown[];
}

export type BatchClass = new (topic: string, offset: string, fetched: FetchedPartition) => Batch;

const READ_COMMITTED = 1;
const WAIT_MS = 250;
const BYTES = 512 * 1024;
/** Kafka: the generation of a commit that comes from no member. */
const NO_GENERATION = -1;
/** A coordinator that moves, or that Kafka sets up for the first group, answers within a few seconds. */
const COORDINATOR_MS = 5_000;
const AGAIN_MS = 100;

/**
 * Gives an admin client the functions of a reader, and asks again for a group while its coordinator moves.
 * kafkajs by itself would throw that error.
 */
export function withReader(admin: Admin, { cluster }: AdminOptions, BatchOf: BatchClass): Reader {
  const fetchOnce = async ({ topic, partition, offset }: Place) => {
    await cluster.addTargetTopic(topic);
    await cluster.refreshMetadataIfNecessary();
    const known = cluster.findTopicPartitionMetadata(topic);
    const { leader = -1, topicId } = known.find((one) => one.partitionId === partition) ?? {};
    const broker = await cluster.findBroker({ nodeId: String(leader) });
    const fetchOffset = String(offset);
    const { responses } = await broker.fetch({
      maxWaitTime: WAIT_MS,
      minBytes: 1,
      maxBytes: BYTES,
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes: BYTES, topicId }] }],
    });
    const fetched = responses[0]?.partitions[0];
    if (!fetched || fetched.messages.length === 0) return undefined;
    return new BatchOf(topic, fetchOffset, fetched);
  };
  return {
    ...admin,
    describeGroups: (...args) => coordinated(() => admin.describeGroups(...args)),
    fetchOffsets: (...args) => coordinated(() => admin.fetchOffsets(...args)),
    topicIdOf: async (topic: string) => {
      await cluster.addTargetTopic(topic);
      await cluster.refreshMetadata();
      return cluster.findTopicPartitionMetadata(topic)[0]?.topicId;
    },
    commitOffsets: (groupId: string, topic: string, partitions: readonly Commit[]) =>
      coordinated(async () => {
        const coordinator = await cluster.findGroupCoordinator({ groupId });
        await coordinator.offsetCommit({
          groupId,
          groupGenerationId: NO_GENERATION,
          memberId: '',
          topics: [{ topic, partitions }],
        });
      }),
    fetchRecords: async (place: Place) => {
      try {
        return await fetchOnce(place);
      } catch (error) {
        // Another broker may lead the partition now.
        if (!Object(error).retriable) throw error;
        await cluster.refreshMetadata();
        return await fetchOnce(place);
      }
    },
  };
}

async function coordinated<T>(ask: () => Promise<T>): Promise<T> {
  const time = stopwatch();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isCoordinatorMoving(error) || time.monotonic() > COORDINATOR_MS) throw error;
      await sleep(AGAIN_MS);
    }
  }
}
