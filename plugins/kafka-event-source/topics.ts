/** Creates the topics that mappings need and Kafka lacks. */
import { setTimeout } from 'node:timers/promises';
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import { createClient } from './access/connect.ts';
import { withAdmin } from './commands/scan.ts';
import { type Log, messageOf } from './log.ts';
import type { Mapping } from './mapping.ts';

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

function topicsOf({ topic, destination }: Mapping): string[] {
  return destination?.kind === 'kafka' ? [topic, destination.topic] : [topic];
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
 * Creates those of the topics that are missing, and waits until all have leaders, for 10 s at most.
 * A broker may not know a topic that was created a moment ago; kafkajs takes that for an error.
 */
export async function createLedTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; ) {
    try {
      const isCreated = await admin.createTopics({ topics, timeout: 5_000, waitForLeaders: true });
      // Without waiting, kafkajs answers false for topics that exist, such as those of the turn before.
      if (!isCreated) await admin.fetchTopicMetadata({ topics: topics.map(({ topic }) => topic) });
      return;
    } catch (error) {
      const isRetriable = error instanceof kafkajs.KafkaJSProtocolError && error.retriable;
      if (!isRetriable || Date.now() > deadline) throw error;
    }
    await setTimeout(100);
  }
}
