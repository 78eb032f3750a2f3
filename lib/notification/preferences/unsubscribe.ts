import { createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { AppError } from '../../errors.ts';
import { CHANNEL_NAMES, type ChannelName } from '../channels/channels.ts';
import { type Customers, defaultsOf } from './customers.ts';
import { isQuiet, type Preferences, without } from './preferences.ts';

/** One click ends the messages to this customer on this channel. */
export type Subscription = { customerId: string; channel: ChannelName };

/** The address of the API's `/api/unsubscribe/`, and the secrets: the first signs, each is believed. */
export type UnsubscribeConfig = { url: string; secrets: readonly [string, ...string[]] };

/** The pauses after which preferences that another writer has changed are read and written again. */
const RACE_PAUSES_MS = [25, 50, 100, 200];

const channelSchema = z.enum(CHANNEL_NAMES);

/** The address of the link; it does not expire, since people keep emails. */
export function unsubscribeLink(
  { customerId, channel }: Subscription,
  { url, secrets: [secret] }: UnsubscribeConfig,
): string {
  const payload = Buffer.from(`${channel} ${customerId}`).toString('base64url');
  return `${url}${payload}.${signature(payload, secret)}`;
}

/**
 * Reads the customer and the channel from a link's token.
 *
 * @throws AppError `LINK_INVALID` when none of our secrets has signed it, or when another release has, for
 * a channel that this one does not know
 */
export function subscriptionOf(
  token: string,
  config: Pick<UnsubscribeConfig, 'secrets'> | undefined,
): Subscription {
  const [payload = '', signed = '', ...more] = token.split('.');
  const ours = config?.secrets.some((secret) => isEqual(signature(payload, secret), signed));
  if (!ours || more.length > 0) {
    throw new AppError('LINK_INVALID', 'This link is not one of ours, or not all of it is here.');
  }
  // The customer's id is the event's, whatever our API would take.
  const text = Buffer.from(payload, 'base64url').toString();
  const end = text.indexOf(' ');
  const channel = channelSchema.safeParse(text.slice(0, end));
  if (!channel.success) {
    throw new AppError(
      'LINK_INVALID',
      'This link is for a channel that this release does not know.',
    );
  }
  return { customerId: text.slice(end + 1), channel: channel.data };
}

/**
 * Switches the channel off for every event that is not critical; nothing where it is off already.
 *
 * @throws AppError `DATABASE_AWAY` also while others keep changing the preferences
 */
export async function unsubscribe(
  { customerId, channel }: Subscription,
  customers: Customers,
): Promise<Preferences> {
  for (const ms of [...RACE_PAUSES_MS, undefined]) {
    const found = (await customers.find(customerId)) ?? defaultsOf(customerId);
    const { customerId: _, version, updatedAt, ...preferences } = found;
    if (isQuiet(preferences, channel)) return preferences;
    try {
      return await customers.save(customerId, without(preferences, channel), [version]);
    } catch (error) {
      // Another writer was first: the next round reads those preferences and keeps them.
      if (!(error instanceof AppError && error.code === 'PREFERENCES_CHANGED')) throw error;
    }
    if (ms !== undefined) await pause(ms * (1 + Math.random()));
  }
  throw new AppError('DATABASE_AWAY', 'The preferences change faster than they can be written.');
}

function signature(payload: string, secret: string): string {
  return createHmac('sha256', secret).update(`unsubscribe ${payload}`).digest('base64url');
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
