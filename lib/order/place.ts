import { v7 as uuidV7 } from 'uuid';
import { logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import { type Claim, claimOf, type IdempotencyKey, orderOfClaim } from './claim.ts';
import { eventOf } from './events.ts';
import { firstVersion, type NewOrder, type Order } from './order.ts';
import { type OutboxDeps, publishNow } from './outbox.ts';
import type { StoredOrder } from './stored.ts';

/** What an order is placed with, beside its body. */
export type Placing = { traceparent: string; idempotencyKey?: IdempotencyKey | undefined };

/** The order as it was created; `replayed` when an earlier request with the same key did it. */
export type Placed = { order: Order; replayed: boolean };

/**
 * Takes an order: it is accepted once it is written together with its event. Publishing comes after
 * that and may be late, but not lost.
 *
 * @throws AppError `DATABASE_AWAY`; with a key `IDEMPOTENCY_KEY_REUSED` or `IDEMPOTENCY_KEY_BUSY`
 */
export async function placeOrder(
  deps: OutboxDeps,
  newOrder: NewOrder,
  { traceparent, idempotencyKey }: Placing,
): Promise<Placed> {
  const order = firstVersion(uuidV7(), newOrder, deps.clock.now());
  const { contact } = newOrder;
  const event = eventOf(order, { id: uuidV7(), traceparent, contact });
  const fresh: StoredOrder = { order, contact, events: [event] };
  const claim =
    idempotencyKey === undefined ? undefined : claimOf(idempotencyKey, newOrder, order, event.id);
  const earlier = await write(deps, fresh, claim);
  if (earlier) {
    const first = orderOfClaim(earlier, newOrder);
    logger.appendKeys({ orderId: first.id });
    measure('OrdersReplayed');
    return { order: first, replayed: true };
  }
  logger.appendKeys({ orderId: order.id });
  measure('OrdersCreated');
  await publishNow(deps, fresh);
  return { order, replayed: false };
}

/** @returns the claim that was there before, when there was one: then nothing was written */
async function write(
  { repository }: OutboxDeps,
  fresh: StoredOrder,
  claim: Claim | undefined,
): Promise<Claim | undefined> {
  if (claim) return repository.insertOnce(fresh, claim);
  await repository.insert(fresh);
  return undefined;
}
