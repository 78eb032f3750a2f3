import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from '@jest/globals';
import { readDefinition } from '../../../local/definition.ts';
import { dynamodbClient, limit } from '../../../local/dynamodb.ts';
import { withAdmin } from '../../../plugins/kafka-event-source/broker/kafka.ts';
import { createLedTopics } from '../../../plugins/kafka-event-source/topics.ts';
import { Run } from './run.ts';

const TableName = 'orders';

test('data outlives a restart, and a kill of every process', async () => {
  await using run = await Run.create();
  const [kafka, dynamo] = run.ports;
  const client = dynamodbClient(`http://localhost:${dynamo}`);
  await run.start().says(/^ready/m);
  const Item = { pk: { S: 'kept' }, sk: { S: 'kept' } };
  await client.send(new PutItemCommand({ TableName, Item }), limit(5000));
  await withAdmin(`localhost:${kafka}`, (admin) => createLedTopics(admin, [{ topic: 'kept' }]));
  for (const { pid } of run.processes()) process.kill(pid, 'SIGKILL');
  process.kill(run.pid, 'SIGKILL');
  await run.leavesNothing();

  await run.start().says(/^ready/m);
  const { Items } = await client.send(new ScanCommand({ TableName }), limit(5000));
  expect(Items).toEqual([Item]);
  const topics = await withAdmin(`localhost:${kafka}`, (admin) => admin.listTopics());
  expect(topics).toEqual(expect.arrayContaining(['kept', 'order-events', 'order-events-dlq']));
  client.destroy();
});

test('the table has its time to live, the events three partitions, the addresses their file', async () => {
  await using run = await Run.create();
  const [kafka, dynamo, http] = run.ports;
  const file = join(run.directory, 'env.json');
  await run.start().says(/^ready/m);
  const client = dynamodbClient(`http://localhost:${dynamo}`);
  const { Table } = await client.send(new DescribeTableCommand({ TableName }), limit(5000));
  const names = (indexes: { IndexName?: string | undefined }[] = []) =>
    indexes.map((index) => index.IndexName).sort();
  const { table } = readDefinition();
  expect(names(Table?.GlobalSecondaryIndexes)).toEqual(names(table.GlobalSecondaryIndexes));
  const ttl = await client.send(new DescribeTimeToLiveCommand({ TableName }), limit(5000));
  expect(ttl.TimeToLiveDescription?.AttributeName).toBe('expiresAt');
  const { topics } = await withAdmin(`localhost:${kafka}`, (admin) =>
    admin.fetchTopicMetadata({ topics: ['order-events'] }),
  );
  expect(topics[0]?.partitions.length).toBeGreaterThanOrEqual(3);
  const written = Object.entries(JSON.parse(readFileSync(file, 'utf8')));
  const withoutIdentity = written.filter(([name]) => !name.startsWith('AUTH'));
  expect(Object.fromEntries(withoutIdentity)).toEqual({
    KAFKA_BROKERS: `localhost:${kafka}`,
    DYNAMODB_ENDPOINT: `http://localhost:${dynamo}`,
    AWS_REGION: 'us-east-1',
    NOTIFICATION_UNSUBSCRIBE_URL: `http://localhost:${http}/api/unsubscribe/`,
  });
  process.kill(run.pid, 'SIGINT');
  expect(await run.ended()).toBe(0);
  expect(existsSync(file)).toBe(false);
  client.destroy();
});
