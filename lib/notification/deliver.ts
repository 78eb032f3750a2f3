import type { Logger } from '@aws-lambda-powertools/logger';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { countNotification } from '../metrics.ts';
import type { OrderEvent } from '../order-event.ts';
import { CALL_MS } from './call.ts';
import { CHANNELS, type Channel, type Senders } from './channels.ts';
import { compose } from './compose.ts';
import type { RecipientOf } from './recipient.ts';
import { type Notification, superseded } from './record.ts';
import type { Seen } from './seen.ts';
import { send } from './send.ts';
import { type UnsubscribeConfig, unsubscribeLink } from './unsubscribe.ts';

/** Four requests to DynamoDB at their limits. */
const NOTING_MS = 9_000;

export type DeliverDeps = {
  senders: Senders;
  seen: Seen;
  recipientOf: RecipientOf;
  clock: Clock;
  /** What the links to unsubscribe are made of; without it emails have none. */
  unsubscribe?: UnsubscribeConfig | undefined;
};

/** When the invocation is over, and where it reports; never with an address. */
export type Attempt = {
  deadline: Date;
  /** When somebody looks again at what this attempt leaves open, where no record is delivered again. */
  again?: Date;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
};

/**
 * Tells the customer about one event, on every channel at most once, and puts on record what was
 * sent, failed, or not sent and why.
 *
 * @throws AppError retriable when something is left to do at another delivery of the event
 */
export async function deliver(
  event: OrderEvent,
  attempt: Attempt,
  deps: DeliverDeps,
): Promise<void> {
  const planned = await planOf(event, deps);
  const plan = await inTime(event, planned, deps.seen);
  const done = await Promise.allSettled(plan.map((one) => notify(one, attempt, deps)));
  const failed = done.find((result) => result.status === 'rejected');
  if (!failed) return;
  const isUntold = plan.every((one, i) => 'skip' in one || isNotTaken(done[i]));
  if (isUntold) await deps.seen.retreat(event);
  throw failed.reason;
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
 * nobody is told of does not count as told.
 */
export async function inTime(
  event: OrderEvent,
  planned: Notification[],
  seen: Seen,
): Promise<Notification[]> {
  if (planned.every((one) => 'skip' in one)) return planned;
  return (await seen.advance(event)) ? planned : planned.map(superseded);
}

/** One notification: skipped, put off, or sent, and on record as such. */
export async function notify(
  notification: Notification,
  { deadline, again, log }: Attempt,
  { seen, senders }: Pick<DeliverDeps, 'seen' | 'senders'>,
): Promise<void> {
  const { channel } = notification;
  if ('skip' in notification) {
    const reason = notification.skip;
    const noted = await seen.skip(notification, reason);
    if (noted) countNotification(channel, 'skipped');
    return log.info('notification', {
      channel,
      status: noted ? 'skipped' : 'settled before',
      reason,
    });
  }
  if (notification.until) {
    const { until } = notification;
    const noted = await seen.defer(notification, until, `quiet hours until ${until.toISOString()}`);
    const status = noted ? 'deferred' : 'settled before';
    if (noted) countNotification(channel, 'deferred');
    return log.info('notification', { channel, status, until: until.toISOString() });
  }
  const outcome = await send(notification, { deadline, again, log }, { seen, senders });
  if (!outcome) return log.info('notification', { channel, status: 'settled before' });
  countNotification(channel, outcome.status);
  if (outcome.status === 'sent') return log.info('notification', { channel, ...outcome });
  log.warn('notification', { channel, ...outcome });
  if (outcome.status === 'failed' && outcome.passing) {
    throw new NotTakenError(channel, outcome.reason);
  }
}

/** The customer has surely not been told on this channel. */
class NotTakenError extends AppError {
  constructor(channel: Channel, reason: string) {
    super('SEND_FAILED', `The provider of ${channel} did not take it: ${reason}`);
  }
}

function isNotTaken(result: PromiseSettledResult<void> | undefined): boolean {
  return result?.status === 'rejected' && result.reason instanceof NotTakenError;
}
