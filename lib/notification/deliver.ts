import type { Logger } from '@aws-lambda-powertools/logger';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { OrderEvent } from '../order-event.ts';
import { CHANNELS, type Message, type Sender, type Senders } from './channels.ts';
import { compose } from './compose.ts';
import type { RecipientOf } from './recipient.ts';
import { type Notification, type Outcome, superseded } from './record.ts';
import type { Seen } from './seen.ts';

/** How long a provider may take to answer. */
const SEND_TIMEOUT_MS = 5_000;

/** The longest that one event takes: four requests to DynamoDB at their limits, one to a provider. */
export const DELIVERY_MS = 14_000;

export type DeliverDeps = {
  senders: Senders;
  seen: Seen;
  recipientOf: RecipientOf;
  clock: Clock;
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
  const done = await Promise.allSettled(
    (await inTime(event, planned, deps.seen)).map((one) => notify(one, attempt, deps)),
  );
  const failed = done.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** What the event means for each channel. */
export async function planOf(
  event: OrderEvent,
  { recipientOf, clock }: Pick<DeliverDeps, 'recipientOf' | 'clock'>,
): Promise<Notification[]> {
  const recipients = await recipientOf(event, clock.now());
  return CHANNELS.map((channel) => {
    const recipient = recipients[channel];
    if ('skip' in recipient) return { event, channel, ...recipient };
    const { to, locale, until } = recipient;
    return {
      event,
      channel,
      message: compose(channel, event, to, locale),
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
    return log.info('notification', {
      channel,
      status: noted ? 'skipped' : 'settled before',
      reason,
    });
  }
  if (notification.until) {
    const { until } = notification;
    const noted = await seen.defer(notification, until, 'quiet hours');
    const status = noted ? 'deferred' : 'settled before';
    return log.info('notification', { channel, status, until: until.toISOString() });
  }
  const claim = await seen.claim(notification, deadline, again);
  if (!claim) return log.info('notification', { channel, status: 'settled before' });

  const outcome = await call(senders[channel], notification.message, log);
  await seen.settle(notification, claim, outcome);
  if (outcome.status === 'sent') return log.info('notification', { channel, ...outcome });
  log.warn('notification', { channel, ...outcome });
  if (outcome.status === 'failed' && outcome.passing) {
    throw new AppError(
      'SEND_FAILED',
      `The provider of ${channel} did not take it: ${outcome.reason}`,
    );
  }
}

/** One call: what the provider said, or `unknown`, since a call without an answer may have arrived. */
async function call(sender: Sender, message: Message, log: Attempt['log']): Promise<Outcome> {
  const limit = new AbortController();
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${SEND_TIMEOUT_MS} ms`);
    error.name = 'TimeoutError';
    limit.abort(error);
    reject(error);
  }, SEND_TIMEOUT_MS);
  try {
    const result = await Promise.race([sender.send(message, limit.signal), timeout]);
    if (result.success) return { status: 'sent', messageId: result.messageId };
    return { status: 'failed', reason: result.reason, passing: result.passing };
  } catch (error) {
    // Its message may hold the address; the frames tell a bug from a lost answer.
    const { name, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
    log.error('answer of the provider lost', { channel: message.channel, name, frames });
    return { status: 'unknown', reason: `no answer from the provider (${name})` };
  } finally {
    clearTimeout(timer);
  }
}
