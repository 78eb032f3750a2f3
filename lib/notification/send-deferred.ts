import { AppError } from '../errors.ts';
import { logFailure, logger } from '../logger.ts';
import type { Deferred, DeferredRecord } from './deferred.ts';
import {
  ADDRESS_CHANGED,
  type DeliverDeps,
  deliveryMs,
  inTime,
  NotTakenError,
  noteSkip,
  notify,
  planOf,
} from './deliver.ts';
import { type NotificationKey, notificationKey } from './record.ts';

export type SendDeferredDeps = DeliverDeps & { deferred: Deferred };

/** What one run did. `failed`: left for a later run. `done`: nothing that is due was left out. */
export type DeferredReport = { handled: number; failed: number; dropped: number; done: boolean };

const AT_ONCE = 8;
/** More than a run can send; what is left is due in the next one. */
const MAX_A_RUN = 2_000;
/** As often as AWS delivers a Kafka record that fails; the pauses between them make it four hours. */
const MAX_ATTEMPTS = 10;
const MAX_PAUSE_MINUTES = 60;

/**
 * Sends what waited and is due, each as the customer's preferences say now: they may have moved the
 * quiet hours, switched it off, or given another address. What a later event of its order has
 * overtaken is skipped.
 *
 * @param timeLeft milliseconds that the invocation still has
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
  let begun = 0;
  let failure: unknown;
  const worker = async () => {
    for (;;) {
      if (failure || timeLeft() < kept || begun >= MAX_A_RUN) report.done = false;
      if (!report.done) return;
      begun += 1;
      const { value: key, done } = await keys.next();
      if (done) return;
      const outcome = await handle(key, now, deadline, deps);
      if (outcome) report[outcome] += 1;
    }
  };
  const workers = Array.from({ length: AT_ONCE }, () =>
    worker().catch((error: unknown) => {
      failure ??= error;
    }),
  );
  await Promise.all(workers);
  logger.info('deferred', report);
  if (failure) throw failure;
  return report;
}

/**
 * One record, when it is still due. What goes wrong with it does not stop the others; DynamoDB being
 * away stops the run.
 */
async function handle(
  key: NotificationKey,
  now: Date,
  deadline: Date,
  deps: SendDeferredDeps,
): Promise<'handled' | 'failed' | 'dropped' | undefined> {
  const log = logger.createChild({ persistentKeys: { record: recordName(key) } });
  try {
    const record = await deps.deferred.find(key, now);
    if (!record) return undefined;
    const { event, channel, attempts, hasFailed } = record;
    log.appendKeys({ orderId: event.data.orderId, eventId: event.id });
    if (attempts >= MAX_ATTEMPTS && hasFailed) {
      await deps.deferred.drop(key, deps.clock.now());
      log.error('given up', { channel, attempts });
      return 'dropped';
    }
    await resume(record, { deadline, again: pause(deps.clock.now(), attempts), log }, deps);
    return 'handled';
  } catch (error) {
    if (error instanceof AppError && error.code === 'DATABASE_AWAY') throw error;
    logFailure(log, 'left for a later run', error);
    return 'failed';
  }
}

async function resume(
  { key, event, channel }: DeferredRecord,
  attempt: Parameters<typeof notify>[1],
  deps: SendDeferredDeps,
): Promise<void> {
  const planned = (await planOf(event, deps)).filter((one) => one.channel === channel);
  const { plan } = await inTime(event, planned, deps.seen);
  for (const one of plan) {
    const { log } = attempt;
    if ('skip' in one) {
      await noteSkip({ event, channel, skip: one.skip }, log, deps.seen, key);
      continue;
    }
    const failure = await notify(one, attempt, deps).catch(notTaken);
    if (notificationKey(one).sk !== key.sk) {
      // The other record waits for itself now; two would call its provider twice as often.
      await noteSkip({ event, channel, skip: ADDRESS_CHANGED }, log, deps.seen, key);
    }
    if (failure) throw failure;
  }
}

function notTaken(error: unknown): NotTakenError {
  if (error instanceof NotTakenError) return error;
  throw error;
}

/**
 * When a record is looked at again that this run begins and does not settle: later every time, and
 * never before its invocation is over.
 */
function pause(now: Date, attempts: number): Date {
  return new Date(now.getTime() + Math.min(2 ** attempts, MAX_PAUSE_MINUTES) * 60_000);
}

/** Without the hash of the recipient, from which a phone number could be guessed. */
function recordName({ pk, sk }: NotificationKey): string {
  return `${pk} ${sk.slice(0, sk.lastIndexOf('#'))}`;
}
