import * as z from 'zod';
import { identifier, limit } from '../fields.ts';
import { EVENT_TYPES } from '../order-event.ts';
import { CHANNELS } from './channels.ts';
import { preferencesSchema } from './preferences.ts';

/** One that was given out is shorter. */
const MAX_CURSOR = 2048;

/**
 * What each operation on notifications takes, by its function's name. The handlers check requests
 * with these schemas, and the API's document is made from them.
 */
export const getPreferencesInput = { path: z.object({ customerId: identifier }) };

export const putPreferencesInput = {
  path: z.object({ customerId: identifier }),
  headers: z.object({
    'if-match': z
      .string()
      .meta({ description: 'The `ETag` of the version to replace, several, or `*`.' })
      .optional(),
  }),
  body: preferencesSchema,
};

/** A token that is malformed is merely none of ours. */
export const unsubscribeInput = { path: z.object({ token: z.string() }) };

export const listNotificationsInput = {
  query: z
    .strictObject({
      orderId: identifier.optional(),
      customerId: identifier.optional(),
      limit,
      cursor: z.string().max(MAX_CURSOR).optional(),
    })
    .superRefine(({ orderId, customerId }, context) => {
      if ((orderId === undefined) !== (customerId === undefined)) return;
      const message = 'must be there, or else "customerId", and not both';
      context.addIssue({ code: 'custom', path: ['orderId'], message });
    }),
};

/** A notification as the API shows it: `to` is masked, and null where there was no address. */
export const notificationSchema = z.strictObject({
  eventId: z.string(),
  orderId: z.string(),
  type: z.enum(EVENT_TYPES),
  channel: z.enum(CHANNELS),
  to: z.string().nullable(),
  subject: z.string().optional(),
  status: z.enum(['sent', 'failed', 'skipped', 'deferred', 'unknown']),
  reason: z.string().optional(),
  attempts: z.int().min(0).describe('How often its provider was called.'),
  messageId: z.string().describe("The provider's own id.").optional(),
  at: z.iso.datetime().describe('When it came to this status.'),
});

export type NotificationEntry = z.infer<typeof notificationSchema>;
