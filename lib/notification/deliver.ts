import type { Logger } from '@aws-lambda-powertools/logger';
import type { Clock } from '../clock.ts';
import { countNotification, measure } from '../metrics.ts';
import type { OrderEvent } from '../order-event.ts';
import { CALL_MS } from './call.ts';
import { CHANNELS, type Senders } from './channels/channels.ts';
import { compose } from './channels/compose.ts';
import type { Seen } from './ledger/ledger.ts';
import {
  isPassing,
  type Notification,
  type NotificationKey,
  notificationKey,
  type Status,
  superseded,
} from './ledger/record.ts';
import type { RecipientOf } from './preferences/recipient.ts';
import { type UnsubscribeConfig, unsubscribeLink } from './preferences/unsubscribe.ts';
import { send } from './send.ts';

/** Four requests to DynamoDB at their limits. */
const NOTING_MS = 9_000;

/** The reason on the record of an address that the customer has left. */
export const ADDRESS_CHANGED = 'address changed';

const OPEN: ReadonlySet<Status> = new Set(['claimed', 'sending', 'failed', 'deferred']);

export type DeliverDeps = {
  senders: Senders;
  seen: Seen;
  recipientOf: RecipientOf;
  clock: Clock;
  /** What the links to unsubscribe are made of; without it emails have none. */
  unsubscribe: UnsubscribeConfig | undefined;
};

/** When the invocation is over, and where it reports; never with an address. */
export type Attempt = {
  deadline: Date;
  /** When somebody looks again at what this attempt leaves open, where no record is delivered again. */
  again?: Date;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
};

/** The fate of one notification. `waits`: until quiet hours end. `put off`: no provider took it. */
export type Fate =
  | 'sent'
  | 'failed'
  | 'unknown'
  | 'skipped'
  | 'waits'
  | 'put off'
  | 'given up'
  | 'settled before';

/**
 * Tells the customer about one event, on every channel at most once, and puts on record what was
 * sent, failed, put off, or not sent and why.
 *
 * @throws AppError `SEND_FAILED` while another invocation is at it; `DATABASE_AWAY`
 */
export async function deliver(
  event: OrderEvent,
  attempt: Attempt,
  deps: DeliverDeps,
): Promise<void> {
  const planned = await planOf(event, deps);
  const { plan, isFirst } = await inTime(event, planned, deps.seen);
  const done = await Promise.allSettled(plan.map((one) => notify(one, attempt, deps)));
  if (!isFirst) await skipOtherAddresses(event, plan, attempt, deps);
  const failed = done.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** The longest that one event takes when every provider is asked once. */
export function deliveryMs({ email, sms }: Senders): number {
  return NOTING_MS + CALL_MS * Math.max(email.length, sms.length);
}

/** What the event means for each channel. */
export async function planOf(
  event: OrderEvent,
  { recipientOf, clock, unsubscribe }: Pick<DeliverDeps, 'recipientOf' | 'clock' | 'unsubscribe'>,
): Promise<Notification[]> {
  const recipients = await recipientOf(event, clock.now());
  return CHANNELS.map((channel) => {
    const recipient = recipients[channel];
    if ('skip' in recipient) return { event, channel, ...recipient };
    const { to, locale, until } = recipient;
    const { customerId } = event.data;
    const message = compose(channel, event, to, locale);
    if (unsubscribe && message.channel === 'email') {
      message.unsubscribe = unsubscribeLink({ customerId, channel }, unsubscribe);
    }
    return {
      event,
      channel,
      message,
      ...(until && { until }),
    };
  });
}

/**
 * The same plan, or nothing but skips when a later event of the order was told before. An event that
 * nobody is told of does not count as told. `isFirst`: there are no records of it yet.
 */
export async function inTime(
  event: OrderEvent,
  planned: Notification[],
  seen: Seen,
): Promise<{ plan: Notification[]; isFirst: boolean }> {
  if (planned.every((one) => 'skip' in one)) return { plan: planned, isFirst: false };
  const step = await seen.advance(event);
  const plan = step === 'overtaken' ? planned.map(superseded) : planned;
  return { plan, isFirst: step === 'first' };
}

/** One notification: skipped, put off, or sent, and on record as such. */
export async function notify(
  notification: Notification,
  { deadline, again, log }: Attempt,
  { seen, senders, clock }: Pick<DeliverDeps, 'seen' | 'senders' | 'clock'>,
): Promise<Fate> {
  const { channel } = notification;
  if ('skip' in notification) return noteSkip(notification, log, seen);
  if (notification.until) {
    const { until } = notification;
    const noted = await seen.defer(notification, until, `quiet hours until ${until.toISOString()}`);
    const status = noted ? 'deferred' : 'settled before';
    if (noted) countNotification(channel, 'deferred');
    log.info('notification', { channel, status, until: until.toISOString() });
    return noted ? 'waits' : 'settled before';
  }
  const told = await send(notification, { deadline, again, log }, { seen, senders, clock });
  if (!told) {
    log.info('notification', { channel, status: 'settled before' });
    return 'settled before';
  }
  countNotification(channel, told.status);
  if (told.status === 'sent') log.info('notification', { channel, ...told });
  else log.warn('notification', { channel, ...told });
  if (told.status === 'deferred') {
    measure('NotificationsPutOff');
    return 'put off';
  }
  if (!isPassing(told)) return told.status;
  measure('NotificationsGivenUp');
  log.error('notification given up', { channel, reason: told.reason });
  return 'given up';
}

/** Puts on record why a notification is not sent, on its own record or on the one at `key`. */
export async function noteSkip(
  notification: Notification & { skip: string },
  log: Attempt['log'],
  seen: Seen,
  key?: NotificationKey,
): Promise<'skipped' | 'settled before'> {
  const { channel, skip: reason } = notification;
  const status = (await seen.skip(notification, reason, key)) ? 'skipped' : 'settled before';
  if (status === 'skipped') countNotification(channel, status);
  log.info('notification', { channel, status, reason });
  return status;
}

/** What an earlier delivery has left open for an address that is not the customer's any more. */
async function skipOtherAddresses(
  event: OrderEvent,
  plan: Notification[],
  { log }: Attempt,
  { seen }: Pick<DeliverDeps, 'seen'>,
): Promise<void> {
  const own = new Set(plan.map((one) => notificationKey(one).sk));
  for (const { key, channel, status } of await seen.of(event)) {
    if (own.has(key.sk) || !OPEN.has(status)) continue;
    await noteSkip({ event, channel, skip: ADDRESS_CHANGED }, log, seen, key);
  }
}
