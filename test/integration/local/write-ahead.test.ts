import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamo } from '../../../lib/dynamo.ts';
import { type Backend, startBackend } from '../../../local/backend.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { supervise } from '../../../plugins/kafka-event-source/broker/supervise.ts';
import { until } from '../../support/until.ts';

const TableName = 'kept';
const directory = mkdtempSync(join(tmpdir(), 'orders-write-ahead-'));
const file = join(directory, 'data/dynamodb/shared-local-instance.db');
const sizeOf = (end: string) => statSync(`${file}${end}`).size;

let backend: Backend;
let dynamo: ReturnType<typeof createDynamo>;

beforeAll(async () => {
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const ports = { kafkaPort: 0, dynamoPort: await freePort() };
  const say = () => undefined;
  backend = await startBackend({ directory, ...ports, supervisor, services: ['dynamodb'], say });
  const { dynamoEndpoint } = backend;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint }, credentials);
  const definition = { AttributeName: 'id', AttributeType: 'S' as const };
  await dynamo.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [definition],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
});

afterAll(async () => {
  dynamo?.destroy();
  await backend?.stop();
});

async function put(id: string): Promise<void> {
  await dynamo.send(new PutCommand({ TableName, Item: { id, text: 'x'.repeat(1_000) } }));
}

async function isKept(id: string): Promise<boolean> {
  const command = new GetCommand({ TableName, Key: { id }, ConsistentRead: true });
  return (await dynamo.send(command)).Item !== undefined;
}

test('the log is moved into the file, and then begins anew', async () => {
  await put('moved');
  await until(
    'the file to have the item',
    async () => readFileSync(file).includes('moved') || undefined,
  );
  const before = sizeOf('-wal');
  // The log grows by more than 10 KB with each write, if it does not begin anew.
  for (let count = 1; count <= 10; count += 1) {
    await put(`again-${count}`);
    await until('the file to have the item', async () => {
      return readFileSync(file).includes(`again-${count}`) || undefined;
    });
  }
  expect(sizeOf('-wal')).toBeLessThan(2 * before);
});

test('a write that was answered is there after kill -9', async () => {
  await put('killed');
  const child = backend.children.get('dynamodb');
  process.kill(Number(await child?.pid), 'SIGKILL');
  await child?.ended;
  await backend.start('dynamodb');
  expect(await isKept('killed')).toBe(true);
  expect(await isKept('moved')).toBe(true);
});
