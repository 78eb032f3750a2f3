import { notBefore } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { EventType, OrderStatus } from '../order-event.ts';
import type { Order } from './order.ts';

/** The statuses that may follow each status. */
export const MOVES: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ['confirmed', 'shipped', 'cancelled'],
  confirmed: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  cancelled: [],
};

/** The event that is published when an order reaches a status. */
export const EVENT_OF: Record<OrderStatus, EventType> = {
  pending: 'ORDER_CREATED',
  confirmed: 'ORDER_UPDATED',
  shipped: 'ORDER_SHIPPED',
  delivered: 'ORDER_DELIVERED',
  cancelled: 'ORDER_CANCELLED',
};

/**
 * The move that a caller asks for. `versions` gives the versions that the caller will move; absent, or
 * answering undefined, it allows any. It is called only when a version matters, and may throw if the
 * request contradicts itself.
 */
export type Move = { status: OrderStatus; versions?: () => readonly number[] | undefined };

/**
 * Decides about a move. The order of the checks is part of the API: the status is there already,
 * another version, not allowed, move.
 *
 * @throws AppError `VERSION_MISMATCH` or `MOVE_NOT_ALLOWED`, with the current version; or the error
 * that `versions` throws
 */
export function decide(order: Order, { status, versions }: Move): 'stay' | 'move' {
  if (order.status === status) return 'stay';
  const currentVersion = order.version;
  if (versions?.()?.includes(currentVersion) === false) {
    throw new AppError('VERSION_MISMATCH', `The order has version ${currentVersion}.`, {
      currentVersion,
    });
  }
  // A status of another release is unknown here, so no status may follow it.
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
