import { v7 as uuidV7 } from 'uuid';
import { logger } from '../logger.ts';
import { eventOf } from './events.ts';
import { firstVersion, type NewOrder, type Order } from './order.ts';
import { type OutboxDeps, publishNow } from './outbox.ts';

/**
 * Takes an order: it is accepted once it is written together with its event. Publishing comes after
 * that and may be late, but not lost.
 *
 * @throws AppError `DATABASE_AWAY`
 */
export async function placeOrder(
  deps: OutboxDeps,
  newOrder: NewOrder,
  traceparent: string,
): Promise<Order> {
  const order = firstVersion(uuidV7(), newOrder, deps.clock.now());
  const { contact } = newOrder;
  const event = eventOf(order, { id: uuidV7(), traceparent, contact });
  logger.appendKeys({ orderId: order.id });
  const stored = await deps.repository.insert({ order, contact, events: [event] });
  await publishNow(deps, stored);
  return order;
}
