import kafkajs, { type Admin } from 'kafkajs';
import type { Wanted } from './wanted.ts';

const DAY_MS = 86_400_000;
const TIMEOUT_MS = 20_000;

/**
 * Makes what is missing and changes nothing that is there: more partitions would put an order's next
 * events into another one, out of their order, and kafkajs can only set all of a topic's settings at once.
 *
 * @returns a line for every topic
 */
export async function makeTopics(admin: Admin, wanted: Wanted[]): Promise<string[]> {
  const there = new Set(await admin.listTopics());
  const missing = wanted.filter(({ name }) => !there.has(name));
  if (missing.length > 0) {
    await admin.createTopics({
      timeout: TIMEOUT_MS,
      topics: missing.map(({ name, partitions, retentionDays }) => ({
        topic: name,
        numPartitions: partitions,
        configEntries: [{ name: 'retention.ms', value: String(retentionDays * DAY_MS) }],
      })),
    });
  }
  const lines = [];
  for (const topic of wanted) {
    lines.push(missing.includes(topic) ? `${topic.name}: made` : await compare(admin, topic));
  }
  return lines;
}

async function compare(admin: Admin, { name, partitions, retentionDays }: Wanted) {
  const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: ['retention.ms'] }],
  });
  const has = {
    partitions: topics[0]?.partitions.length,
    'retention.ms': Number(resources[0]?.configEntries[0]?.configValue),
  };
  const wants = { partitions, 'retention.ms': retentionDays * DAY_MS };
  const differing = Object.entries(wants)
    .filter(([key, value]) => has[key as keyof typeof has] !== value)
    .map(([key, value]) => `${key} is ${has[key as keyof typeof has]}, not ${value}`);
  if (differing.length === 0) return `${name}: there`;
  return `${name}: there, left as it is; ${differing.join('; ')}`;
}
