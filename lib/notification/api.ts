import * as z from 'zod';
import { identifier, limit } from '../fields.ts';
import { okSchema, pageSchema } from '../http/answer-schema.ts';
import type { Operation } from '../http/operation.ts';
import type { Route } from '../http/routes.ts';

import { type NotificationEntry, notificationSchema } from './ledger/entry.ts';
import {
  type CustomerPreferences,
  customerPreferencesSchema,
  DEFAULTS,
  preferencesSchema,
} from './preferences/preferences.ts';

/** The API gives out shorter cursors. */
const MAX_CURSOR = 2048;

const getPreferencesInput = { path: z.object({ customerId: identifier }) };

const putPreferencesInput = {
  path: z.object({ customerId: identifier }),
  headers: z.object({
    'if-match': z
      .string()
      .meta({ description: 'The `ETag` of the version to replace, several, or `*`.' })
      .optional(),
  }),
  body: preferencesSchema,
};

/** Any text: a malformed token is answered like one that we have not signed. */
const unsubscribeInput = { path: z.object({ token: z.string() }) };

const listNotificationsInput = {
  query: z
    .strictObject({
      orderId: identifier.optional(),
      customerId: identifier.optional(),
      limit,
      cursor: z.string().max(MAX_CURSOR).optional(),
    })
    .superRefine(({ orderId, customerId }, context) => {
      if ((orderId === undefined) !== (customerId === undefined)) return;
      const message = 'is needed, or else "customerId", but not both';
      context.addIssue({ code: 'custom', path: ['orderId'], message });
    }),
};

const preferences: CustomerPreferences = {
  customerId: 'customer-1',
  version: 1,
  contact: { email: 'reader@example.org', phone: '+15550123' },
  language: 'de-AT',
  timeZone: 'Europe/Vienna',
  quietHours: { from: '22:00', to: '07:00' },
  events: {
    ...DEFAULTS.events,
    ORDER_UPDATED: { ...DEFAULTS.events.ORDER_UPDATED, sms: false },
  },
  updatedAt: '2026-11-23T09:00:00.000Z',
};

const orderId = '0192f0c1-2345-7abc-8def-0123456789ab';
const notification: NotificationEntry = {
  eventId: '0192f0c1-2346-7abc-8def-0123456789ab',
  orderId,
  type: 'ORDER_CREATED',
  channel: 'email',
  to: 'r***@example.org',
  subject: `We've received your order ${orderId}`,
  status: 'sent',
  attempts: 1,
  messageId: 'mock-2f9b6a1e-3c4d-4e5f-8a9b-0c1d2e3f4a5b',
  at: '2026-11-23T09:00:01.000Z',
};

/** The token of the second customer, made with the secret of stage `local`. */
const token = 'ZW1haWwgY3VzdG9tZXItMg.I8GnS9LizSxGeqplME3tEKcpOzYCHhONhVJ_rv50K5M';

/** The operations on preferences and notifications: the handlers check requests by them, and the documents show them. */
export const NOTIFICATION_OPERATIONS = {
  'GET /api/customers/{customerId}/preferences': {
    id: 'getPreferences',
    rule: { scope: 'preferences:read', owner: 'path' },
    summary: "Read a customer's preferences",
    description:
      "Shows a customer's preferences. A customer who has set none has the defaults, with version 0: every event by email and " +
      'SMS, at any time, in English, to the contact of the order.',
    input: getPreferencesInput,
    request: { path: { customerId: preferences.customerId } },
    answer: {
      status: 200,
      description: 'The preferences.',
      headers: ['ETag'],
      schema: okSchema(customerPreferencesSchema),
      example: { success: true, data: preferences },
    },
    refusals: ['DATABASE_AWAY'],
  },
  'PUT /api/customers/{customerId}/preferences': {
    id: 'putPreferences',
    rule: { scope: 'preferences:write', owner: 'path' },
    summary: "Replace a customer's preferences",
    description:
      'Replaces all preferences: a field that is left out gets its default. An email goes at any time; an SMS waits until the ' +
      'quiet hours end, unless the order is cancelled. `If-Match` names the version to replace, `"0"` if there is none yet.',
    input: putPreferencesInput,
    request: {
      path: { customerId: preferences.customerId },
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
      schema: okSchema(customerPreferencesSchema).extend({
        message: z.literal('Preferences saved'),
      }),
      example: { success: true, data: preferences, message: 'Preferences saved' },
    },
    refusals: ['PREFERENCES_CHANGED', 'DATABASE_AWAY'],
  },
  'GET /api/unsubscribe/{token}': {
    id: 'showUnsubscribe',
    rule: 'open',
    summary: 'Ask whether to unsubscribe',
    description:
      "Shows a page in the customer's language with one button. The call changes nothing, since programs that look for harm in " +
      'emails follow their links.',
    input: unsubscribeInput,
    request: { path: { token } },
    answer: { status: 200, description: 'The page.', mediaType: 'text/html' },
    refusals: ['LINK_INVALID', 'DATABASE_AWAY'],
  },
  'POST /api/unsubscribe/{token}': {
    id: 'unsubscribe',
    rule: 'open',
    summary: 'Unsubscribe',
    description:
      'Switches off the channel of the link, except for critical events: a cancelled order. Mail programs call it at one click ' +
      '(RFC 8058), and so does the button of the page. A link does not expire; the body is not read.',
    input: unsubscribeInput,
    request: { path: { token } },
    answer: { status: 200, description: 'The page that confirms it.', mediaType: 'text/html' },
    refusals: ['LINK_INVALID', 'DATABASE_AWAY'],
  },
  'GET /api/notifications': {
    id: 'listNotifications',
    rule: { scope: 'notifications:read', owner: 'query' },
    summary: 'List notifications',
    description:
      'Lists the notifications of an order or a customer, newest event first, with the reason where one was not sent. Exactly ' +
      'one of `orderId` and `customerId` is needed. Records are kept for 90 days. The list of a customer may lag behind a ' +
      'write for a moment.',
    input: listNotificationsInput,
    request: { query: { customerId: preferences.customerId, limit: '20' } },
    answer: {
      status: 200,
      description: 'The notifications.',
      schema: pageSchema(notificationSchema),
      example: { success: true, data: [notification], nextCursor: null },
    },
    refusals: ['DATABASE_AWAY'],
  },
} satisfies Partial<Record<Route, Operation>>;
