import { v7 as uuidV7 } from 'uuid';
import { AppError } from '../errors.ts';
import { logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import { eventOf } from './events.ts';
import {
  firstOrderOf,
  type IdempotencyKey,
  type IdempotencyRecord,
  idempotencyRecordOf,
} from './idempotency.ts';
import { firstVersion, type NewOrder, type Order } from './order.ts';
import { type Answering, type OutboxDeps, publishNow } from './outbox.ts';
import type { StoredOrder } from './stored.ts';

/** The inputs of a new order beside its body. */
export type Placing = Answering & {
  traceparent: string;
  idempotencyKey?: IdempotencyKey | undefined;
  /** Counts one more order of the caller. @throws AppError `TOO_MANY_REQUESTS` */
  count?(): Promise<void>;
};

/** The order as it was created; `replayed` when an earlier request with the same key did it. */
export type Placed = { order: Order; replayed: boolean };

/**
 * Places an order. The order is accepted when one write has stored it with its event. The event is
 * published afterwards: perhaps late, but it is never lost.
 *
 * @throws AppError `DATABASE_AWAY`; `TOO_MANY_REQUESTS`, but never for a repeat of a known key; with a key `IDEMPOTENCY_KEY_REUSED` or `IDEMPOTENCY_KEY_BUSY`
 */
export async function placeOrder(
  deps: OutboxDeps,
  newOrder: NewOrder,
  { traceparent, idempotencyKey, count, ...answering }: Placing,
): Promise<Placed> {
  const order = firstVersion(uuidV7(), newOrder, deps.clock.now());
  const { contact } = newOrder;
  const event = eventOf(order, { id: uuidV7(), traceparent, contact });
  const fresh: StoredOrder = { order, contact, events: [event] };
  const record =
    idempotencyKey === undefined
      ? undefined
      : idempotencyRecordOf(idempotencyKey, newOrder, order, event.id);
  const earlier =
    (await earlierBeyondQuota(deps, record, count)) ?? (await write(deps, fresh, record));
  if (earlier) {
    const first = firstOrderOf(earlier, newOrder);
    logger.appendKeys({ orderId: first.id });
    measure('OrdersReplayed');
    return { order: first, replayed: true };
  }
  logger.appendKeys({ orderId: order.id });
  measure('OrdersCreated');
  await publishNow(deps, fresh, answering);
  return { order, replayed: false };
}

/**
 * Counts the order. A repeat of a known key makes no order, so it is answered even beyond the quota.
 * The key's record is read only in that case.
 */
async function earlierBeyondQuota(
  { repository }: OutboxDeps,
  record: IdempotencyRecord | undefined,
  count: Placing['count'],
): Promise<IdempotencyRecord | undefined> {
  try {
    await count?.();
    return undefined;
  } catch (error) {
    const isBeyond = error instanceof AppError && error.code === 'TOO_MANY_REQUESTS';
    const earlier = isBeyond && record ? await repository.earlier(record) : undefined;
    if (earlier) return earlier;
    throw error;
  }
}

/** @returns the key's earlier record if there is one: then nothing was written */
async function write(
  { repository }: OutboxDeps,
  fresh: StoredOrder,
  record: IdempotencyRecord | undefined,
): Promise<IdempotencyRecord | undefined> {
  if (record) return repository.insertOnce(fresh, record);
  await repository.insert(fresh);
  return undefined;
}
