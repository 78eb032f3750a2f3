import { AppError } from '../errors.ts';
import { isOrderId, type Order } from './order.ts';
import type { Repository } from './repository.ts';
import type { StoredOrder } from './stored.ts';

/**
 * Reads an order, the caller's own writes included.
 *
 * @throws AppError `ORDER_NOT_FOUND` also for an id of another form; `DATABASE_AWAY`
 */
export async function findOrder(repository: Repository, id: string): Promise<Order> {
  return (await findStored(repository, id)).order;
}

/** The same with what only the inside knows. */
export async function findStored(repository: Repository, id: string): Promise<StoredOrder> {
  const stored = isOrderId(id) ? await repository.get(id) : undefined;
  if (!stored) throw new AppError('ORDER_NOT_FOUND', 'No order has this id.');
  return stored;
}
