import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndexUpdate,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type { Admin } from 'kafkajs';
import { withAdmin } from '../plugins/kafka-event-source/broker/kafka.ts';
import { until } from '../plugins/kafka-event-source/broker/wait.ts';
import type { Table, Topic } from './definition.ts';
import { dynamodbClient, limit } from './dynamodb.ts';

export type Resources = {
  dynamoEndpoint: string;
  kafkaBrokers: string;
  table: Table;
  topics: Topic[];
};

const CALL = 20_000; // LocalStack starts its DynamoDB at the first call.
const LIMIT = 30_000;
/** A new index is filled with the items of the table. */
const INDEX_LIMIT = 120_000;
/** The indexes that a table of an earlier release may have, and that no code reads any more. */
const EARLIER_INDEXES = ['byChange'];

/** Creates the table and the topics that are missing and waits until they can be used. */
export async function createResources(wanted: Resources): Promise<void> {
  await Promise.all([
    createTable(wanted.dynamoEndpoint, wanted.table),
    withAdmin(wanted.kafkaBrokers, (admin) => createTopics(admin, wanted.topics)),
  ]);
}

/** Creates the table with its time to live, unless it is there; a kept one gets the indexes of today. */
async function createTable(endpoint: string, table: Table): Promise<void> {
  const { TimeToLiveSpecification: ttl, ...input } = table;
  const TableName = table.TableName;
  const client = dynamodbClient(endpoint);
  try {
    if (!(await describe(client, TableName))) {
      // Two starts at once: the other one's table is as good.
      await client
        .send(new CreateTableCommand(input), limit(CALL))
        .catch(unless(ResourceInUseException));
    }
    const found = await active(client, TableName);
    compare(table, found);
    await adjustIndexes(client, table, found);
    if (ttl?.Enabled && !(await hasTimeToLive(client, TableName))) {
      const update = new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: ttl });
      await client.send(update, limit(CALL));
    }
  } finally {
    client.destroy();
  }
}

async function describe(client: DynamoDBClient, TableName: string) {
  const answer = await client
    .send(new DescribeTableCommand({ TableName }), limit(CALL))
    .catch(unless(ResourceNotFoundException));
  return answer?.Table;
}

/** Waits until the table and its indexes can be used. */
function active(client: DynamoDBClient, name: string, ms = LIMIT): Promise<TableDescription> {
  return until(`table ${name} to become active`, ms, async () => {
    const description = await describe(client, name);
    const indexes = description?.GlobalSecondaryIndexes ?? [];
    const states = [
      ['it', description?.TableStatus],
      ...indexes.map(({ IndexName, IndexStatus }) => [IndexName, IndexStatus]),
    ];
    const waits = states.filter(([, state]) => state !== 'ACTIVE');
    if (waits.length === 0) return description;
    throw new Error(waits.map(([part, state]) => `${part} is ${state}`).join(', '));
  });
}

/** Makes the indexes that a kept table lacks, and removes those of earlier releases, one in an update. */
async function adjustIndexes(client: DynamoDBClient, wanted: Table, found: TableDescription) {
  const kept = namesOf(found);
  const missing = (wanted.GlobalSecondaryIndexes ?? []).filter(
    ({ IndexName }) => !kept.includes(String(IndexName)),
  );
  const obsolete = kept.filter((name) => EARLIER_INDEXES.includes(name));
  const updates: GlobalSecondaryIndexUpdate[] = [
    ...missing.map((Create) => ({ Create })),
    ...obsolete.map((IndexName) => ({ Delete: { IndexName } })),
  ];
  const { TableName, AttributeDefinitions } = wanted;
  for (const update of updates) {
    const input = { TableName, AttributeDefinitions, GlobalSecondaryIndexUpdates: [update] };
    await client.send(new UpdateTableCommand(input), limit(CALL));
    await active(client, TableName, INDEX_LIMIT);
  }
}

async function hasTimeToLive(client: DynamoDBClient, TableName: string) {
  const answer = await client.send(new DescribeTimeToLiveCommand({ TableName }), limit(CALL));
  return /^ENABL/.test(answer.TimeToLiveDescription?.TimeToLiveStatus ?? '');
}

/** A table whose keys differ from infra/table.yml would fail much later, and less clearly. */
function compare(wanted: Table, found: TableDescription) {
  const [of, kept] = [keysOf(wanted), keysOf(found)];
  const own = namesOf(found).filter((name) => !EARLIER_INDEXES.includes(name));
  if (['table', ...own].every((name) => of.get(name) === kept.get(name))) return;
  throw new Error(
    `Table ${wanted.TableName} has the keys ${shown(kept)}, infra/table.yml says ${shown(of)}. ` +
      'It was made by an earlier definition: "npm run reset" clears the local data.',
  );
}

/** The keys of the table and of its indexes, by their names. */
function keysOf({ KeySchema, GlobalSecondaryIndexes = [] }: Table | TableDescription) {
  const all = [{ IndexName: 'table', KeySchema }, ...GlobalSecondaryIndexes];
  return new Map(
    all.map(({ IndexName, KeySchema }) => [
      String(IndexName),
      String(KeySchema?.map((key) => key.AttributeName).join(', ')),
    ]),
  );
}

function shown(keys: Map<string, string>): string {
  return [...keys]
    .map(([name, attributes]) => `${name}(${attributes})`)
    .sort()
    .join(' ');
}

function namesOf({ GlobalSecondaryIndexes = [] }: TableDescription): string[] {
  return GlobalSecondaryIndexes.map(({ IndexName }) => String(IndexName));
}

async function createTopics(admin: Admin, topics: Topic[]) {
  await admin.createTopics({
    topics: topics.map(({ name, partitions, maxMessageBytes: most }) => ({
      topic: name,
      numPartitions: partitions,
      ...(most && { configEntries: [{ name: 'max.message.bytes', value: String(most) }] }),
    })),
    timeout: CALL,
    waitForLeaders: false, // It waits without a limit; the wait below has one.
  });
  const missing = (await partitionsOf(admin, topics)).filter(({ has, wants }) => has < wants);
  if (missing.length > 0) {
    const topicPartitions = missing.map(({ name, wants }) => ({ topic: name, count: wants }));
    await admin.createPartitions({ topicPartitions, timeout: CALL });
  }
  await until(`topics ${topics.map(({ name }) => name).join(', ')} to be led`, LIMIT, async () => {
    const now = await partitionsOf(admin, topics);
    // A leader that is named may still refuse records for a moment.
    await Promise.all(topics.map(({ name }) => admin.fetchTopicOffsets(name)));
    return now.every(({ led, wants }) => led >= wants) || undefined;
  });
}

async function partitionsOf(admin: Admin, topics: Topic[]) {
  // A topic that was created a moment ago may not be known yet.
  const metadata = await until('the topics to be known', LIMIT, () =>
    admin.fetchTopicMetadata({ topics: topics.map(({ name }) => name) }),
  );
  return topics.map(({ name, partitions: wants }) => {
    const found = metadata.topics.find((topic) => topic.name === name)?.partitions ?? [];
    return { name, wants, has: found.length, led: found.filter((p) => p.leader >= 0).length };
  });
}

function unless(expected: new (...args: never[]) => Error) {
  return (error: unknown) => {
    if (error instanceof expected) return undefined;
    throw error;
  };
}
