/** Asks Kafka for a mapping's topic and group. */
import type { Admin } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import type { Remote } from '../control/status.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { HIGH_WATERMARK } from '../protocol/client.ts';
import { within } from '../time.ts';
import { boundsOf, withAdmin } from './scan.ts';

const GROUP_MS = 15_000;

/** The ends, the committed offsets and the members. A broker that does not answer is the answer's `error`. */
export async function remoteOf(
  mapping: Mapping,
  debug: (message: string) => void,
): Promise<Remote> {
  try {
    const kafka = await createClient(mapping, { debug });
    return await withAdmin(kafka, mapping.bootstrapServers, (admin) => ask(admin, mapping));
  } catch (error) {
    const { cause } = error as Error;
    return { error: messageOf(cause ?? error), members: 0 };
  }
}

async function ask(admin: Admin, { topic, groupId }: Mapping): Promise<Remote> {
  const isThere = (await boundsOf(admin, topic)) !== undefined;
  const group = within(GROUP_MS, 'the group', admin.describeGroups([groupId]));
  const members = (await group).groups[0]?.members.length ?? 0;
  if (!isThere) return { members };
  const watermarks = await within(
    GROUP_MS,
    `the ends of ${topic}`,
    admin.fetchTopicOffsetsByTimestamp(topic, HIGH_WATERMARK),
  );
  const watermark = (partition: number) =>
    Number(watermarks.find((one) => one.partition === partition)?.offset ?? 0);
  // The ends are asked for after the watermark: otherwise a record that comes between looks like an open transaction.
  const bounds = (await boundsOf(admin, topic)) ?? [];
  const [offsets] = await within(
    GROUP_MS,
    'the committed offsets',
    admin.fetchOffsets({ groupId, topics: [topic] }),
  );
  const committed = new Map(
    offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]),
  );
  return {
    members,
    partitions: bounds.map(({ partition, low, high }) => ({
      partition,
      low,
      end: high,
      highWatermark: Math.max(high, watermark(partition)),
      committed: committed.get(partition) ?? -1,
    })),
  };
}
