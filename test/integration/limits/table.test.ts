import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTableLimit } from '../../../lib/limits/table.ts';
import { always, type Fault, faultyDynamo } from '../../support/faults.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';

let bench: OrderBench;
let time = Date.parse('2026-11-27T12:00:20.000Z');
const clock = { now: () => new Date(time) };
const quota = { name: 'orders', count: 5, seconds: 60 };

beforeAll(async () => {
  bench = await createOrderBench();
});
afterAll(() => bench.close());

test('of many at once, through several instances, as many pass as the quota says', async () => {
  const who = randomUUID();
  const dynamo = patientClient();
  const instances = [1, 2, 3].map(() => createTableLimit({ ...bench, dynamo, clock }, quota));
  const waits = await Promise.all(
    instances.flatMap((limit) => Array.from({ length: 10 }, () => limit(who))),
  );
  expect(waits.filter((wait) => wait === 0)).toHaveLength(5);
  expect(waits.filter((wait) => wait === 40)).toHaveLength(25);
  dynamo.destroy();
});

test('everybody is counted alone, and anew in the next minute', async () => {
  const [who, other] = [randomUUID(), randomUUID()];
  const limit = createTableLimit({ ...bench, clock }, { ...quota, count: 1 });
  expect([await limit(who), await limit(who), await limit(other)]).toEqual([0, 40, 0]);
  time += 40_000;
  expect([await limit(who), await limit(who)]).toEqual([0, 60]);
  const hourly = createTableLimit(
    { ...bench, clock },
    { name: 'messages', count: 1, seconds: 3600 },
  );
  expect([await hourly(who), await hourly(who)]).toEqual([0, 3540]);
});

test('the count goes by its time to live when its period is over', async () => {
  const who = randomUUID();
  await createTableLimit({ ...bench, clock }, quota)(who);
  const start = Math.floor(time / 60_000) * 60;
  const Key = { pk: keyOf(who), sk: 'LIMIT' };
  const { Item } = await bench.dynamo.send(new GetCommand({ TableName: bench.table, Key }));
  expect(Item).toEqual({ ...Key, count: 1, expiresAt: start + 60 });
});

test('a table that throttles is reported as away; a lost answer may count twice', async () => {
  const throttled = faultyDynamo('UpdateItemCommand', always('throttled')).client;
  const limit = createTableLimit({ ...bench, dynamo: throttled, clock }, quota);
  await expect(limit(randomUUID())).rejects.toMatchObject({ code: 'DATABASE_AWAY' });
  const lossy = faultyDynamo('UpdateItemCommand', lostOnce()).client;
  const who = randomUUID();
  expect(await createTableLimit({ ...bench, dynamo: lossy, clock }, quota)(who)).toBe(0);
  const key = { pk: keyOf(who), sk: 'LIMIT' };
  const { Item } = await bench.dynamo.send(new GetCommand({ TableName: bench.table, Key: key }));
  expect(Item).toMatchObject({ count: 2 });
  throttled.destroy();
  lossy.destroy();
});

/** A client without the functions' time limit, after which a second try would count twice. */
function patientClient(): DynamoDBDocumentClient {
  const { dynamoEndpoint: endpoint } = bench;
  return DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1', endpoint }));
}

function* lostOnce(): Generator<Fault> {
  yield 'answer lost';
  yield* always('none');
}

function keyOf(who: string): string {
  return `LIMIT#orders#${who}#${Math.floor(time / 60_000) * 60}`;
}
