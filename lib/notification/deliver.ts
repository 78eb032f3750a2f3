import { count, measure } from '../metrics.ts';
import type { OrderEvent } from '../order-event.ts';
import type { Key } from '../table.ts';
import { callsMs } from './call.ts';
import { CHANNEL_NAMES, CHANNELS, type ChannelName, type Senders } from './channels/channels.ts';
import type { Ledger, RecordFound } from './ledger/ledger.ts';
import {
  attributesOf,
  isRetriable,
  keyOf,
  type Notification,
  type Status,
  superseded,
} from './ledger/record.ts';
import type { RecipientOf } from './preferences/recipient.ts';
import { type UnsubscribeConfig, unsubscribeLink } from './preferences/unsubscribe.ts';
import { type Attempt, type SendDeps, sendNotification } from './send.ts';

/** Six requests to DynamoDB at their limits, two of them for the limit of a recipient. */
const NOTING_MS = 13_000;

/** The reason on the record of an address that the customer has left. */
export const ADDRESS_CHANGED = 'address changed';

const OPEN: ReadonlySet<Status> = new Set(['claimed', 'sending', 'failed', 'deferred']);

export type DeliverDeps = SendDeps & {
  recipientOf: RecipientOf;
  /** The address and secret of the links that unsubscribe; without it emails have none. */
  unsubscribe: UnsubscribeConfig | undefined;
  /** True notes a skip without an address on another channel's record; earlier releases do not list such skips. */
  joinsSkips?: boolean;
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
  | 'already settled';

/**
 * Tells the customer about one event, on every channel at most once, and puts on record what was
 * sent, failed, put off, or not sent and why.
 *
 * @throws AppError `SEND_FAILED` while another invocation is at it; `DATABASE_AWAY`
 */
export async function deliverEvent(
  event: OrderEvent,
  attempt: Attempt,
  deps: DeliverDeps,
): Promise<void> {
  const planned = await planOf(event, deps);
  const { plan, isFirst } = await inTime(event, planned, deps.ledger);
  const records = isFirst ? [] : await deps.ledger.recordsOf(event);
  const open = isFirst && deps.joinsSkips ? joined(plan) : without(plan, records);
  const done = await Promise.allSettled(open.map((one) => deliver(one, attempt, deps)));
  await skipOtherAddresses({ event, plan, records }, attempt, deps);
  const failed = done.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** The longest that one event takes when every provider is asked once. */
export function deliveryMs(senders: Senders): number {
  return NOTING_MS + Math.max(...CHANNEL_NAMES.map((channel) => callsMs(channel, senders)));
}

/** The notifications of an event, one for each of the channels that has a recipient. */
export async function planOf(
  event: OrderEvent,
  { recipientOf, clock, unsubscribe }: Pick<DeliverDeps, 'recipientOf' | 'clock' | 'unsubscribe'>,
  channels: readonly ChannelName[] = CHANNEL_NAMES,
): Promise<Notification[]> {
  const recipients = await recipientOf(event, clock.now());
  const { customerId } = event.data;
  return channels.flatMap((channel): Notification[] => {
    const recipient = recipients[channel];
    if (!recipient) return [];
    if ('skip' in recipient) return [{ event, channel, ...recipient }];
    const { to, locale, until } = recipient;
    const link = unsubscribe && unsubscribeLink({ customerId, channel }, unsubscribe);
    const letter = { event, to, locale, ...(link && { unsubscribe: link }) };
    const message = CHANNELS[channel].compose(letter);
    return [{ event, channel, message, ...(until && { until }) }];
  });
}

/**
 * The plan, or only skips when a later event of the order was sent before. An event that is skipped on
 * all channels does not count as sent. `isFirst`: there are no records of it yet.
 */
export async function inTime(
  event: OrderEvent,
  planned: Notification[],
  ledger: Ledger,
): Promise<{ plan: Notification[]; isFirst: boolean }> {
  if (planned.every((one) => 'skip' in one)) return { plan: planned, isFirst: false };
  const step = await ledger.advance(event);
  const plan = step === 'overtaken' ? planned.map(superseded) : planned;
  return { plan, isFirst: step === 'first' };
}

/**
 * Notes the skips without an address on the record of a message, which saves their own records. Only skips
 * whose channel comes after the message's by name: lists show them right before that record, and a page may
 * end between them.
 */
function joined(plan: Notification[]): Notification[] {
  const carrier = plan.find((one) => 'message' in one);
  if (!carrier) return plan;
  const skips = plan.filter(isWithoutAddress).filter(({ channel }) => channel > carrier.channel);
  if (skips.length === 0) return plan;
  const beside = skips.map(({ channel, skip: reason }) => ({ channel, reason }));
  return plan
    .filter((one) => !skips.some((skip) => skip === one))
    .map((one) => (one === carrier ? { ...one, beside } : one));
}

/** The plan without the skips that a record of the event has noted already. */
function without(plan: Notification[], records: RecordFound[]): Notification[] {
  const noted = new Set(records.flatMap(({ beside }) => beside));
  return plan.filter((one) => !isWithoutAddress(one) || !noted.has(one.channel));
}

function isWithoutAddress(one: Notification): one is Notification & { skip: string } {
  return 'skip' in one && one.to === undefined;
}

/** Skips, puts off or sends one notification, and puts it on record. */
export async function deliver(
  notification: Notification,
  attempt: Attempt,
  deps: SendDeps,
): Promise<Fate> {
  const fate = await deliverOne(notification, attempt, deps);
  if (fate === 'already settled' || !('beside' in notification)) return fate;
  for (const { channel, reason } of notification.beside ?? []) {
    count(CHANNELS[channel].metrics.skipped);
    attempt.log.info('notification', { channel, status: 'skipped', reason });
  }
  return fate;
}

async function deliverOne(
  notification: Notification,
  attempt: Attempt,
  deps: SendDeps,
): Promise<Fate> {
  const { channel } = notification;
  const { ledger } = deps;
  const { log } = attempt;
  if ('skip' in notification) return noteSkip(notification, log, ledger);
  if (notification.until) {
    const { until } = notification;
    const noted = await ledger.defer(
      notification,
      until,
      `quiet hours until ${until.toISOString()}`,
    );
    const status = noted ? 'deferred' : 'already settled';
    if (noted) count(CHANNELS[channel].metrics.deferred);
    log.info('notification', { channel, status, until: until.toISOString() });
    return noted ? 'waits' : 'already settled';
  }
  const sent = await sendNotification(notification, attempt, deps);
  if (!sent) {
    log.info('notification', { channel, status: 'already settled' });
    return 'already settled';
  }
  count(CHANNELS[channel].metrics[sent.status]);
  const facts = { channel, ...attributesOf(sent) };
  if (sent.status === 'sent') log.info('notification', facts);
  else log.warn('notification', facts);
  if (sent.status === 'deferred') {
    measure('NotificationsPutOff');
    return 'put off';
  }
  if (!isRetriable(sent)) return sent.status;
  measure('NotificationsGivenUp');
  log.error('notification given up', { channel, reason: sent.reason });
  return 'given up';
}

/** Puts on record why a notification is not sent, on its own record or on the one at `key`. */
export async function noteSkip(
  notification: Notification & { skip: string },
  log: Attempt['log'],
  ledger: Ledger,
  key?: Key,
): Promise<'skipped' | 'already settled'> {
  const { channel, skip: reason } = notification;
  const status = (await ledger.skip(notification, reason, key)) ? 'skipped' : 'already settled';
  if (status === 'skipped') count(CHANNELS[channel].metrics.skipped);
  log.info('notification', { channel, status, reason });
  return status;
}

/** Skips what an earlier delivery has left open for an address that the customer has left. */
async function skipOtherAddresses(
  { event, plan, records }: { event: OrderEvent; plan: Notification[]; records: RecordFound[] },
  { log }: Attempt,
  { ledger }: Pick<DeliverDeps, 'ledger'>,
): Promise<void> {
  const own = new Set(plan.map((one) => keyOf(one).sk));
  for (const { key, channel, status } of records) {
    if (own.has(key.sk) || !OPEN.has(status)) continue;
    await noteSkip({ event, channel, skip: ADDRESS_CHANGED }, log, ledger, key);
  }
}
