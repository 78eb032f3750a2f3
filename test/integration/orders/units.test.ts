import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamo } from '../../../lib/dynamo.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { countUnits } from '../../support/units.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

const Key = { pk: 'a', sk: 'a' };
const KB = 1024;

/** An item of so many bytes: its names, and one byte for a character. */
const itemOf = (bytes: number) => ({ ...Key, text: 'x'.repeat(bytes - 'pkaskatext'.length) });
/** The keys of two indexes, and an attribute that one of them projects. */
const indexed = { customerKey: 'c', customerSort: 's', pendingShard: 'p', pendingSince: 's' };

async function unitsOf(work: (client: DynamoDBDocumentClient) => Promise<unknown>) {
  const client = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const units = countUnits(client);
  await work(client);
  client.destroy();
  return units;
}

const put = (item: object) =>
  unitsOf((client) =>
    client.send(new PutCommand({ TableName: bench.table, Item: { ...Key, ...item } })),
  );

const update = (UpdateExpression: string, values?: object) =>
  unitsOf((client) =>
    client.send(
      new UpdateCommand({
        TableName: bench.table,
        Key,
        UpdateExpression,
        ...(values && { ExpressionAttributeValues: { ...values } }),
      }),
    ),
  );

const remove = () =>
  unitsOf((client) => client.send(new DeleteCommand({ TableName: bench.table, Key })));

test('a write takes a unit for each started KB of the whole item, by its larger form', async () => {
  expect(await put(itemOf(KB))).toEqual({ table: 1 });
  expect(await put(itemOf(KB + 1))).toEqual({ table: 2 });
  expect(await update('SET t = :t', { ':t': '' })).toEqual({ table: 2 });
  expect(await put(itemOf(2 * KB + 1))).toEqual({ table: 3 });
  expect(await put(itemOf(100))).toEqual({ table: 3 });
  expect(await remove()).toEqual({ table: 1 });
});

test('an index takes a unit for a new, changed or removed entry, and two for one that moves', async () => {
  expect(await put(indexed)).toEqual({ table: 1, byCustomer: 1, pendingEvents: 1 });
  expect(await put(indexed)).toEqual({ table: 1 });
  expect(await update('SET version = :v', { ':v': 1 })).toEqual({ table: 1, byCustomer: 1 });
  expect(await update('SET version = :v', { ':v': 1 })).toEqual({ table: 1 });
  expect(await update('SET contact = :c', { ':c': 'c' })).toEqual({ table: 1 });
  expect(await update('SET pendingSince = :t', { ':t': 't' })).toEqual({
    table: 1,
    pendingEvents: 2,
  });
  expect(await update('REMOVE pendingShard')).toEqual({ table: 1, pendingEvents: 1 });
  expect(await remove()).toEqual({ table: 1, byCustomer: 1 });
});

test('an entry is as large as its keys and its projected attributes', async () => {
  const id = 'x'.repeat(KB);
  expect(await put({ ...indexed, id })).toEqual({ table: 2, byCustomer: 2, pendingEvents: 1 });
  expect(await update('REMOVE customerKey, pendingShard')).toEqual({
    table: 2,
    byCustomer: 2,
    pendingEvents: 1,
  });
  await remove();
});

test('a transaction takes twice the units, a read none', async () => {
  const transaction = new TransactWriteCommand({
    TransactItems: [
      { Put: { TableName: bench.table, Item: itemOf(KB + 1) } },
      { Put: { TableName: bench.table, Item: { pk: 'b', sk: 'b' } } },
    ],
  });
  expect(await unitsOf((client) => client.send(transaction))).toEqual({ table: 2 * (2 + 1) });
  const get = new GetCommand({ TableName: bench.table, Key });
  expect(await unitsOf((client) => client.send(get))).toEqual({});
  await remove();
});
