import type { OrderEvent } from '../order-event.ts';
import type { Channel } from './channels.ts';

/** Where the messages of a customer without any address go; stage `local` only. */
export type Fallback = { emailDomain: string; phone: string };

/** An address, or why there is none. */
export type Recipient = { to: string } | { skip: 'no address' | 'malformed address' };

// Not what an address may be, but what can stand in a header and reach one person.
const ADDRESS = {
  email: /^[^\s@,;:<>()[\]\\"\p{C}]{1,64}@[^\s@,;:<>()[\]\\"\p{C}]{1,189}$/u,
  sms: /^\+[1-9]\d{1,14}$/,
} satisfies Record<Channel, RegExp>;

/** Whom an event is told to: the order's contact, else the fallback, else nobody. */
export function recipientOf(
  channel: Channel,
  { contact, customerId }: OrderEvent['data'],
  fallback: Fallback | undefined,
): Recipient {
  const { email, phone } = contact ?? {};
  const to =
    !email && !phone && fallback
      ? fallbackAddress(channel, customerId, fallback)
      : { email, sms: phone }[channel];
  if (!to) return { skip: 'no address' };
  return ADDRESS[channel].test(to) ? { to } : { skip: 'malformed address' };
}

/** An address for people to see, without saying it: `j***@example.com`, `+*******00`. */
export function mask(channel: Channel, to: string): string {
  if (channel === 'email') return to.replace(/^(.).*@/su, '$1***@');
  return `+${'*'.repeat(Math.max(to.length - 3, 0))}${to.slice(-2)}`;
}

function fallbackAddress(channel: Channel, customerId: string, fallback: Fallback): string {
  if (channel === 'sms') return fallback.phone;
  return `${customerId.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 64)}@${fallback.emailDomain}`;
}
