import type { Logger } from '@aws-lambda-powertools/logger';
import { AppError } from '../errors.ts';
import type { OrderEvent } from '../order-event.ts';
import { CHANNELS, type Message, type Sender, type Senders } from './channels.ts';
import { compose } from './compose.ts';
import { type Fallback, recipientOf } from './recipient.ts';
import { type Notification, type Outcome, superseded } from './record.ts';
import type { Seen } from './seen.ts';

/** How long a provider may take to answer. */
const SEND_TIMEOUT_MS = 5_000;

/** The longest that one event takes: three requests to DynamoDB at their limits, one to a provider. */
export const DELIVERY_MS = 12_000;

export type DeliverDeps = { senders: Senders; seen: Seen; fallback: Fallback | undefined };

/** When the invocation is over, and where it reports; never with an address. */
export type Attempt = {
  deadline: Date;
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
  const planned = planOf(event, deps.fallback);
  const current = await deps.seen.advance(event);
  const done = await Promise.allSettled(
    planned.map((one) => notify(current ? one : superseded(one), attempt, deps)),
  );
  const failed = done.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** What the event means for each channel. */
export function planOf(event: OrderEvent, fallback: Fallback | undefined): Notification[] {
  return CHANNELS.map((channel) => {
    const recipient = recipientOf(channel, event.data, fallback);
    return 'to' in recipient
      ? { event, channel, message: compose(channel, event, recipient.to) }
      : { event, channel, skip: recipient.skip };
  });
}

async function notify(
  notification: Notification,
  { deadline, log }: Attempt,
  { seen, senders }: DeliverDeps,
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
  const claim = await seen.claim(notification, deadline);
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
