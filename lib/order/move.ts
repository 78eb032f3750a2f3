import { v7 as uuidV7 } from 'uuid';
import { AppError } from '../errors.ts';
import { logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import { eventOf } from './events.ts';
import { type Allows, findStored } from './find.ts';
import type { Order } from './order.ts';
import { type Answering, type OutboxDeps, publishNow } from './outbox.ts';
import { decide, type Move, moved } from './status.ts';

/** An order is final after fewer moves than this, so no caller can lose more races. */
const MAX_RACES = 5;

/** The facts of the request beside the move. */
export type Moving = Answering & { traceparent: string; allows: Allows };

/**
 * Moves an order to another status. If another writer was first, the order is read and the move is
 * decided again. A move that names a version then ends in `VERSION_MISMATCH`.
 *
 * @throws AppError `ORDER_NOT_FOUND`, `SCOPE_MISSING`, `VERSION_MISMATCH`, `MOVE_NOT_ALLOWED` or `DATABASE_AWAY`
 */
export async function moveOrder(
  deps: OutboxDeps,
  id: string,
  move: Move,
  { traceparent, allows, ...answering }: Moving,
): Promise<Order> {
  logger.appendKeys({ orderId: id });
  const eventId = uuidV7();
  const mayMove = (owner: string) => allows(owner, move.status);
  for (let race = 0; race < MAX_RACES; race += 1) {
    const { order, contact, events } = await findStored(deps.repository, id, mayMove);
    if (decide(order, move) === 'stay') return order;
    const next = moved(order, move.status, deps.clock.now());
    const event = eventOf(next, { id: eventId, traceparent, contact });
    const stored = await deps.repository.update(next, event, events[0]);
    if (!stored) continue;
    measure('OrdersUpdated');
    await publishNow(deps, stored, answering);
    return next;
  }
  throw new AppError('INTERNAL', 'An order changed more often than its statuses allow.');
}
