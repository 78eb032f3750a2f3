/** Creates the topics that mappings need and Kafka lacks. */
import { setTimeout } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';
import { createClient } from './access/connect.ts';
import { withAdmin } from './commands/scan.ts';
import { type Log, messageOf } from './log.ts';
import { type Mapping, topicsOf } from './mapping.ts';
import { isTopicNew } from './protocol/errors.ts';

/** As in MSK's own examples. One function may then run three times at once. */
const PARTITIONS = 3;

/** Creates the missing topics of enabled mappings and of their destinations; a line names them. */
export async function createTopics(mappings: readonly Mapping[], log: Log): Promise<void> {
  const enabled = mappings.filter((mapping) => mapping.enabled);
  const clusters = Map.groupBy(enabled, ({ bootstrapServers }) => bootstrapServers.join(','));
  for (const [servers, [first, ...others]] of clusters) {
    if (!first) continue;
    const topics = [...new Set([first, ...others].flatMap(topicsOf))];
    try {
      const kafka = await createClient(first, log);
      const made = await withAdmin(kafka, first.bootstrapServers, (admin) => create(admin, topics));
      if (made.length > 0) {
        log.notice(
          `Kafka event source: created ${made.join(', ')} on ${servers}, ${PARTITIONS} partitions each`,
        );
      }
    } catch (error) {
      log.warning(`Kafka event source: missing topics were not created: ${messageOf(error)}`);
    }
  }
}

async function create(admin: Admin, topics: readonly string[]): Promise<string[]> {
  const existing = await admin.listTopics();
  const missing = topics.filter((topic) => !existing.includes(topic));
  if (missing.length === 0) return [];
  await createLedTopics(
    admin,
    missing.map((topic) => ({ topic, numPartitions: PARTITIONS })),
  );
  return missing;
}

/**
 * Creates those of the topics that are missing, and waits for up to about 10 s until the leaders of all
 * partitions answer. By itself kafkajs takes a topic that the broker does not know yet for an error, and does
 * not wait for the leader of one that exists. A leader that is named may still refuse records for a moment:
 * if only one of two partitions took its records, kafkajs would send those a second time.
 */
export async function createLedTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  const names = topics.map(({ topic }) => topic);
  for (const deadline = Date.now() + 10_000; ; ) {
    try {
      // It first asks a broker about the topics that it made before, and another broker may not know them yet.
      await admin.createTopics({ topics, waitForLeaders: false });
      await admin.fetchTopicMetadata({ topics: names });
      await Promise.all(names.map((name) => admin.fetchTopicOffsets(name)));
      return;
    } catch (error) {
      if (!isTopicNew(error) || Date.now() > deadline) throw error;
    }
    await setTimeout(100);
  }
}
