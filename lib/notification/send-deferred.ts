import { AppError } from '../errors.ts';
import { type LogKeys, logFailure, logger, logWith } from '../logger.ts';
import { measure } from '../metrics.ts';
import { pool } from '../pool.ts';
import type { Key } from '../table.ts';
import { CHANNEL_NAMES } from './channels/channels.ts';
import {
  ADDRESS_CHANGED,
  type DeliverDeps,
  deliver,
  deliveryMs,
  type Fate,
  inTime,
  noteSkip,
  planOf,
} from './deliver.ts';
import type { Deferred, DeferredRecord } from './ledger/deferred.ts';
import { inAMinute } from './ledger/pauses.ts';
import { keyOf } from './ledger/record.ts';
import type { Attempt } from './send.ts';

export type SendDeferredDeps = DeliverDeps & { deferred: Deferred };

/**
 * The counts of one run. `failed`: left for a later run. `dropped`: given up. `done`: the run has
 * handled everything that was due.
 */
export type DeferredReport = { handled: number; failed: number; dropped: number; done: boolean };

const AT_ONCE = 8;
/** More than a run can send; what is left is due in the next one. */
const MAX_A_RUN = 2_000;

/**
 * Sends what waited and is due, each as the customer's preferences say now: they may have moved the
 * quiet hours, switched it off, or given another address. A notification that a later event of its
 * order has superseded is skipped. If no provider takes one, it is put off again, and given up after six days.
 *
 * @param timeLeft the time left to the invocation, in milliseconds
 * @throws AppError `DATABASE_AWAY`; the next run goes on
 */
export async function sendDeferred(
  deps: SendDeferredDeps,
  timeLeft: () => number,
): Promise<DeferredReport> {
  const report: DeferredReport = { handled: 0, failed: 0, dropped: 0, done: true };
  const now = deps.clock.now();
  const deadline = new Date(Date.now() + timeLeft());
  const kept = Math.min(deliveryMs(deps.senders), timeLeft() / 2);
  const keys = deps.deferred.due(now);
  const dueKeys = async function* () {
    for (let begun = 0; begun < MAX_A_RUN && timeLeft() >= kept; begun += 1) {
      const { value: key, done } = await keys.next();
      if (done) return;
      yield key;
    }
    report.done = false;
  };
  try {
    await pool(dueKeys(), AT_ONCE, async (key) => {
      const outcome = await handle(key, now, deadline, deps);
      if (outcome) report[outcome] += 1;
    });
  } catch (error) {
    report.done = false;
    throw error;
  } finally {
    logger.info('deferred', report);
  }
  return report;
}

/**
 * Handles one record if it is still due. A record that fails is tried later and does not stop the
 * others; only DynamoDB being away stops the run.
 */
async function handle(
  key: Key,
  now: Date,
  deadline: Date,
  deps: SendDeferredDeps,
): Promise<'handled' | 'failed' | 'dropped' | undefined> {
  const keys: LogKeys = { record: recordName(key) };
  const log = logWith(keys);
  try {
    const record = await deps.deferred.find(key, now);
    if (!record) return undefined;
    const { event } = record;
    Object.assign(keys, { orderId: event.data.orderId, eventId: event.id });
    const fate = await resume(record, { deadline, again: inAMinute(deps.clock.now()), log }, deps);
    if (fate === 'given up') return 'dropped';
    if (fate !== 'already settled') return fate === 'put off' ? 'failed' : 'handled';
  } catch (error) {
    if (error instanceof AppError && error.code === 'DATABASE_AWAY') throw error;
    logFailure(log, 'notification not sent, a later run tries again', error);
    // The invocation that is sending the record settles it, or a later run finds it abandoned.
    if (error instanceof AppError && error.code === 'SEND_FAILED') return 'failed';
  }
  return postpone(key, now, log, deps);
}

/** Puts off a record that this run has not settled, so that it is not tried every minute. */
async function postpone(
  key: Key,
  now: Date,
  log: Attempt['log'],
  { deferred }: SendDeferredDeps,
): Promise<'handled' | 'failed' | 'dropped'> {
  try {
    const end = await deferred.postpone(key, now);
    if (end === 'settled') return 'handled';
    if (end === 'later') {
      log.warn('notification left as it is: this release does not know its status');
      return 'failed';
    }
    measure('NotificationsGivenUp');
    log.error('notification given up');
    return 'dropped';
  } catch (error) {
    if (error instanceof AppError && error.code === 'DATABASE_AWAY') throw error;
    // The other records may still succeed.
    logFailure(log, 'notification not postponed', error);
    return 'failed';
  }
}

async function resume(
  { key, event, channel }: DeferredRecord,
  attempt: Attempt,
  deps: SendDeferredDeps,
): Promise<Fate> {
  const channels = CHANNEL_NAMES.filter((name) => name === channel);
  const planned = await planOf(event, deps, channels);
  const { plan } = await inTime(event, planned, deps.ledger);
  const [one] = plan;
  const { log } = attempt;
  // There is no plan for a channel that only another release knows.
  if (!one) return 'already settled';
  const skipped = { event, channel: one.channel };
  if ('skip' in one) return noteSkip({ ...skipped, skip: one.skip }, log, deps.ledger, key);
  const fate = await deliver(one, attempt, deps);
  if (keyOf(one).sk === key.sk) return fate;
  // The record of the new address waits by itself now. Two would call the provider twice as often.
  return noteSkip({ ...skipped, skip: ADDRESS_CHANGED }, log, deps.ledger, key);
}

/** Without the hash of the recipient, from which a phone number could be guessed. */
function recordName({ pk, sk }: Key): string {
  return `${pk} ${sk.slice(0, sk.lastIndexOf('#'))}`;
}
