import { v7 as uuidV7 } from 'uuid';
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
import { type OutboxDeps, publishNow } from './outbox.ts';
import type { StoredOrder } from './stored.ts';

/** The inputs of a new order beside its body. */
export type Placing = {
  traceparent: string;
  idempotencyKey?: IdempotencyKey | undefined;
  timeLeftMs(): number;
};

/** The order as it was created; `replayed` when an earlier request with the same key did it. */
export type Placed = { order: Order; replayed: boolean };

/**
 * Places an order. The order is accepted when one write has stored it with its event. The event is
 * published afterwards: perhaps late, but it is never lost.
 *
 * @throws AppError `DATABASE_AWAY`; with a key `IDEMPOTENCY_KEY_REUSED` or `IDEMPOTENCY_KEY_BUSY`
 */
export async function placeOrder(
  deps: OutboxDeps,
  newOrder: NewOrder,
  { traceparent, idempotencyKey, timeLeftMs }: Placing,
): Promise<Placed> {
  const order = firstVersion(uuidV7(), newOrder, deps.clock.now());
  const { contact } = newOrder;
  const event = eventOf(order, { id: uuidV7(), traceparent, contact });
  const fresh: StoredOrder = { order, contact, events: [event] };
  const record =
    idempotencyKey === undefined
      ? undefined
      : idempotencyRecordOf(idempotencyKey, newOrder, order, event.id);
  const earlier = await write(deps, fresh, record);
  if (earlier) {
    const first = firstOrderOf(earlier, newOrder);
    logger.appendKeys({ orderId: first.id });
    measure('OrdersReplayed');
    return { order: first, replayed: true };
  }
  logger.appendKeys({ orderId: order.id });
  measure('OrdersCreated');
  await publishNow(deps, fresh, timeLeftMs());
  return { order, replayed: false };
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
