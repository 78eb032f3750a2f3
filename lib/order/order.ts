import * as z from 'zod';
import { email, identifier, phone } from '../fields.ts';
import { ORDER_STATUSES } from '../order-event.ts';
import { TWO_DECIMAL_CURRENCIES } from './currencies.ts';

const DECIMAL_WITH_TWO_PLACES = /^-?\d+(\.\d{1,2})?$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const MAX_PRICE = 1_000_000;
const MAX_QUANTITY = 10_000;
const MAX_ITEMS = 100;

const item = z.strictObject({
  productId: identifier,
  quantity: z
    .int({ error: `must be a whole number from 1 to ${MAX_QUANTITY}`, abort: true })
    .min(1)
    .max(MAX_QUANTITY),
  price: z
    .number()
    .min(0)
    .max(MAX_PRICE)
    .refine((price) => DECIMAL_WITH_TWO_PLACES.test(String(price)), 'may have two decimals at most')
    .meta({ multipleOf: 0.01 }),
});

const contact = z
  .strictObject({
    email: email.optional(),
    phone: phone.optional(),
  })
  .refine(({ email, phone }) => email !== undefined || phone !== undefined, {
    message: 'needs an email or a phone',
  })
  .meta({ anyOf: [{ required: ['email'] }, { required: ['phone'] }] });

/**
 * The body of `POST /api/orders`. `price` is a decimal of `currency` with at most two places;
 * `contact` is kept for notifications and never answered or logged.
 */
export const newOrderSchema = z.strictObject({
  customerId: identifier,
  items: z.array(item).min(1).max(MAX_ITEMS),
  currency: z
    .enum(TWO_DECIMAL_CURRENCIES, 'must be an ISO 4217 code with two decimals')
    .default('USD'),
  contact: contact.optional(),
});

export type NewOrder = z.infer<typeof newOrderSchema>;
export type Contact = z.infer<typeof contact>;

/** An order as the API shows it. `version` equals the sequence of its last event. */
export const orderSchema = z.strictObject({
  id: z.string().regex(UUID_V7),
  customerId: identifier,
  items: z.array(item).min(1).max(MAX_ITEMS),
  totalAmount: z.number().min(0),
  currency: z.enum(TWO_DECIMAL_CURRENCIES),
  status: z.enum(ORDER_STATUSES),
  version: z.int().min(1),
  createdAt: z.iso.datetime({ precision: 3 }),
  updatedAt: z.iso.datetime({ precision: 3 }),
});

export type Order = z.infer<typeof orderSchema>;

/** The first version of an order. */
export function firstVersion(id: string, newOrder: NewOrder, now: Date): Order {
  const { customerId, items, currency } = newOrder;
  const at = now.toISOString();
  return {
    id,
    customerId,
    items,
    totalAmount: totalOf(items),
    currency,
    status: 'pending',
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}

/** Computed in whole cents, so that three items at 0.1 give 0.3. */
export function totalOf(items: NewOrder['items']): number {
  const cents = items.reduce((sum, { price, quantity }) => sum + centsOf(price) * quantity, 0);
  return cents / 100;
}

/** True for the form of the ids that are given out here; any other id belongs to no order. */
export function isOrderId(id: string): boolean {
  return UUID_V7.test(id);
}

function centsOf(price: number): number {
  return Math.round(price * 100);
}
