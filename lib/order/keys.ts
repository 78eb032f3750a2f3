import { createHash } from 'node:crypto';
import type { Order } from './order.ts';

/** The names of the indexes, as serverless.yml defines them. */
export const BY_CUSTOMER = 'byCustomer';
export const PENDING_EVENTS = 'pendingEvents';
export const BY_CHANGE = 'byChange';

/** Where orders wait whose next event Kafka refuses: few, so one key does. */
export const REFUSED_SHARD = 'REFUSED';

const ALL_SHARDS = [...'0123456789abcdef'];

export type Key = { pk: string; sk: string };

export function orderKey(id: string): Key {
  return { pk: `ORDER#${id}`, sk: 'ORDER' };
}

/** The id in the key of an order. */
export function orderIdOf({ pk }: Key): string {
  return pk.slice('ORDER#'.length);
}

/**
 * Where an `Idempotency-Key` of a caller is kept: hashed, since callers may put anything into it. The
 * same key of another caller is another key. Callers without a token have an empty `caller`.
 */
export function claimKey(idempotencyKey: string, caller: readonly string[]): Key {
  const text = caller.length === 0 ? idempotencyKey : JSON.stringify([...caller, idempotencyKey]);
  const hash = createHash('sha256').update(text).digest('hex');
  return { pk: `IDEMPOTENCY#${hash}`, sk: 'IDEMPOTENCY' };
}

export function customerKey(customerId: string): string {
  return `CUSTOMER#${customerId}`;
}

/** Sorts a customer's orders by their creation; the id decides within a millisecond. */
export function customerSort({ createdAt, id }: Order): string {
  return `${createdAt}#${id}`;
}

/** Spreads the pending events over 16 keys, so that no one key of the index is hot. */
export function pendingShard(id: string): string {
  return `PENDING#${shardOf(id)}`;
}

export function allPendingShards(): string[] {
  return ALL_SHARDS.map((shard) => `PENDING#${shard}`);
}

/** Spreads the orders changed on one day over 16 keys. */
export function changeShard({ id, updatedAt }: Order): string {
  return `CHANGED#${updatedAt.slice(0, 10)}#${shardOf(id)}`;
}

/** All keys of a day (`2026-11-23`). */
export function changeShards(day: string): string[] {
  return ALL_SHARDS.map((shard) => `CHANGED#${day}#${shard}`);
}

function shardOf(id: string): string {
  const [first = 0] = createHash('sha256').update(id).digest();
  return (first % ALL_SHARDS.length).toString(16);
}
