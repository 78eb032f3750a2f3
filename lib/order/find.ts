import { AppError } from '../errors.ts';
import { isOrderId, type Order } from './order.ts';
import type { Repository } from './repository.ts';
import type { StoredOrder } from './stored.ts';

/**
 * Answers true if the caller may read the orders of this customer, or make this move with them. It may
 * throw if the refusal tells the caller nothing new.
 */
export type Allows = (customerId: string, move?: string) => boolean;

/** For functions and commands without a caller. */
export const ALL: Allows = () => true;

/**
 * Reads an order, the caller's own writes included. An order that the caller may not read is answered
 * like an order that does not exist.
 *
 * @throws AppError `ORDER_NOT_FOUND`, also for an id of another form; `DATABASE_AWAY`
 */
export async function findOrder(
  repository: Repository,
  id: string,
  allows: Allows,
): Promise<Order> {
  return (await findStored(repository, id, allows)).order;
}

/** Reads an order with its contact and its events, which the API does not show. */
export async function findStored(
  repository: Repository,
  id: string,
  allows: Allows,
): Promise<StoredOrder> {
  const stored = isOrderId(id) ? await repository.get(id, allows) : undefined;
  if (stored) return stored;
  throw new AppError('ORDER_NOT_FOUND', 'No order has this id.');
}
