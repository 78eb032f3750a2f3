import { openCursor, sealCursor } from '../cursor.ts';
import type { OrderStatus } from '../order-event.ts';
import { isOrderId, type Order } from './order.ts';
import type { Repository } from './repository.ts';

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Selects a customer's orders, and the size of a page. */
export type Listing = {
  limit: number;
  status?: OrderStatus | undefined;
  cursor?: string | undefined;
  /** Identifies the caller: a cursor belongs to one caller. */
  caller: readonly string[];
};

/**
 * A page of a customer's orders, newest first. The cursor holds the place of the last order that was
 * read, so new orders, or the removal of that order, do not shift the next page.
 *
 * @returns `nextCursor` is null at the end. With a status, an earlier page may be short or empty too,
 * because the work for one page is bounded
 * @throws AppError `VALIDATION` for a cursor of another list or caller; `DATABASE_AWAY`
 */
export async function listOrders(
  repository: Repository,
  customerId: string,
  { limit, status, cursor, caller }: Listing,
): Promise<{ orders: Order[]; nextCursor: string | null }> {
  const scope = ['orders', customerId, status ?? '', ...caller];
  const after = cursor === undefined ? undefined : openCursor(scope, cursor, placeIn);
  const { orders, last } = await repository.listByCustomer(customerId, { limit, status, after });
  return { orders, nextCursor: last === undefined ? null : sealCursor(scope, last) };
}

/** An order's `customerSort`: when it was created, and its id. */
function placeIn(position: string): string | undefined {
  const [at = '', id = '', ...others] = position.split('#');
  return TIME.test(at) && isOrderId(id) && others.length === 0 ? position : undefined;
}
