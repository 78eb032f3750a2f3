import * as z from 'zod';
import type { ErrorCode, ErrorDetails } from '../errors.ts';
import { healthSchema } from '../health/check.ts';
import type { Schemas } from '../http/input.ts';
import {
  getPreferencesInput,
  listNotificationsInput,
  type NotificationEntry,
  notificationSchema,
  putPreferencesInput,
  unsubscribeInput,
} from '../notification/api.ts';
import {
  type CustomerPreferences,
  customerPreferencesSchema,
} from '../notification/preferences.ts';
import {
  createOrderInput,
  getOrderInput,
  listByCustomerInput,
  listOrderEventsInput,
  updateStatusInput,
} from '../order/api.ts';
import { type EventEntry, eventEntrySchema } from '../order/history.ts';
import { type Order, orderSchema } from '../order/order.ts';

/** What the API's document says of one route beside its path; `id` is the function's name. */
export type Operation = {
  id: string;
  summary: string;
  description: string;
  input: Schemas;
  /** A request that is answered as `answer` shows, with ids and times of its own. */
  request: {
    path?: Record<string, string>;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body?: object;
  };
  answer: {
    status: number;
    description: string;
    headers?: readonly AnswerHeader[];
    /** Absent for what is no JSON. */
    schema?: z.ZodType;
    mediaType?: string;
    example?: unknown;
  };
  /** Codes of its own; those of any body, any checked field and any failure come by themselves. */
  refusals: readonly ErrorCode[];
  /** Where the id in its answer, or of its request, leads to. */
  links?: Record<string, Link>;
};

export type AnswerHeader = keyof typeof ANSWER_HEADERS;
type Link = { operationId: string; description: string; parameters: Record<string, string> };

const ORDER_ID = '0192f0c1-2345-7abc-8def-0123456789ab';
/** Of the second customer, made with the secret of stage `local`. */
const UNSUBSCRIBE_TOKEN = 'ZW1haWwgY3VzdG9tZXItMg.I8GnS9LizSxGeqplME3tEKcpOzYCHhONhVJ_rv50K5M';
const success = z.literal(true);
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

export const ANSWER_HEADERS = {
  ETag: {
    description: 'The version, for `If-Match`.',
    required: true,
    schema: z.string().regex(/^"(0|[1-9][0-9]*)"$/),
    example: '"1"',
  },
  Location: {
    description: 'The address of the new order.',
    required: true,
    schema: z.string().regex(/^\/api\/orders\/[0-9a-f-]{36}$/),
    example: `/api/orders/${ORDER_ID}`,
  },
  'Idempotent-Replay': {
    description: 'The order had been placed before, with the same `Idempotency-Key`.',
    required: false,
    schema: z.literal('true'),
    example: 'true',
  },
  'Retry-After': {
    description: 'After how many seconds the same request may succeed.',
    required: true,
    schema: z.string().regex(/^[0-9]+$/),
    example: '5',
  },
  Allow: {
    description: 'The methods that this address takes.',
    required: true,
    schema: z.string(),
    example: 'POST, OPTIONS',
  },
} satisfies Record<
  string,
  { description: string; required: boolean; schema: z.ZodType; example: string }
>;

const placed: Order = {
  id: ORDER_ID,
  customerId: 'customer-1',
  items: [
    { productId: 'book-42', quantity: 2, price: 19.9 },
    { productId: 'pen-7', quantity: 10, price: 0.35 },
  ],
  totalAmount: 43.3,
  currency: 'EUR',
  status: 'pending',
  version: 1,
  createdAt: '2026-11-23T09:00:00.000Z',
  updatedAt: '2026-11-23T09:00:00.000Z',
};
const shipped: Order = {
  ...placed,
  status: 'shipped',
  version: 2,
  updatedAt: '2026-11-23T10:00:00.000Z',
};

const created: EventEntry = {
  id: '0192f0c1-2346-7abc-8def-0123456789ab',
  type: 'ORDER_CREATED',
  timestamp: placed.createdAt,
  sequence: 1,
  schemaVersion: 1,
  data: {
    orderId: ORDER_ID,
    customerId: placed.customerId,
    totalAmount: placed.totalAmount,
    currency: placed.currency,
    status: placed.status,
    items: placed.items,
  },
  published: true,
  publishedAt: '2026-11-23T09:00:00.012Z',
};

