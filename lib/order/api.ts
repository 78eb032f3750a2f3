import * as z from 'zod';
import { identifier, limit } from '../fields.ts';
import { ORDER_STATUSES } from '../order-event.ts';
import { newOrderSchema } from './order.ts';

/** Any text: an id of another form belongs to no order, and is answered with 404. */
const orderId = z.string();

const MAX_CURSOR = 512;

/**
 * What each operation on orders takes, by its function's name. The handlers check requests with
 * these schemas, and the API's document is made from them.
 */
export const createOrderInput = {
  headers: z.object({
    'idempotency-key': z
      .string()
      .meta({
        // Checked by its own error, 400. Servers take the spaces around a header's value away.
        pattern: '^[!-~]([ -~]{0,253}[!-~])?$',
        description: 'Any text of your own, once an order; such as a UUID.',
      })
      .optional(),
  }),
  body: newOrderSchema,
};

export const getOrderInput = { path: z.object({ id: orderId }) };

export const listOrderEventsInput = { path: z.object({ id: orderId }) };

export const updateStatusInput = {
  path: z.object({ id: orderId }),
  headers: z.object({
    'if-match': z
      .string()
      .meta({ description: 'The `ETag` of the version to change, several, or `*`.' })
      .optional(),
  }),
  body: z.strictObject({
    status: z.enum(ORDER_STATUSES),
    expectedVersion: z.int('must be a whole number from 1').min(1).optional(),
  }),
};

export const listByCustomerInput = {
  path: z.object({ customerId: identifier }),
  query: z.strictObject({
    limit,
    status: z.enum(ORDER_STATUSES).optional(),
    cursor: z.string().max(MAX_CURSOR).optional(),
  }),
};
