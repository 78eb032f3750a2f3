import * as z from 'zod';
import { identifier } from '../../fields.ts';
import { EVENT_TYPES, type EventType } from '../../order-event.ts';
import { CHANNEL_NAMES, type ChannelName, CONTACT } from '../channels/channels.ts';

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a local time such as 22:00');

const isOn = z.boolean().default(true);

/** A switch for each channel. */
const switches = z.strictObject(forEach(CHANNEL_NAMES, isOn)).prefault({});

/** The body of `PUT /api/customers/{customerId}/preferences`; what is left out has its default. */
export const preferencesSchema = z.strictObject({
  contact: z.strictObject(CONTACT).default({}),
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
    .describe('Local times. The end is not included; the same time twice means no quiet hours.')
    .nullable()
    .default(null),
  events: z.strictObject(forEach(EVENT_TYPES, switches)).prefault({}),
});

export type Preferences = z.infer<typeof preferencesSchema>;

/** A customer's preferences as the API shows them; the defaults have version 0 and no time. */
export const customerPreferencesSchema = z.strictObject({
  customerId: identifier,
  version: z.int().min(0),
  ...preferencesSchema.shape,
  updatedAt: z.iso.datetime().nullable(),
});

export type CustomerPreferences = z.infer<typeof customerPreferencesSchema>;

/** The preferences of a customer who has set none: everything, at any time, in English. */
export const DEFAULTS: Preferences = preferencesSchema.parse({});

/**
 * The events that do not wait until quiet hours end, and that a customer who unsubscribes still hears
 * of: in the morning it may be too late to act.
 */
const CRITICAL: readonly EventType[] = ['ORDER_CANCELLED'];

const ORDINARY = EVENT_TYPES.filter((type) => !isCritical(type));

export function isCritical(type: EventType): boolean {
  return CRITICAL.includes(type);
}

/** The preferences with the channel switched off for every event that is not critical. */
export function without(preferences: Preferences, channel: ChannelName): Preferences {
  const events = { ...preferences.events };
  for (const type of ORDINARY) events[type] = { ...events[type], [channel]: false };
  return { ...preferences, events };
}

/** True if only critical events go by the channel. */
export function isQuiet({ events }: Preferences, channel: ChannelName): boolean {
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

function forEach<Name extends string, Rule>(
  names: readonly Name[],
  rule: Rule,
): Record<Name, Rule> {
  return Object.fromEntries(names.map((name) => [name, rule])) as Record<Name, Rule>;
}