const preferences: CustomerPreferences = {
  customerId: placed.customerId,
  version: 1,
  contact: { email: 'reader@example.org', phone: '+15550123' },
  language: 'de-AT',
  timeZone: 'Europe/Vienna',
  quietHours: { from: '22:00', to: '07:00' },
  events: {
    ORDER_CREATED: { email: true, sms: true },
    ORDER_UPDATED: { email: true, sms: false },
    ORDER_SHIPPED: { email: true, sms: true },
    ORDER_DELIVERED: { email: true, sms: true },
    ORDER_CANCELLED: { email: true, sms: true },
  },
  updatedAt: '2026-11-23T09:00:00.000Z',
};
const notification: NotificationEntry = {
  eventId: '0192f0c1-2346-7abc-8def-0123456789ab',
  orderId: ORDER_ID,
  type: 'ORDER_CREATED',
  channel: 'email',
  to: 'r***@example.org',
  subject: `We have your order ${ORDER_ID}`,
  status: 'sent',
  attempts: 1,
  messageId: 'mock-2f9b6a1e-3c4d-4e5f-8a9b-0c1d2e3f4a5b',
  at: '2026-11-23T09:00:01.000Z',
};

/** The API's operations by their routes. A test holds it against lib/http/routes.ts. */
export const OPERATIONS: Record<string, Operation> = {
  'POST /api/orders': {
    id: 'createOrder',
    summary: 'Place an order',
    description:
      'Takes a new order. `price` is a decimal of `currency` with at most two places. `contact` is kept for notifications ' +
      'and never shown. The order is accepted when this answers 201; the event `ORDER_CREATED` follows. With an ' +
      '`Idempotency-Key` that was seen within 24 hours the first order is answered again, as it was then.',
    input: createOrderInput,
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
      schema: z.strictObject({
        success,
        data: orderSchema,
        message: z.literal('Order created successfully'),
      }),
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
    summary: 'Read an order',
    description: 'Shows an order as it is now, every accepted change included.',
    input: getOrderInput,
    request: { path: { id: ORDER_ID } },
    answer: {
      status: 200,
      description: 'The order.',
      headers: ['ETag'],
      schema: z.strictObject({ success, data: orderSchema }),
      example: { success: true, data: placed },
    },
    refusals: ['ORDER_NOT_FOUND', 'DATABASE_AWAY'],
    links: { listByCustomer: orderLinks.listByCustomer },
  },
  'GET /api/orders/customer/{customerId}': {
    id: 'listByCustomer',
    summary: "List a customer's orders",
    description:
      'Newest first; it may lag behind a write for a moment. A customer without orders has an empty list.',
    input: listByCustomerInput,
    request: { path: { customerId: placed.customerId }, query: { limit: '20', status: 'pending' } },
    answer: {
      status: 200,
      description: 'The orders.',
      schema: z.strictObject({
        success,
        data: z.array(orderSchema),
        nextCursor: z.string().nullable().describe('Null at the end of the list.'),
      }),
      example: { success: true, data: [placed], nextCursor: null },
    },
    refusals: ['DATABASE_AWAY'],
  },
  'PUT /api/orders/{id}/status': {
    id: 'updateStatus',
    summary: 'Move an order to another status',
    description:
      'pending → confirmed → shipped → delivered; pending → shipped; pending or confirmed → cancelled. An order that has the ' +
      'status already is answered as it is, whatever the version, and nothing is published. With `If-Match` or `expectedVersion` ' +
      'only that version is changed.',
    input: updateStatusInput,
    request: {
      path: { id: ORDER_ID },
      headers: { 'if-match': '"1"' },
      body: { status: 'shipped' },
    },
    answer: {
      status: 200,
      description: 'The order after the move.',
      headers: ['ETag'],
      schema: z.strictObject({
        success,
        data: orderSchema,
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
    summary: "List an order's events",
    description:
      'Every event of the order in its sequence, as it is on the topic but without the contact, and whether it is there. An ' +
      'event that is not published yet follows within a minute of the return of Kafka.',
    input: listOrderEventsInput,
    request: { path: { id: ORDER_ID } },
    answer: {
      status: 200,
      description: 'The events.',
      schema: z.strictObject({ success, data: z.array(eventEntrySchema).min(1) }),
      example: { success: true, data: [created] },
    },
    refusals: ['ORDER_NOT_FOUND', 'DATABASE_AWAY'],
    links: { getOrder: { ...orderLinks.getOrder, parameters: { id: '$request.path.id' } } },
  },
  'GET /api/customers/{customerId}/preferences': {
    id: 'getPreferences',
    summary: "Read a customer's preferences",
    description:
      'How a customer wants to be told. Whoever has said nothing has the defaults, with version 0: every event by email and ' +
      'SMS, at any time, in English, to the contact of the order.',
    input: getPreferencesInput,
    request: { path: { customerId: placed.customerId } },
    answer: {
      status: 200,
      description: 'The preferences.',
      headers: ['ETag'],
      schema: z.strictObject({ success, data: customerPreferencesSchema }),
      example: { success: true, data: preferences },
    },
    refusals: ['DATABASE_AWAY'],
  },
  'PUT /api/customers/{customerId}/preferences': {
    id: 'putPreferences',
    summary: "Replace a customer's preferences",
    description:
      'Replaces all of them: what is left out has its default. An email goes at any time; an SMS waits until the quiet hours ' +
      'end, unless the order is cancelled. With `If-Match` only that version is replaced, `"0"` where there is none yet.',
    input: putPreferencesInput,
    request: {
      path: { customerId: placed.customerId },
      body: {
        contact: preferences.contact,
        language: preferences.language,
        timeZone: preferences.timeZone,
        quietHours: preferences.quietHours,
        events: { ORDER_UPDATED: { sms: false } },
      },
    },
    answer: {
      status: 200,
      description: 'The preferences as they are stored.',
      headers: ['ETag'],
      schema: z.strictObject({
        success,
        data: customerPreferencesSchema,
        message: z.literal('Preferences saved'),
      }),
      example: { success: true, data: preferences, message: 'Preferences saved' },
    },
    refusals: ['PREFERENCES_CHANGED', 'DATABASE_AWAY'],
  },
  'GET /api/unsubscribe/{token}': {
    id: 'showUnsubscribe',
    summary: 'Ask whether to unsubscribe',
    description:
      "A page in the customer's language with one button. It changes nothing: programs that look for harm in emails follow " +
      'their links.',
    input: unsubscribeInput,
    request: { path: { token: UNSUBSCRIBE_TOKEN } },
    answer: { status: 200, description: 'The page.', mediaType: 'text/html' },
    refusals: ['LINK_INVALID', 'DATABASE_AWAY'],
  },
  'POST /api/unsubscribe/{token}': {
    id: 'unsubscribe',
    summary: 'Unsubscribe',
    description:
      'What a mail program posts at one click (RFC 8058), and the button of the page: the channel of the link is switched off, ' +
      'but for critical events: a cancelled order. A link does not expire; the body is not read.',
    input: unsubscribeInput,
    request: { path: { token: UNSUBSCRIBE_TOKEN } },
    answer: { status: 200, description: 'The page that says so.', mediaType: 'text/html' },
    refusals: ['LINK_INVALID', 'DATABASE_AWAY'],
  },
  'GET /api/notifications': {
    id: 'listNotifications',
    summary: 'List notifications',
    description:
      'What was told about an order or to a customer, and what not and why; newest event first. Exactly one of `orderId` and ' +
      '`customerId` is needed. Records are kept for 90 days. The list of a customer may lag behind a write for a moment.',
    input: listNotificationsInput,
    request: { query: { customerId: placed.customerId, limit: '20' } },
    answer: {
      status: 200,
      description: 'The notifications.',
      schema: z.strictObject({
        success,
        data: z.array(notificationSchema),
        nextCursor: z.string().nullable().describe('Null at the end of the list.'),
      }),
      example: { success: true, data: [notification], nextCursor: null },
    },
    refusals: ['DATABASE_AWAY'],
  },
  'GET /api/health': {
    id: 'health',
    summary: 'Ask whether orders can be taken',
    description:
      '`degraded`: changes are taken, but Kafka is away or an event has waited for long. 503 only when DynamoDB is away.',
    input: {},
    request: {},
    answer: {
      status: 200,
      description: 'Orders can be taken.',
      schema: healthSchema.extend({ success, status: z.enum(['ok', 'degraded']) }),
      example: {
        success: true,
        status: 'ok',
        dependencies: {
          dynamodb: { state: 'up', latencyMs: 4 },
          kafka: { state: 'up', latencyMs: 7 },
        },
      },
    },
    refusals: ['DATABASE_AWAY'],
  },
  'GET /api/docs': {
    id: 'docs',
    summary: 'Read the documentation',
    description: 'The documentation of this API as one page, which loads nothing else.',
    input: {},
    request: {},
    answer: { status: 200, description: 'The page.', mediaType: 'text/html' },
    refusals: [],
  },
  'GET /api/openapi.json': {
    id: 'openapi',
    summary: 'Get this document',
    description: 'The documentation of this API as OpenAPI 3.1.',
    input: {},
    request: {},
    answer: {
      status: 200,
      description: 'The document.',
      schema: z.looseObject({ openapi: z.literal('3.1.1') }),
    },
    refusals: [],
  },
};

/** An error as an example: its detail, and what else it brings. */
export const PROBLEM_EXAMPLES: Partial<
  Record<ErrorCode, [detail: string, details?: ErrorDetails]>
> = {
  VALIDATION: [
    'One field breaks the rules; "errors" names each.',
    { errors: [{ path: 'items.0.price', message: 'may have two decimals at most' }] },
  ],
  PREFERENCES_CHANGED: [
    'The preferences are at version 2, which "if-match" does not name.',
    { currentVersion: 2 },
  ],
  VERSION_MISMATCH: ['The order has version 3.', { currentVersion: 3 }],
  MOVE_NOT_ALLOWED: [
    'From "shipped" an order cannot become "cancelled". Allowed: delivered.',
    { currentVersion: 3, allowed: ['delivered'] },
  ],
  LINK_INVALID: ['This link is not one of ours, or not all of it is here.'],
  ORDER_NOT_FOUND: ['No order has this id.'],
  DATABASE_AWAY: ['DynamoDB did not answer in time.'],
};
