import type { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from '@jest/globals';
import { systemClock } from '../clock.ts';
import { createChanges } from './changes.ts';

/** The days that a search asks for, in their order; no day has an order. */
async function daysOf(from: string, now: string): Promise<string[]> {
  const days: string[] = [];
  const dynamo = {
    async send({ input }: QueryCommand) {
      days.push(String(input.ExpressionAttributeValues?.[':shard']).slice(8, 18));
      return {};
    },
  } as unknown as DynamoDBDocumentClient;
  const changes = createChanges({ dynamo, table: 'orders', clock: systemClock });
  const present = new Date(now);
  const reached: string[] = [];
  const search = changes.orders(
    new Date(from),
    present,
    () => present,
    (day) => reached.push(day),
  );
  expect(await Array.fromAsync(search)).toEqual([]);
  expect(reached).toEqual([...new Set(days)]);
  expect(days).toEqual(days.toSorted());
  return [...new Set(days)];
}

test('a search goes from the day of its start to the day after the present one', async () => {
  const days = await daysOf('2026-11-26T23:59:59Z', '2026-11-28T00:00:00Z');
  expect(days).toEqual(['2026-11-26', '2026-11-27', '2026-11-28', '2026-11-29']);
});

test.each(['0000-01-01', '1970-01-01', '2019-12-31T23:59:59.999Z'])(
  'a search from %s begins with the first day that can have an order',
  async (from) => {
    const days = await daysOf(from, '2020-01-02T00:00:00Z');
    expect(days).toEqual(['2020-01-01', '2020-01-02', '2020-01-03']);
  },
);

test('a search that begins after the next day asks for nothing', async () => {
  expect(await daysOf('2026-11-30', '2026-11-28T00:00:00Z')).toEqual([]);
});
