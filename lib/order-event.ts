import * as z from 'zod';

/** The schema version that this code writes and reads. */
export const SCHEMA_VERSION = 1;

export const EVENT_TYPES = [
  'ORDER_CREATED',
  'ORDER_UPDATED',
  'ORDER_SHIPPED',
  'ORDER_DELIVERED',
  'ORDER_CANCELLED',
] as const;

export const ORDER_STATUSES = [
  'pending',
  'confirmed',
  'shipped',
  'delivered',
  'cancelled',
] as const;

/**
 * The value of a record on the topic of order events, as consumers read it: fields that they do not
 * know are tolerated. It is the only thing that the order side and the notification side share.
 * `totalAmount` and `price` are decimals of `currency`; `timestamp` is ISO 8601 UTC; `sequence`
 * counts an order's events from 1 without gaps.
 */
export const orderEventSchema = z.object({
  id: z.string().min(1),
  type: z.enum(EVENT_TYPES),
  timestamp: z.iso.datetime(),
  sequence: z.int().min(1),
  schemaVersion: z.literal(SCHEMA_VERSION),
  data: z.object({
    orderId: z.string().min(1),
    customerId: z.string().min(1),
    totalAmount: z.number().min(0),
    currency: z.string().length(3),
    status: z.enum(ORDER_STATUSES),
    items: z
      .array(
        z.object({
          productId: z.string().min(1),
          quantity: z.int().min(1),
          price: z.number().min(0),
        }),
      )
      .min(1),
    contact: z.object({ email: z.string().optional(), phone: z.string().optional() }).optional(),
  }),
});

export type OrderEvent = z.infer<typeof orderEventSchema>;
export type EventType = (typeof EVENT_TYPES)[number];
export type OrderStatus = (typeof ORDER_STATUSES)[number];
