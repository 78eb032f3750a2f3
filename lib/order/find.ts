import { AppError } from '../errors.ts';
import { isOrderId, type Order } from './order.ts';
import type { Repository } from './repository.ts';
import type { StoredOrder } from './stored.ts';

/**
 * Whether the caller may have the orders of this customer, and make this move with them. It may throw
 * where the refusal tells the caller nothing new.
 */
export type Allows = (customerId: string, move?: string) => boolean;

/** For what has no caller. */
export const ALL: Allows = () => true;

/**
 * Reads an order, the caller's own writes included. An order that the caller may not have is no
 * different from one that does not exist.
 *
 * @throws AppError `ORDER_NOT_FOUND` also for an id of another form; `DATABASE_AWAY`
 */
export async function findOrder(
  repository: Repository,
  id: string,
  allows: Allows,
): Promise<Order> {
  return (await findStored(repository, id, allows)).order;
}

/** The same with what only the inside knows. */
export async function findStored(
  repository: Repository,
  id: string,
  allows: Allows,
): Promise<StoredOrder> {
  const stored = isOrderId(id) ? await repository.get(id) : undefined;
  if (stored && allows(stored.order.customerId)) return stored;
  throw new AppError('ORDER_NOT_FOUND', 'No order has this id.');
}
