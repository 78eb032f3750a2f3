/** Divides the partitions of each topic among the members of the group that read it. */
import type { Assigner, Cluster, GroupMember, PartitionAssigner } from 'kafkajs';
import { loadClient } from '../protocol/client.ts';

/** kafkajs' own name, so that members with its assigner can be in the group. */
const NAME = 'RoundRobinAssigner';
const VERSION = 0;

/**
 * Round robin. kafkajs gives partitions of the leader's topic to all members, also to those that read
 * another topic, and none of the other topic to anyone.
 */
export const assignByTopic: PartitionAssigner = ({ cluster }) =>
  ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => {
      const { MemberMetadata } = loadClient().kafkajs.AssignerProtocol;
      // A changed text makes the group rebalance, whichever member sees the new partitions first.
      const counts = topics.map((topic) => cluster.findTopicPartitionMetadata(topic).length);
      const userData = Buffer.from(counts.join());
      return {
        name: NAME,
        metadata: MemberMetadata.encode({ version: VERSION, topics, userData }),
      };
    },
    assign: async ({ members }) => {
      const { MemberAssignment } = loadClient().kafkajs.AssignerProtocol;
      const readers = readersByTopic(members);
      const counts = new Map<string, number>();
      for (const topic of readers.keys()) counts.set(topic, await countPartitions(cluster, topic));
      return members.map(({ memberId }) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: share(memberId, readers, counts),
          userData: Buffer.alloc(0),
        }),
      }));
    },
  }) satisfies Assigner;

type Readers = ReadonlyMap<string, readonly string[]>;

function readersByTopic(members: readonly GroupMember[]): Readers {
  const { MemberMetadata } = loadClient().kafkajs.AssignerProtocol;
  const readers = new Map<string, string[]>();
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  for (const { memberId, memberMetadata } of sorted) {
    for (const topic of MemberMetadata.decode(memberMetadata)?.topics ?? []) {
      readers.set(topic, [...(readers.get(topic) ?? []), memberId]);
    }
  }
  return readers;
}

/** One member's partitions by topic. */
function share(memberId: string, readers: Readers, counts: ReadonlyMap<string, number>) {
  const assignment: Record<string, number[]> = {};
  for (const [topic, ids] of readers) {
    const place = ids.indexOf(memberId);
    if (place < 0) continue;
    const length = counts.get(topic) ?? 0;
    assignment[topic] = Array.from({ length }, (_, partition) => partition).filter(
      (partition) => partition % ids.length === place,
    );
  }
  return assignment;
}

/** The partitions of a topic that this member may not read itself; 0 if there is no such topic. */
async function countPartitions(cluster: Cluster, topic: string): Promise<number> {
  const known = cluster.findTopicPartitionMetadata(topic).length;
  if (known > 0) return known;
  try {
    const { topicMetadata } = await (cluster as TopicCluster).metadata({ topics: [topic] });
    return topicMetadata.find((one) => one.topic === topic)?.partitionMetadata.length ?? 0;
  } catch {
    // Its readers wait until it exists, and join again.
    return 0;
  } finally {
    // The member's own topics again: kafkajs keeps the metadata that were asked for last.
    await cluster.refreshMetadata();
  }
}

/** kafkajs' type leaves out that topics may be named. */
type TopicCluster = {
  metadata(options: {
    topics: readonly string[];
  }): Promise<{ topicMetadata: { topic: string; partitionMetadata: unknown[] }[] }>;
};
