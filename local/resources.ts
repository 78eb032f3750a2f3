import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  type TableDescription,
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

/** Creates the table and the topics that are missing and waits until they can be used. */
export async function createResources(wanted: Resources): Promise<void> {
  await Promise.all([
    createTable(wanted.dynamoEndpoint, wanted.table),
    withAdmin(wanted.kafkaBrokers, (admin) => createTopics(admin, wanted.topics)),
  ]);
}

/** Creates the table with its time to live, unless it is there. */
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
    const found = await until(`table ${TableName} to become active`, LIMIT, async () => {
      const description = await describe(client, TableName);
      return description?.TableStatus === 'ACTIVE' ? description : undefined;
    });
    compare(table, found);
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

async function hasTimeToLive(client: DynamoDBClient, TableName: string) {
  const answer = await client.send(new DescribeTimeToLiveCommand({ TableName }), limit(CALL));
  return /^ENABL/.test(answer.TimeToLiveDescription?.TimeToLiveStatus ?? '');
}

/** A table kept from before infra/table.yml changed would fail much later, and less clearly. */
function compare(wanted: Table, found: TableDescription) {
  const keys = ({ KeySchema = [], GlobalSecondaryIndexes = [] }: Table | TableDescription) =>
    [{ IndexName: 'table', KeySchema }, ...GlobalSecondaryIndexes]
      .map(({ IndexName, KeySchema }) => {
        return `${IndexName}(${KeySchema?.map((key) => key.AttributeName).join(', ')})`;
      })
      .sort()
      .join(' ');
  if (keys(wanted) === keys(found)) return;
  throw new Error(
    `Table ${wanted.TableName} has the keys ${keys(found)}, infra/table.yml says ${keys(wanted)}. ` +
      'It was made by an earlier definition: "npm run reset" clears the local data.',
  );
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
