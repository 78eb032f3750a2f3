import * as z from 'zod';
import { identifier, limit } from '../fields.ts';
import { okSchema, pageSchema } from '../http/answer-schema.ts';
import type { Operation } from '../http/operation.ts';
import type { Route } from '../http/routes.ts';
import { ORDER_STATUSES } from '../order-event.ts';
import { eventEntrySchema } from './event-entry.ts';
import { created, placed, shipped } from './examples.ts';
import { newOrderSchema, orderSchema } from './order.ts';
import { MOVES } from './status.ts';

const MAX_CURSOR = 512;

/** Takes any text: an id that is no UUID belongs to no order, and the answer is 404. */
const ofOrder = z.object({ id: z.string() });

const toOrder = { id: '$response.body#/data/id' };
const orderLinks = {
  listOrderEvents: {
    operationId: 'listOrderEvents',
    description: 'Lists its events.',
    parameters: toOrder,
  },
  getOrder: { operationId: 'getOrder', description: 'Reads the order.', parameters: toOrder },
  listByCustomer: {
    operationId: 'listByCustomer',
    description: "Lists the customer's orders.",
    parameters: { customerId: '$response.body#/data/customerId' },
  },
};

/** `confirmed, shipped or cancelled`. Intl.ListFormat would add 10 ms to every cold start. */
const anyOf = (names: readonly string[]) => names.join(', ').replace(/, ([^,]*)$/, ' or $1');

/** The moves in words: `pending → confirmed, shipped or cancelled`. */
const moves = Object.entries(MOVES)
  .filter(([, next]) => next.length > 0)
  .map(([from, next]) => `${from} → ${anyOf(next)}`);

/** The operations on orders: the handlers check requests by them, and the documents show them. */
export const ORDER_OPERATIONS = {
  'POST /api/orders': {
    id: 'createOrder',
    rule: { scope: 'orders:write', owner: 'body' },
    summary: 'Place an order',
    description:
      'Takes a new order. `price` is a decimal of `currency` with at most two places. `contact` is kept for notifications ' +
      'and never shown. The order is accepted when this answers 201; the event `ORDER_CREATED` follows. With an ' +
      '`Idempotency-Key` that was used within 24 hours the answer is the first order again, as it was then.',
    input: {
      headers: z.object({
        'idempotency-key': z
          .string()
          .meta({
            // A bad key has an error of its own, 400. Servers trim the values of headers.
            pattern: '^[!-~]([ -~]{0,253}[!-~])?$',
            description: 'Any text, a new one for each order, such as a UUID.',
          })
          .optional(),
      }),
      body: newOrderSchema,
    },
    request: {
      headers: { 'idempotency-key': '0b6cf8a1-6d4e-4f7e-9b62-2f5f3f0c9a11' },
      body: {
        customerId: placed.customerId,
        items: placed.items,
        currency: placed.currency,
        contact: { email: 'reader@example.org', phone: '+15550123' },
      },
    },
    answer: {
      status: 201,
      description: 'The order is accepted.',
      headers: ['Location', 'Idempotent-Replay'],
      schema: okSchema(orderSchema).extend({ message: z.literal('Order created successfully') }),
      example: { success: true, data: placed, message: 'Order created successfully' },
    },
    refusals: [
      'IDEMPOTENCY_KEY_INVALID',
      'IDEMPOTENCY_KEY_REUSED',
      'IDEMPOTENCY_KEY_BUSY',
      'DATABASE_AWAY',
    ],
    links: orderLinks,
  },
  'GET /api/orders/{id}': {
    id: 'getOrder',
    rule: { scope: 'orders:read', owner: 'found' },
    summary: 'Read an order',
    description: 'Shows an order as it is now, every accepted change included.',
    input: { path: ofOrder },
    request: { path: { id: placed.id } },
    answer: {
      status: 200,
      description: 'The order.',
      headers: ['ETag'],
      schema: okSchema(orderSchema),
      example: { success: true, data: placed },
    },
    refusals: ['ORDER_NOT_FOUND', 'DATABASE_AWAY'],
    links: { listByCustomer: orderLinks.listByCustomer },
  },
  'GET /api/orders/customer/{customerId}': {
    id: 'listByCustomer',
    rule: { scope: 'orders:read', owner: 'path' },
    summary: "List a customer's orders",
    description:
      'Newest first. The list may lag behind a write for a moment. A customer without orders has an empty list.',
    input: {
      path: z.object({ customerId: identifier }),
      query: z.strictObject({
        limit,
        status: z.enum(ORDER_STATUSES).optional(),
        cursor: z.string().max(MAX_CURSOR).optional(),
      }),
    },
    request: { path: { customerId: placed.customerId }, query: { limit: '20', status: 'pending' } },
    answer: {
      status: 200,
      description: 'The orders.',
      schema: pageSchema(orderSchema),
      example: { success: true, data: [placed], nextCursor: null },
    },
    refusals: ['DATABASE_AWAY'],
  },
  'PUT /api/orders/{id}/status': {
    id: 'updateStatus',
    rule: { scope: 'orders:write', owner: 'found', moves: ['cancelled'] },
    summary: 'Move an order to another status',
    description:
      `Moves: ${moves.join('; ')}. An order that has the status already stays as it is, whatever its version, and ` +
      'no event is published. With `If-Match` or `expectedVersion` only that version is changed.',
    input: {
      path: ofOrder,
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
    },
    request: {
      path: { id: placed.id },
      headers: { 'if-match': '"1"' },
      body: { status: 'shipped' },
    },
    answer: {
      status: 200,
      description: 'The order after the move.',
      headers: ['ETag'],
      schema: okSchema(orderSchema).extend({
        message: z.literal('Order status updated successfully'),
      }),
      example: { success: true, data: shipped, message: 'Order status updated successfully' },
    },
    refusals: [
      'ORDER_NOT_FOUND',
      'MOVE_NOT_ALLOWED',
      'VERSION_MISMATCH',
      'VERSIONS_DIFFER',
      'DATABASE_AWAY',
    ],
    links: { getOrder: orderLinks.getOrder },
  },
  'GET /api/orders/{id}/events': {
    id: 'listOrderEvents',
    rule: { scope: 'orders:read', owner: 'found' },
    summary: "List an order's events",
    description:
      'Every event of the order by its sequence, as on the topic but without the contact, with the state of its publication. An ' +
      'event that is still pending is published within a minute of the return of Kafka.',
    input: { path: ofOrder },
    request: { path: { id: placed.id } },
    answer: {
      status: 200,
      description: 'The events.',
      schema: okSchema(z.array(eventEntrySchema).min(1)),
      example: { success: true, data: [created] },
    },
    refusals: ['ORDER_NOT_FOUND', 'DATABASE_AWAY'],
    links: { getOrder: { ...orderLinks.getOrder, parameters: { id: '$request.path.id' } } },
  },
} satisfies Partial<Record<Route, Operation>>;
