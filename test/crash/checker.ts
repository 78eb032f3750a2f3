import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { storedOf } from '../../lib/order/stored.ts';
import type { OrderBench } from '../support/orders.ts';
import type { Read } from '../support/topic.ts';

/** A change that an answer confirmed: the version of the order in the answer. */
export type Accepted = { id: string; version: number; status: string };

type Stored = {
  id: string;
  customerId: string;
  version: number;
  status: string;
  events: { id: string; sequence: number; value: string; publishedAt?: string }[];
};

/**
 * Checks the promises after any kill. It reads the table and the topic itself, and shares only the
 * unpacking of events with the system: a fault there shows as bytes that differ from the topic's.
 *
 * @returns every violation, in words
 */
export function violations(stored: Stored[], records: Read[], accepted: Accepted[]): string[] {
  const orders = new Map(stored.map((order) => [order.id, order]));
  const found: string[] = [];
  const told = new Map<string, Read[]>();
  for (const record of records) told.set(record.key, [...(told.get(record.key) ?? []), record]);

  for (const { id, version, status } of accepted) {
    const event = orders.get(id)?.events[version - 1];
    const says = event && JSON.parse(event.value).data.status;
    if (says !== status) found.push(`${id}: accepted version ${version} ${status} is ${says}`);
  }
  for (const order of stored) {
    const sequences = order.events.map(({ sequence }) => sequence);
    if (sequences.some((sequence, place) => sequence !== place + 1)) {
      found.push(`${order.id}: sequences ${sequences}`);
    }
    if (order.version !== sequences.length) found.push(`${order.id}: version ${order.version}`);
    const ids = order.events.map(({ id }) => id);
    if (new Set(ids).size !== ids.length) found.push(`${order.id}: an event id twice`);
    if (order.events.some(({ publishedAt }) => !publishedAt)) {
      found.push(`${order.id}: an event is not marked as published`);
    }
    found.push(...publicationFaults(order, told.get(order.id) ?? []));
  }
  // Every customer here places one order, and repeats it under one key when no answer comes.
  const customers = stored.map(({ customerId }) => customerId);
  for (const customer of new Set(customers.filter((name, i) => customers.indexOf(name) !== i))) {
    found.push(`${customer}: an order twice`);
  }
  for (const key of told.keys()) {
    if (!orders.has(key)) found.push(`${key}: an event without an order`);
  }
  return found;
}

function publicationFaults(order: Stored, records: Read[]): string[] {
  const found: string[] = [];
  const values = new Map(order.events.map(({ id, value }) => [id, value]));
  const first: number[] = [];
  for (const { value } of records) {
    const { id, sequence } = JSON.parse(value);
    if (!values.has(id)) found.push(`${order.id}: event ${id} without a change`);
    else if (values.get(id) !== value) found.push(`${order.id}: event ${id} with other bytes`);
    if (!first.includes(sequence)) first.push(sequence);
  }
  const expected = order.events.map(({ sequence }) => sequence);
  if (first.join() !== expected.join())
    found.push(`${order.id}: first told ${first}, not ${expected}`);
  return found;
}

/** Every order of the table: a test may scan. */
export async function readOrders({ dynamo, table }: OrderBench): Promise<Stored[]> {
  const orders: Stored[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const scan = new ScanCommand({
      TableName: table,
      ConsistentRead: true,
      ExclusiveStartKey: from,
    });
    const { Items = [], LastEvaluatedKey } = await dynamo.send(scan);
    for (const item of Items.filter(({ sk }) => sk === 'ORDER')) {
      orders.push({ ...(item as Stored), events: storedOf(item).events });
    }
    from = LastEvaluatedKey;
  } while (from);
  return orders;
}
