import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { asAppError } from '../errors.ts';
import type { MessageLimit } from '../limits/messages.ts';
import type { Log } from '../logger.ts';
import { callProviders, callsMs } from './call.ts';
import type { Message, Senders } from './channels/channels.ts';
import type { Lease, Ledger, Wait } from './ledger/ledger.ts';
import { inAMinute, nextTry } from './ledger/pauses.ts';
import { isRetriable, type Notification, type NotSent, type Outcome } from './ledger/record.ts';

/** How often the providers are asked in one invocation; then the notification is put off. */
const ROUNDS = 3;
const FIRST_PAUSE_MS = 200;
/** The time limit of all requests to DynamoDB around a call, and of the last one that notes its outcome. */
const NOTING_MS = 4_000;
const SETTLING_MS = 2_000;

/** The reason on the record of a notification to an address that has had its messages for this hour. */
const TOO_MANY = 'too many';

export type SendDeps = {
  senders: Senders;
  ledger: Ledger;
  clock: Clock;
  random?: () => number;
  /** The limit for each recipient; without it nothing is counted. */
  messageLimit?: MessageLimit | undefined;
};

/** The end of the invocation, and its log, which never holds an address. */
export type Attempt = {
  deadline: Date;
  /**
   * The time at which `sendDeferred` looks again at a notification that this attempt leaves open. Absent
   * in `notify`, where the record is delivered again.
   */
  again?: Date;
  log: Log;
};

/** The outcome of a notification, and the time in which a crash would have left it unknown. */
export type Sent = (Outcome | NotSent | ({ status: 'deferred' } & Wait)) & { windowMs: number };

/**
 * Takes a notification, sends it, and notes how that went. While all providers surely took nothing
 * and time is left, they are asked again after a growing pause with jitter. After the last round
 * the notification is put off. Over its recipient's limit it is skipped.
 *
 * @returns undefined when its record was settled before
 * @throws AppError `SEND_FAILED` while another invocation is at it
 */
export async function sendNotification(
  notification: Notification & { message: Message },
  { deadline, again, log }: Attempt,
  { ledger, senders, clock, random = Math.random, messageLimit }: SendDeps,
): Promise<Sent | undefined> {
  const { channel, message } = notification;
  const allCallsMs = callsMs(channel, senders);
  const roundMs = allCallsMs + NOTING_MS;
  const until = () => {
    const ms = Math.min(roundMs, deadline.getTime() - Date.now());
    return new Date(clock.now().getTime() + ms);
  };

  const noted = <T>(note: () => Promise<T>) => untilNoted(note, deadline);
  const id = randomUUID();
  // The count may fail. The record says `sending` only after it, so a notification that was not sent
  // can be taken again.
  const first = messageLimit ? 'claimed' : 'sending';
  const lease = await noted(() => ledger.lease(notification, until(), again, id, first));
  if (!lease) return undefined;
  if (messageLimit) {
    const isAllowed = lease.counted || (await noted(() => messageLimit(channel, message.to)));
    if (!isAllowed) {
      const end: NotSent = { status: 'skipped', reason: TOO_MANY };
      await noted(() => ledger.settle(notification, lease.id, end));
      return { ...end, windowMs: 0 };
    }
    await noted(() => ledger.resume(notification, lease.id, until(), true));
  }
  for (let round = 1; ; round++) {
    if (Date.now() + allCallsMs + SETTLING_MS > deadline.getTime()) {
      const wait = { reason: 'no time left', until: inAMinute(clock.now()) };
      await noted(() => ledger.release(notification, lease.id, wait));
      return { status: 'deferred', ...wait, windowMs: 0 };
    }
    const start = performance.now();
    const outcome = await callProviders(senders[channel] ?? [], message, log);
    const windowMs = Math.round(performance.now() - start);
    if (!isRetriable(outcome)) {
      await noted(() => ledger.settle(notification, lease.id, outcome));
      return { ...outcome, windowMs };
    }
    const pauseMs = backoff(round, random());
    // A deferred notification has a next try of its own.
    const rounds = again ? 1 : ROUNDS;
    if (round >= rounds || Date.now() + pauseMs + roundMs >= deadline.getTime()) {
      const put = () => putOff(notification, lease, outcome, { ledger, clock });
      return { ...(await noted(put)), windowMs };
    }
    const { reason } = outcome;
    log.warn('notification not taken, will be sent again', { channel, round, pauseMs, reason });
    await noted(() => ledger.hold(notification, lease.id, reason, until()));
    await pause(pauseMs);
    await noted(() => ledger.resume(notification, lease.id, until()));
  }
}

/** Puts off a notification that no provider took, or gives it up if it has failed for too long. */
async function putOff(
  notification: Notification,
  { id, failingSince }: Lease,
  outcome: Outcome & { reason: string },
  { ledger, clock }: Pick<SendDeps, 'ledger' | 'clock'>,
): Promise<Outcome | ({ status: 'deferred' } & Wait)> {
  const now = clock.now();
  const { reason } = outcome;
  const until = nextTry(failingSince ?? now, now);
  if (!until) {
    await ledger.giveUp(notification, id, reason);
    return outcome;
  }
  await ledger.putOff(notification, id, { reason, until, failingSince: failingSince ?? now });
  return { status: 'deferred', reason, until };
}

/**
 * Repeats a request to DynamoDB as long as there is time: a known outcome must not be lost, and a lease
 * whose answer was lost may have been written.
 */
async function untilNoted<T>(note: () => Promise<T>, deadline: Date): Promise<T> {
  for (;;) {
    try {
      return await note();
    } catch (error) {
      const isAway = asAppError(error).code === 'DATABASE_AWAY';
      if (!isAway || Date.now() + NOTING_MS > deadline.getTime()) throw error;
      await pause(FIRST_PAUSE_MS);
    }
  }
}

/** Full jitter: anything between nothing and a limit that doubles. */
function backoff(round: number, random: number): number {
  return Math.round(random * FIRST_PAUSE_MS * 2 ** round);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
