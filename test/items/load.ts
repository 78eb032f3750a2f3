import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AttributeValue, BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Clock } from '../../lib/clock.ts';
import { recordsOf } from '../../lib/order/outbox.ts';
import { dynamodbClient, limit } from '../../local/dynamodb.ts';
import type { OrderBench } from '../support/orders.ts';

const FOLDER = join(import.meta.dirname, '..', 'fixtures', 'items');
const BATCH = 25;
const LIMIT_MS = 20_000;

// biome-ignore lint/suspicious/noExplicitAny: a test reads any member of an item
export type Item = Record<string, any>;

type Release = { writtenAt: string; items: Record<string, AttributeValue>[] };

/** The releases whose items are kept, by the names of their files. */
export function releases(): string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
}

/**
 * Puts the items of a release into the table, and its published events onto the topic, as that release
 * left them. Only their time to live begins today: DynamoDB would remove them.
 *
 * @returns the items, and the clock of the moment after the release wrote them
 */
export async function loadItems(
  { dynamoEndpoint, table, producer, topic }: OrderBench,
  name: string,
): Promise<{ items: Item[]; later: (ms: number) => Clock }> {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  const { writtenAt, items }: Release = JSON.parse(text);
  const age = Date.now() - Date.parse(writtenAt);
  const written = items.map((item) => aged(item, age));
  const client = dynamodbClient(dynamoEndpoint);
  for (let at = 0; at < written.length; at += BATCH) {
    const requests = written.slice(at, at + BATCH).map((Item) => ({ PutRequest: { Item } }));
    const write = new BatchWriteItemCommand({ RequestItems: { [table]: requests } });
    await client.send(write, limit(LIMIT_MS));
  }
  client.destroy();
  const found = written.map((item): Item => unmarshall(item));
  for (const { id, events = [] } of found) {
    const published = events.filter(({ publishedAt }: Item) => publishedAt);
    if (published.length === 0) continue;
    await producer.send(topic, recordsOf(id, published), LIMIT_MS);
  }
  return { items: found, later: (ms) => ({ now: () => new Date(Date.now() - age + ms) }) };
}

function aged({ expiresAt, ...item }: Release['items'][number], age: number) {
  if (!expiresAt?.N) return item;
  return { ...item, expiresAt: { N: String(Number(expiresAt.N) + Math.ceil(age / 1_000)) } };
}
