import { type OrderEvent, SCHEMA_VERSION } from '../order-event.ts';
import type { Contact, Order } from './order.ts';
import { EVENT_OF } from './status.ts';

/**
 * An event as its order stores it. Every publication has this `value` and these `headers`, byte for
 * byte, even if an older release wrote them. `publishedAt` is absent while the event is pending.
 */
export type StoredEvent = {
  id: string;
  type: string;
  sequence: number;
  timestamp: string;
  value: string;
  headers: Record<string, string>;
  publishedAt?: string;
};

/** The facts of an event that are not in the order itself. */
export type EventFacts = { id: string; traceparent: string; contact?: Contact | undefined };

/** The event of an order's latest change, in CloudEvents 1.0 Kafka binary mode. */
export function eventOf(order: Order, { id, traceparent, contact }: EventFacts): StoredEvent {
  const type = EVENT_OF[order.status];
  const event: OrderEvent = {
    id,
    type,
    timestamp: order.updatedAt,
    sequence: order.version,
    schemaVersion: SCHEMA_VERSION,
    data: {
      orderId: order.id,
      customerId: order.customerId,
      totalAmount: order.totalAmount,
      currency: order.currency,
      status: order.status,
      items: order.items,
      ...(contact && { contact }),
    },
  };
  return {
    id,
    type,
    sequence: order.version,
    timestamp: order.updatedAt,
    value: JSON.stringify(event),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_type: type,
      ce_source: '/orders',
      ce_subject: order.id,
      ce_time: order.updatedAt,
      'content-type': 'application/json',
      traceparent,
    },
  };
}
