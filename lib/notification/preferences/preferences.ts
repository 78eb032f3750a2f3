import * as z from 'zod';
import { email, identifier, phone } from '../../fields.ts';
import { EVENT_TYPES, type EventType } from '../../order-event.ts';
import type { Channel } from '../channels/channels.ts';

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a local time such as 22:00');

const switches = z
  .strictObject({
    email: z.boolean().default(true),
    sms: z.boolean().default(true),
  } satisfies Record<Channel, z.ZodType>)
  .prefault({});

/** The body of `PUT /api/customers/{customerId}/preferences`; what is left out has its default. */
export const preferencesSchema = z.strictObject({
  contact: z.strictObject({ email: email.optional(), phone: phone.optional() }).default({}),
  language: z
    .string()
    .regex(
      /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$/,
      'must be a language tag such as en, de or de-AT',
    )
    .default('en'),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin')
    .meta({ enum: ['UTC', ...Intl.supportedValuesOf('timeZone')] })
    .default('UTC'),
  quietHours: z
    .strictObject({ from: clockTime, to: clockTime })
    .describe('Local times; the end is not included, and the same time twice is no time at all.')
    .nullable()
    .default(null),
  events: z
    .strictObject({
      ORDER_CREATED: switches,
      ORDER_UPDATED: switches,
      ORDER_SHIPPED: switches,
      ORDER_DELIVERED: switches,
      ORDER_CANCELLED: switches,
    } satisfies Record<EventType, z.ZodType>)
    .prefault({}),
});

export type Preferences = z.infer<typeof preferencesSchema>;

/** A customer's preferences as the API shows them; version 0 and no time are those of nobody yet. */
export const customerPreferencesSchema = z.strictObject({
  customerId: identifier,
  version: z.int().min(0),
  ...preferencesSchema.shape,
  updatedAt: z.iso.datetime().nullable(),
});

export type CustomerPreferences = z.infer<typeof customerPreferencesSchema>;

/** What holds for a customer who has said nothing: everything, at any time, in English. */
export const DEFAULTS: Preferences = preferencesSchema.parse({});

/** The channels that wait until quiet hours end: a phone wakes people, a mailbox does not. */
export const WAITS: Record<Channel, boolean> = { email: false, sms: true };

/** The events that do not wait: hearing of them in the morning may be too late to act. */
export const CRITICAL: Record<EventType, boolean> = {
  ORDER_CREATED: false,
  ORDER_UPDATED: false,
  ORDER_SHIPPED: false,
  ORDER_DELIVERED: false,
  ORDER_CANCELLED: true,
};

const ORDINARY = EVENT_TYPES.filter((type) => !CRITICAL[type]);

/** The same with the channel off for every event that is not critical. */
export function without(preferences: Preferences, channel: Channel): Preferences {
  const events = { ...preferences.events };
  for (const type of ORDINARY) events[type] = { ...events[type], [channel]: false };
  return { ...preferences, events };
}

/** Nothing but critical events goes by the channel. */
export function isQuiet({ events }: Preferences, channel: Channel): boolean {
  return ORDINARY.every((type) => !events[type][channel]);
}

/** Short names that Intl knows and IANA does not: IST is a time of three countries. */
const ICU_ALONE =
  /^(AC|AE|AG|AR|AS|BE|BS|CA|CN|CS|CT|EA|EC|IE|IS|JS|MI|NE|NS|PL|PN|PR|PS|SS|VS)T$/i;

/** Also the names that are only links to others; offsets such as +01:00 know no daylight saving. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name) || ICU_ALONE.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch (error) {
    // This is how Intl says that it does not know the zone.
    if (error instanceof RangeError) return false;
    throw error;
  }
}
