import * as z from 'zod';
import { secondsOf } from '../../clock.ts';
import type { OrderEvent } from '../../order-event.ts';
import {
  customerPartition,
  deferredShard,
  type Key,
  notificationKey,
  recipientSort,
} from '../../table.ts';
import { CHANNELS, type ChannelName, type Message } from '../channels/channels.ts';
import type { Beside } from './beside.ts';

/**
 * An event on one channel: a message, now or after quiet hours, or the reason why there is none. `beside`
 * has the skips of other channels that are noted on its record.
 */
export type Notification = { event: OrderEvent; channel: ChannelName } & (
  | { message: Message; until?: Date; beside?: Beside[] }
  | { skip: string; to?: string }
);

/**
 * `sending` is the state during the call to the provider; it never becomes a second call. `claimed` is
 * the time before a call and between two calls of one invocation; only it expires. `deferred` waits
 * until quiet hours end, or until the providers are tried again.
 */
export type Status = 'claimed' | 'sending' | 'sent' | 'failed' | 'skipped' | 'deferred' | 'unknown';

/** The outcome of a call to the provider. */
export type Outcome =
  | { status: 'sent'; messageId: string; provider: string; segments?: number }
  | { status: 'failed'; reason: string; retriable: boolean }
  | { status: 'unknown'; reason: string };

/** The end of a notification whose provider was not called at all. */
export type NotSent = { status: 'skipped'; reason: string };

/** True if the providers surely took nothing, but may take the notification later. */
export function isRetriable<Told extends { status: string }>(
  told: Told,
): told is Told & { status: 'failed'; retriable: true } {
  return told.status === 'failed' && 'retriable' in told && told.retriable === true;
}

/** An outcome by the names of its attributes in the table and its fields in the log. */
export function attributesOf<Told extends { status: string }>(told: Told) {
  if (!('retriable' in told)) return told;
  const { retriable, ...others } = told;
  return { ...others, passing: retriable };
}

const time = z.iso
  .datetime()
  .transform((text) => new Date(text))
  .optional()
  .catch(undefined);

/**
 * The stored fields that a writer reads. Another release may have written the record: a status that
 * this release does not know counts as settled, and a field that it cannot read counts as absent.
 */
export const storedSchema = z.object({
  status: z.string().catch(''),
  claim: z.string().optional().catch(undefined),
  claimedUntil: time,
  /** The time since which all providers have failed; absent once one has taken the notification. */
  failingSince: time,
  /** True if the recipient's limit has counted the notification already. */
  counted: z.literal(true).optional().catch(undefined),
});

export type Stored = z.infer<typeof storedSchema>;

const KEPT_MS = 90 * 24 * 3600 * 1000;

/** An event that is delivered again within this time finds the records of the first time. */
export const AGAIN_MS = KEPT_MS - 10 * 24 * 3600 * 1000;

/** The clocks of two machines differ by less. */
const CLOCK_MARGIN_MS = 1_000;

/** The key of a notification's record. */
export function keyOf(notification: Notification): Key {
  const { event, channel } = notification;
  return notificationKey(event, channel, addressOf(notification));
}

/** The attributes of a record in every state. */
export function factsOf(notification: Notification, now: Date) {
  const { event, channel } = notification;
  const to = addressOf(notification);
  return {
    eventId: event.id,
    orderId: event.data.orderId,
    customerId: event.data.customerId,
    type: event.type,
    channel,
    ...(to !== undefined && { to: CHANNELS[channel].mask(to) }),
    ...('message' in notification &&
      'subject' in notification.message && { subject: notification.message.subject }),
    ...('beside' in notification && {
      beside: notification.beside?.map((one) => ({ ...one, at: now.toISOString() })),
    }),
    at: now.toISOString(),
    expiresAt: expiryOf(now),
    recipientKey: customerPartition(event.data.customerId),
    recipientSort: recipientSort(event, channel),
  };
}

/** The attributes that a record has only while `sendDeferred` has to look at it. */
export function deferralOf(event: OrderEvent, until: Date) {
  return {
    event: JSON.stringify(event),
    deferredShard: deferredShard(event.id),
    deferredUntil: until.toISOString(),
  };
}

/** Leases that ended before this time have expired. */
export function expiredBefore(now: Date): string {
  return new Date(now.getTime() - CLOCK_MARGIN_MS).toISOString();
}

/** When DynamoDB may remove an item, in its seconds. */
function expiryOf(now: Date): number {
  return secondsOf(now) + KEPT_MS / 1000;
}

/** The same notification, not to be sent: a later event of the order has been sent already. */
export function superseded(notification: Notification): Notification {
  const { event, channel } = notification;
  const to = addressOf(notification);
  return { event, channel, skip: 'superseded', ...(to !== undefined && { to }) };
}

/**
 * The state of a record that could not be taken. The lease is mine when my write arrived and only its
 * answer was lost. `abandoned`: the invocation that called the provider is over and said nothing.
 */
export function stateOf(
  { status, claim, claimedUntil }: Pick<Stored, 'status' | 'claim' | 'claimedUntil'>,
  mine: string | undefined,
  now: Date,
): 'mine' | 'settled' | 'under way' | 'abandoned' {
  const isMine = claim !== undefined && claim === mine;
  if (status === 'claimed' && isMine) return 'mine';
  // An expired lease is free: the next delivery takes it.
  if (status === 'claimed') return claimedUntil ? 'under way' : 'settled';
  if (status !== 'sending' || claim === undefined) return 'settled';
  if (isMine) return 'mine';
  const isHeld = claimedUntil && claimedUntil.getTime() + CLOCK_MARGIN_MS >= now.getTime();
  return isHeld ? 'under way' : 'abandoned';
}

function addressOf(notification: Notification): string | undefined {
  return 'message' in notification ? notification.message.to : notification.to;
}
