import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { OrderEvent } from '../../order-event.ts';
import type { Channel, Message } from '../channels/channels.ts';
import { mask } from '../preferences/recipient.ts';

/** What an event means for one channel: a message, now or after quiet hours, or why there is none. */
export type Notification = { event: OrderEvent; channel: Channel } & (
  | { message: Message; until?: Date }
  | { skip: string; to?: string }
);

/**
 * `sending` is the state during the call to the provider; it never becomes a second call. `claimed` is
 * the pause between two calls of one invocation; only it expires. `deferred` waits until quiet hours
 * end, or until the providers are tried again.
 */
export type Status = 'claimed' | 'sending' | 'sent' | 'failed' | 'skipped' | 'deferred' | 'unknown';

export type NotificationKey = { pk: string; sk: string };

/** What is known once the provider was called. */
export type Outcome =
  | { status: 'sent'; messageId: string; provider: string; segments?: number }
  | { status: 'failed'; reason: string; passing: boolean }
  | { status: 'unknown'; reason: string };

/** Whether the providers surely took nothing, but may take the notification later. */
export function isPassing<Told extends { status: string }>(
  told: Told,
): told is Told & { status: 'failed'; passing: true } {
  return told.status === 'failed' && 'passing' in told && told.passing === true;
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
});

export type Stored = z.infer<typeof storedSchema>;

const KEPT_MS = 90 * 24 * 3600 * 1000;

/** An event that is told again within this time finds the records of the first time. */
export const AGAIN_MS = KEPT_MS - 10 * 24 * 3600 * 1000;

/** The clocks of two machines differ by less. */
const CLOCK_MARGIN_MS = 1_000;

/** What the sort keys of an order's notifications begin with. */
export const NOTIFICATION = 'NOTIFICATION#';

/** The names of the indexes, as serverless.yml defines them. */
export const BY_CUSTOMER = 'notificationsByCustomer';
export const DEFERRED = 'deferredNotifications';

const SHARDS = 16;

/**
 * One record an event, channel and recipient; capitals make no other recipient. They stand with their
 * order, by sequence, so that an order's notifications are one query of the table itself.
 */
export function notificationKey(notification: Notification): NotificationKey {
  const { event, channel } = notification;
  const to = addressOf(notification);
  const recipient = to === undefined ? 'none' : digest(to.toLowerCase());
  return {
    pk: orderKey(event.data.orderId),
    sk: `${prefixOf(event)}${channel}#${recipient}`,
  };
}

/** What the sort keys of an event's notifications begin with; those of another event may, too. */
export function prefixOf(event: OrderEvent): string {
  return `${NOTIFICATION}${placeOf(event)}#`;
}

export function orderKey(orderId: string): string {
  return `ORDER#${orderId}`;
}

/** The customer in the key of the index. */
export function customerKey(customerId: string): string {
  return `CUSTOMER#${customerId}`;
}

/** What every state of a record holds. */
export function factsOf(notification: Notification, now: Date) {
  const { event, channel } = notification;
  const to = addressOf(notification);
  return {
    eventId: event.id,
    orderId: event.data.orderId,
    customerId: event.data.customerId,
    type: event.type,
    channel,
    ...(to !== undefined && { to: mask(channel, to) }),
    ...('message' in notification &&
      'subject' in notification.message && { subject: notification.message.subject }),
    at: now.toISOString(),
    expiresAt: expiryOf(now),
    recipientKey: customerKey(event.data.customerId),
    recipientSort: `${new Date(event.timestamp).toISOString()}#${placeOf(event)}#${channel}`,
  };
}

/** What a record holds while `sendDeferred` has to look at it: the event, and when. */
export function deferralOf(event: OrderEvent, until: Date) {
  return {
    event: JSON.stringify(event),
    deferredShard: shardOf(event.id),
    deferredUntil: until.toISOString(),
  };
}

/** The key under which the notifications of an event wait. */
export function shardOf(eventId: string): string {
  return shardKey(Number.parseInt(digest(eventId).slice(0, 1), 16));
}

/** The key of those that `sendDeferred` has given up, by the time of that. */
export const GIVEN_UP = 'GIVEN_UP';

/** The keys that spread the deferred ones over 16 partitions, so that no one of them is hot. */
export function allDeferredShards(): string[] {
  return Array.from({ length: SHARDS }, (_, shard) => shardKey(shard));
}

/** Claims that ended before this have expired. */
export function expiredBefore(now: Date): string {
  return new Date(now.getTime() - CLOCK_MARGIN_MS).toISOString();
}

/** When DynamoDB may remove an item, in its seconds. */
export function expiryOf(now: Date): number {
  return Math.floor((now.getTime() + KEPT_MS) / 1000);
}

/** The same notification, not to be sent: a later event of the order has been told already. */
export function superseded(notification: Notification): Notification {
  const { event, channel } = notification;
  const to = addressOf(notification);
  return { event, channel, skip: 'superseded', ...(to !== undefined && { to }) };
}

/**
 * How a record stands that could not be taken. The claim is mine when my write arrived and only its
 * answer was lost. `abandoned`: the invocation that called the provider is over and said nothing.
 */
export function standing(
  { status, claim, claimedUntil }: Pick<Stored, 'status' | 'claim' | 'claimedUntil'>,
  mine: string | undefined,
  now: Date,
): 'mine' | 'settled' | 'under way' | 'abandoned' {
  // One that has expired was free to be taken: whoever finds it here comes again.
  if (status === 'claimed') return claimedUntil ? 'under way' : 'settled';
  if (status !== 'sending' || claim === undefined) return 'settled';
  if (claim === mine) return 'mine';
  const isHeld = claimedUntil && claimedUntil.getTime() + CLOCK_MARGIN_MS >= now.getTime();
  return isHeld ? 'under way' : 'abandoned';
}

function addressOf(notification: Notification): string | undefined {
  return 'message' in notification ? notification.message.to : notification.to;
}

function placeOf({ sequence, id }: OrderEvent): string {
  return `${String(sequence).padStart(10, '0')}#${id}`;
}

function shardKey(shard: number): string {
  return `DEFERRED#${shard.toString(16)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
