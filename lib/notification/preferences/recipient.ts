import type { OrderEvent } from '../../order-event.ts';
import type { Channel } from '../channels/channels.ts';
import type { Customers } from './customers.ts';
import { CRITICAL, DEFAULTS, type Preferences, WAITS } from './preferences.ts';
import { quietUntil } from './quiet.ts';

/** Where the messages of a customer without any address go; stage `local` only. */
export type Fallback = { emailDomain: string; phone: string };

/** How a customer reads amounts and dates. */
export type Locale = { language: string; timeZone: string };

/** Whom one channel tells, now or after quiet hours; or why nobody. */
export type Recipient =
  | { to: string; locale: Locale; until?: Date }
  | { skip: 'switched off' | 'no address' | 'malformed address'; to?: string };

/** Whom an event is told to, on each channel. */
export type RecipientOf = (event: OrderEvent, now: Date) => Promise<Record<Channel, Recipient>>;

// Not what an address may be, but what can stand in a header and reach one person.
const ADDRESS = {
  email: /^[^\s@,;:<>()[\]\\"\p{C}]{1,64}@[^\s@,;:<>()[\]\\"\p{C}]{1,189}$/u,
  sms: /^\+[1-9]\d{1,14}$/,
} satisfies Record<Channel, RegExp>;

/** Of a phone number with its plus that long the last digits are not shown either. */
const MIN_PHONE = 6;

/** Reads the customer's preferences and decides by them. */
export function createRecipientOf(deps: {
  customers: Pick<Customers, 'find'>;
  fallback: Fallback | undefined;
}): RecipientOf {
  return async (event, now) => {
    const preferences = await deps.customers.find(event.data.customerId);
    return recipientsOf(event, preferences, deps.fallback, now);
  };
}

/** The decision for every channel. */
export function recipientsOf(
  event: OrderEvent,
  preferences: Preferences | undefined,
  fallback: Fallback | undefined,
  now: Date,
): Record<Channel, Recipient> {
  const decide = (channel: Channel) => recipientOn(channel, event, preferences, fallback, now);
  return { email: decide('email'), sms: decide('sms') };
}

/**
 * An address for people to see, without saying it: `j***@example.com`, `+******00`. Of a short one
 * nothing is shown that would be most of it.
 */
export function mask(channel: Channel, to: string): string {
  if (channel === 'email') return to.replace(/^(?:(.).{2,}|.*)@/su, '$1***@');
  const shown = to.length > MIN_PHONE ? to.slice(-2) : '';
  return `+${'*'.repeat(to.length - 1 - shown.length)}${shown}`;
}

function recipientOn(
  channel: Channel,
  { type, data }: OrderEvent,
  preferences: Preferences | undefined,
  fallback: Fallback | undefined,
  now: Date,
): Recipient {
  const { contact, events, language, timeZone, quietHours } = preferences ?? DEFAULTS;
  const to = addressOf(channel, [contact, data.contact], data.customerId, fallback);
  const valid = to !== undefined && ADDRESS[channel].test(to);
  if (!events[type][channel]) return { skip: 'switched off', ...(valid && { to }) };
  if (!to) return { skip: 'no address' };
  if (!valid) return { skip: 'malformed address' };
  const waits = WAITS[channel] && !CRITICAL[type] && quietHours;
  const until = waits ? quietUntil(now, waits, timeZone) : undefined;
  return { to, locale: { language, timeZone }, ...(until && { until }) };
}

/**
 * The address in the first contact that holds any: who has left an email alone is not called. Only a
 * customer with no address anywhere gets the fallback.
 */
function addressOf(
  channel: Channel,
  contacts: (OrderEvent['data']['contact'] | undefined)[],
  customerId: string,
  fallback: Fallback | undefined,
): string | undefined {
  const contact = contacts.find((given) => given?.email || given?.phone);
  if (contact) return { email: contact.email, sms: contact.phone }[channel];
  return fallback && fallbackAddress(channel, customerId, fallback);
}

function fallbackAddress(channel: Channel, customerId: string, fallback: Fallback): string {
  if (channel === 'sms') return fallback.phone;
  return `${customerId.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 64)}@${fallback.emailDomain}`;
}
