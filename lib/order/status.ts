import { notBefore } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { EventType, OrderStatus } from '../order-event.ts';
import type { Order } from './order.ts';

/** Which status may follow which. */
export const MOVES: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ['confirmed', 'shipped', 'cancelled'],
  confirmed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
};

/** The event that tells of an order's arrival at a status. */
export const EVENT_OF: Record<OrderStatus, EventType> = {
  pending: 'ORDER_CREATED',
  confirmed: 'ORDER_UPDATED',
  shipped: 'ORDER_SHIPPED',
  delivered: 'ORDER_DELIVERED',
  cancelled: 'ORDER_CANCELLED',
};

/**
 * A wish to move an order. `versions`: the caller will move one of these only; absent or undefined:
 * any. It is asked when a version matters, and may throw where the caller contradicts itself.
 */
export type Wish = { status: OrderStatus; versions?: () => readonly number[] | undefined };

/**
 * Decides, in the order that callers rely on: already there, another version, not allowed, move.
 *
 * @throws AppError `VERSION_MISMATCH` or `MOVE_NOT_ALLOWED`, with the current version; what
 * `versions` throws
 */
export function decide(order: Order, { status, versions }: Wish): 'stay' | 'move' {
  if (order.status === status) return 'stay';
  const currentVersion = order.version;
  if (versions?.()?.includes(currentVersion) === false) {
    throw new AppError('VERSION_MISMATCH', `The order has version ${currentVersion}.`, {
      currentVersion,
    });
  }
  // A status that only another release knows may not be followed by any status.
  const allowed = MOVES[order.status] ?? [];
  if (!allowed.includes(status)) {
    const choice = allowed.length > 0 ? allowed.join(', ') : 'none: this status is final';
    throw new AppError(
      'MOVE_NOT_ALLOWED',
      `From "${order.status}" an order cannot become "${status}". Allowed: ${choice}.`,
      { currentVersion, allowed },
    );
  }
  return 'move';
}

/** The order after the move. */
export function moved(order: Order, status: OrderStatus, now: Date): Order {
  const updatedAt = notBefore(order.updatedAt, now);
  return { ...order, status, version: order.version + 1, updatedAt };
}
