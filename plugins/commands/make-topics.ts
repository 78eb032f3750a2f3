import kafkajs, { type Admin } from 'kafkajs';

const DAY_MS = 86_400_000;
const TIMEOUT_MS = 20_000;

/** A topic of `custom.topics` in serverless.yml. `maxMessageBytes`: Kafka's own limit where it is absent. */
export type Wanted = {
  name: string;
  partitions: number;
  retentionDays: number;
  maxMessageBytes?: number;
};

/**
 * Makes missing topics and does not change existing ones: with more partitions an order's next events
 * could go to another partition, out of order, and kafkajs can only set all of a topic's settings at once.
 *
 * @returns a line for every topic
 */
export async function makeTopics(admin: Admin, wanted: Wanted[]): Promise<string[]> {
  const there = new Set(await admin.listTopics());
  const missing = wanted.filter(({ name }) => !there.has(name));
  if (missing.length > 0) {
    await admin.createTopics({
      timeout: TIMEOUT_MS,
      topics: missing.map((topic) => ({
        topic: topic.name,
        numPartitions: topic.partitions,
        configEntries: Object.entries(settingsOf(topic)).map(([name, value]) => ({
          name,
          value: String(value),
        })),
      })),
    });
  }
  const lines = [];
  for (const topic of wanted) {
    lines.push(missing.includes(topic) ? `${topic.name}: made` : await compare(admin, topic));
  }
  return lines;
}

async function compare(admin: Admin, topic: Wanted) {
  const { name, partitions } = topic;
  const settings = settingsOf(topic);
  const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type, name, configNames: Object.keys(settings) }],
  });
  const has = new Map<string, number | undefined>([
    ['partitions', topics[0]?.partitions.length],
    ...(resources[0]?.configEntries ?? []).map(({ configName, configValue }) => {
      return [configName, Number(configValue)] as const;
    }),
  ]);
  const differing = Object.entries({ partitions, ...settings })
    .filter(([key, value]) => has.get(key) !== value)
    .map(([key, value]) => `${key} is ${has.get(key)}, not ${value}`);
  if (differing.length === 0) return `${name}: there`;
  return `${name}: exists, left as it is; ${differing.join('; ')}`;
}

function settingsOf({ retentionDays, maxMessageBytes }: Wanted): Record<string, number> {
  return {
    'retention.ms': retentionDays * DAY_MS,
    ...(maxMessageBytes && { 'max.message.bytes': maxMessageBytes }),
  };
}
