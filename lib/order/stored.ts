// Reads an order's item. A broken core field makes it unreadable; a broken contact or refusal counts as absent.

import * as z from 'zod';
import { logger } from '../logger.ts';
import type { OrderStatus } from '../order-event.ts';
import { refusal } from '../refusal.ts';
import { readTolerantly } from '../tolerant.ts';
import type { Refusal } from './backlog.ts';
import type { StoredEvent } from './events.ts';
import type { Contact, Order } from './order.ts';
import { unpackAll } from './packed.ts';

/** An order with its contact and its events, oldest first, which the API does not show. */
export type StoredOrder = {
  order: Order;
  contact?: Contact | undefined;
  events: StoredEvent[];
  /** Present only while Kafka refuses the oldest pending event. */
  kafkaRefusal?: Refusal | undefined;
};

/** An order's item that lacks a field that every order has. Only a person can repair it. */
export class UnreadableOrderError extends Error {
  override readonly name = 'UnreadableOrderError';
}

/**
 * The fields that every order's item must have, from every release. Fields and
 * statuses that this release does not know stay. The sequence of the fields is that of the API.
 */
const orderSchema = z.object({
  id: z.string(),
  customerId: z.string(),
  items: z.array(z.object({ productId: z.string(), quantity: z.number(), price: z.number() })),
  totalAmount: z.number(),
  currency: z.string(),
  status: z.custom<OrderStatus>((status) => typeof status === 'string'),
  version: z.int().min(1),
  createdAt: z.string(),
  updatedAt: z.string(),
}) satisfies z.ZodType<Order>;

const eventSchema = z.object({
  id: z.string(),
  type: z.string(),
  sequence: z.int().min(1),
  timestamp: z.string(),
  value: z.string(),
  headers: z.record(z.string(), z.string()),
  publishedAt: z.string().optional(),
});

const eventsSchema = z.object({ events: z.array(eventSchema).min(1) });

/** Fields that publishing does not need: one that cannot be read counts as absent. */
const besideSchema = z.strictObject({
  contact: z
    .strictObject({ email: z.string().optional(), phone: z.string().optional() })
    .optional(),
  kafkaRefusal: z
    .strictObject({ since: z.string(), at: z.string(), attempts: z.number(), reason: z.string() })
    .optional(),
});

/** @throws UnreadableOrderError */
export function storedOf(item: Record<string, unknown>): StoredOrder {
  const order = orderOf(item);
  const unpacked = { ...item, events: unpackAll(item.events, order) };
  const { events } = read(eventsSchema, unpacked) as Pick<StoredOrder, 'events'>;
  const { contact, kafkaRefusal } = item;
  const { value, faults } = readTolerantly(besideSchema, {
    ...(contact !== undefined && { contact }),
    ...(kafkaRefusal !== undefined && { kafkaRefusal }),
  });
  if (faults.length > 0) {
    logger.warn('stored fields of an order cannot be read', { orderId: order.id, fields: faults });
  }
  return { order, events, ...value };
}

/** @throws UnreadableOrderError */
export function orderOf(item: Record<string, unknown>): Order {
  return read(orderSchema, item);
}

/** The message names fields and rules, no values: a contact stays out of the log. */
function read<T>(schema: z.ZodType<T>, item: Record<string, unknown>): T {
  const { success, data, error } = schema.safeParse(item, { error: refusal });
  if (success) return data;
  const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new UnreadableOrderError(`The item ${item.pk} is not an order: ${faults.join('; ')}`);
}
