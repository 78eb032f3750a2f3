import * as z from 'zod';
import { EVENT_TYPES } from '../../order-event.ts';
import { CHANNEL_NAMES } from '../channels/channels.ts';

/** A notification as the API shows it: `to` is masked, and null where there was no address. */
export const notificationSchema = z.strictObject({
  eventId: z.string(),
  orderId: z.string(),
  type: z.enum(EVENT_TYPES),
  channel: z.enum(CHANNEL_NAMES),
  to: z.string().nullable(),
  subject: z.string().optional(),
  status: z.enum(['sent', 'failed', 'skipped', 'deferred', 'unknown']),
  reason: z.string().optional(),
  attempts: z.int().min(0).describe('The number of calls to its provider.'),
  messageId: z.string().describe("The provider's own id.").optional(),
  at: z.iso.datetime().describe('The time of its change to this status.'),
});

export type NotificationEntry = z.infer<typeof notificationSchema>;
