import type { Admin, Kafka, KafkaMessage } from 'kafkajs';
import { boundsOf, scan } from '../../commands/scan.ts';
import { HIGH_WATERMARK } from '../../protocol/client.ts';
import { until } from './until.ts';

/**
 * Reads a topic up to its end, from the given offset of each partition. It waits until no transaction
 * is open: Kafka answers a commit before readers get the records.
 */
export async function readAll(
  { kafka, admin }: { kafka: Kafka; admin: Admin },
  topic: string,
  offset = 0,
): Promise<(KafkaMessage & { partition: number })[]> {
  const bounds = await until(`the end of the transactions on ${topic}`, async () => {
    const readable = (await boundsOf(admin, topic)) ?? [];
    const ends = await admin.fetchTopicOffsetsByTimestamp(topic, HIGH_WATERMARK);
    const isOpen = readable.some(({ partition, high }) =>
      ends.some((end) => end.partition === partition && Number(end.offset) > high),
    );
    return isOpen ? undefined : readable;
  });
  const found: (KafkaMessage & { partition: number })[] = [];
  await scan({
    kafka,
    groupId: `test-${crypto.randomUUID()}`,
    topic,
    stretches: bounds.map(({ partition, low, high }) => ({
      partition,
      from: Math.max(low, offset),
      to: high,
    })),
    read: async ({ partition, messages }) => {
      found.push(...messages.map((message) => ({ ...message, partition })));
    },
  });
  return found;
}
