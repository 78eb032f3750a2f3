import * as z from 'zod';
import type { OrderStatus } from '../order-event.ts';
import type { Refusal } from './backlog.ts';
import type { StoredEvent } from './events.ts';
import type { Contact, Order } from './order.ts';

/** An order with what only the inside knows: its contact and its events, oldest first. */
export type StoredOrder = {
  order: Order;
  contact?: Contact | undefined;
  events: StoredEvent[];
  /** Only while Kafka does not take the oldest pending event. */
  kafkaRefusal?: Refusal | undefined;
};

/** An item at an order's key that lacks what an order has. Nobody but a person can mend it. */
export class UnreadableOrderError extends Error {
  override readonly name = 'UnreadableOrderError';
}

/**
 * What is needed of an order's item, whichever release has written it: fields and statuses that this
 * one does not know are left alone. The fields stand in the order in which the API shows them.
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

const insideSchema = z.object({
  contact: z.object({ email: z.string().optional(), phone: z.string().optional() }).optional(),
  events: z.array(eventSchema).min(1),
  kafkaRefusal: z
    .object({ since: z.string(), at: z.string(), attempts: z.number(), reason: z.string() })
    .optional(),
});

/** @throws UnreadableOrderError */
export function storedOf(item: Record<string, unknown>): StoredOrder {
  return { order: orderOf(item), ...(read(insideSchema, item) as Omit<StoredOrder, 'order'>) };
}

/** @throws UnreadableOrderError */
export function orderOf(item: Record<string, unknown>): Order {
  return read(orderSchema, item);
}

/** The message names fields and rules, no values: a contact stays out of the log. */
function read<T>(schema: z.ZodType<T>, item: Record<string, unknown>): T {
  const { success, data, error } = schema.safeParse(item);
  if (success) return data;
  const faults = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new UnreadableOrderError(`The item ${item.pk} is no order: ${faults.join('; ')}`);
}
