import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { type Backend, startBackend } from '../../../local/backend.ts';
import { readDefinition } from '../../../local/definition.ts';
import { dynamodbClient, limit } from '../../../local/dynamodb.ts';
import { createResources } from '../../../local/resources.ts';
import { freePorts } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { loadItems, releases } from '../../items/load.ts';
import { addresses, createOrderBench } from '../../support/orders.ts';

const { brokers } = addresses();
const { table, topics } = readDefinition();
let folder: string;
let backend: Backend;
let dynamoEndpoint: string;
let client: DynamoDBClient;

// DynamoDB Local may never end the making of an index while other tests write to it, so this has its own.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-kept-'));
  const [kafkaPort = 0, dynamoPort = 0] = await freePorts(2);
  const services = ['dynamodb'] as const;
  backend = await startBackend({
    ...{ directory: folder, kafkaPort, dynamoPort, services },
    say: () => undefined,
  });
  dynamoEndpoint = backend.dynamoEndpoint;
  client = dynamodbClient(dynamoEndpoint);
}, 120_000);

afterAll(async () => {
  client?.destroy();
  await backend?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const resourcesOf = (TableName: string) => ({
  dynamoEndpoint,
  kafkaBrokers: brokers.join(','),
  table: { ...table, TableName },
  topics: topics.map((topic) => ({ ...topic, name: `${topic.name}-${TableName}` })),
});

/** Makes the table of the releases before `byDay`, with its index `byChange`. */
async function createEarlier(TableName: string, keys = ['pk', 'sk']) {
  const { TimeToLiveSpecification: _, GlobalSecondaryIndexes = [], ...others } = table;
  const schema = (hash = '', range = '') => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  const create = new CreateTableCommand({
    ...others,
    TableName,
    KeySchema: schema(...keys),
    AttributeDefinitions: table.AttributeDefinitions?.map(({ AttributeName, AttributeType }) => ({
      AttributeName: AttributeName === 'createdAt' ? 'updatedAt' : AttributeName,
      AttributeType,
    })),
    GlobalSecondaryIndexes: GlobalSecondaryIndexes.map((index) =>
      index.IndexName === 'byDay'
        ? {
            IndexName: 'byChange',
            KeySchema: schema('changeShard', 'updatedAt'),
            Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['createdAt'] },
          }
        : index,
    ),
  });
  await client.send(create, limit(20_000));
}

async function indexesOf(TableName: string) {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }), limit(20_000));
  return Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).toSorted();
}

test('a table of an earlier release gets the indexes of today, and a replay finds its orders', async () => {
  const TableName = `orders-${randomUUID().slice(0, 8)}`;
  await createEarlier(TableName);
  const bench = await createOrderBench({ brokers, dynamoEndpoint });
  const release = String(releases().toSorted().at(-1));
  const { items } = await loadItems({ ...bench, table: TableName }, release);
  await bench.close();

  await createResources(resourcesOf(TableName));
  expect(await indexesOf(TableName)).toEqual(
    table.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).toSorted(),
  );
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const { changes } = createRepository({ dynamo, table: TableName, clock: systemClock });
  const orders = items.filter(({ sk }) => sk === 'ORDER');
  const times = orders.map(({ createdAt }) => Date.parse(createdAt));
  const found: string[] = [];
  const [from, to] = [new Date(Math.min(...times)), new Date()];
  for await (const id of changes.orders(from, to, () => systemClock.now())) found.push(id);
  expect(found.toSorted()).toEqual(orders.map(({ id }) => id).toSorted());
  dynamo.destroy();
}, 300_000);

test('a table with other keys is refused, and stays as it is', async () => {
  const TableName = `orders-${randomUUID().slice(0, 8)}`;
  await createEarlier(TableName, ['sk', 'pk']);
  const resources = resourcesOf(TableName);
  await expect(createResources(resources)).rejects.toThrow('npm run reset');
  // The topics are still being made: this waits for them.
  await createResources({ ...resources, table: { ...table, TableName: `${TableName}-other` } });
  expect(await indexesOf(TableName)).toContain('byChange');
});
