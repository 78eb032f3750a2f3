import { createHash } from 'node:crypto';
import type { Order } from './order.ts';

/** The names of the indexes, as serverless.yml defines them. */
export const BY_CUSTOMER = 'byCustomer';
export const PENDING_EVENTS = 'pendingEvents';

/** Where orders wait whose next event Kafka refuses: few, so one key does. */
export const REFUSED_SHARD = 'REFUSED';

const SHARDS = 16;

export type Key = { pk: string; sk: string };

export function orderKey(id: string): Key {
  return { pk: `ORDER#${id}`, sk: 'ORDER' };
}

/** The id in the key of an order. */
export function orderIdOf({ pk }: Key): string {
  return pk.slice('ORDER#'.length);
}

/** Where an `Idempotency-Key` is kept: hashed, since callers may put anything into it. */
export function claimKey(idempotencyKey: string): Key {
  const hash = createHash('sha256').update(idempotencyKey).digest('hex');
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
  const [first = 0] = createHash('sha256').update(id).digest();
  return shardKey(first % SHARDS);
}

export function allPendingShards(): string[] {
  return Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
}

function shardKey(shard: number): string {
  return `PENDING#${shard.toString(16)}`;
}
