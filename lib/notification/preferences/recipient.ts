import type { OrderEvent } from '../../order-event.ts';
import type { Fallback } from '../channels/channel.ts';
import { CHANNEL_NAMES, CHANNELS, type ChannelName } from '../channels/channels.ts';
import type { Locale } from '../templates/language.ts';
import type { Customers } from './customers.ts';
import { DEFAULTS, isCritical, type Preferences } from './preferences.ts';
import { quietUntil } from './quiet.ts';

/** The address that one channel writes to, now or after quiet hours; or why it writes to none. */
export type Recipient =
  | { to: string; locale: Locale; until?: Date }
  | { skip: 'switched off' | 'no address' | 'malformed address'; to?: string };

/** The recipients of an event. A channel that is absent sends nothing and has no record. */
type Recipients = Partial<Record<ChannelName, Recipient>>;

export type RecipientOf = (event: OrderEvent, now: Date) => Promise<Recipients>;

type Contact = Preferences['contact'] | undefined;

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
): Record<ChannelName, Recipient> {
  const recipients = CHANNEL_NAMES.map((channel) => [
    channel,
    recipientOn(channel, event, preferences, fallback, now),
  ]);
  return Object.fromEntries(recipients);
}

function recipientOn(
  channel: ChannelName,
  { type, data }: OrderEvent,
  preferences: Preferences | undefined,
  fallback: Fallback | undefined,
  now: Date,
): Recipient {
  const { contact, events, language, timeZone, quietHours } = preferences ?? DEFAULTS;
  const to = addressOf(channel, [contact, data.contact], data.customerId, fallback);
  const { sendable, waitsInQuietHours } = CHANNELS[channel];
  const valid = to !== undefined && sendable.test(to);
  if (!events[type][channel]) return { skip: 'switched off', ...(valid && { to }) };
  if (!to) return { skip: 'no address' };
  if (!valid) return { skip: 'malformed address' };
  const waits = waitsInQuietHours && !isCritical(type) && quietHours;
  const until = waits ? quietUntil(now, waits, timeZone) : undefined;
  return { to, locale: { language, timeZone }, ...(until && { until }) };
}

/**
 * The address in the first contact that holds any: a customer who has left an email alone is not
 * called. Only a customer with no address anywhere gets the fallback.
 */
function addressOf(
  channel: ChannelName,
  contacts: Contact[],
  customerId: string,
  fallback: Fallback | undefined,
): string | undefined {
  const contact = contacts.find((one) => CHANNEL_NAMES.some((name) => addressIn(one, name)));
  if (contact) return addressIn(contact, channel);
  return fallback && CHANNELS[channel].fallbackAddress(fallback, customerId);
}

function addressIn(contact: Contact, channel: ChannelName): string | undefined {
  return contact?.[CHANNELS[channel].contactField];
}
