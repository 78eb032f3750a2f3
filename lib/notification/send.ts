import { randomUUID } from 'node:crypto';
import { asAppError } from '../errors.ts';
import { CALL_MS, callInTurn } from './call.ts';
import type { Message } from './channels/channels.ts';
import type { Attempt, DeliverDeps } from './deliver.ts';
import type { Claim, Wait } from './ledger/ledger.ts';
import { nextTry, soon } from './ledger/pauses.ts';
import { isPassing, type Notification, type Outcome } from './ledger/record.ts';

/** How often the providers are asked in one invocation; after that the record comes again. */
const ROUNDS = 3;
const FIRST_PAUSE_MS = 200;
/** What the requests to DynamoDB around a call may take; and the one alone that notes its outcome. */
const NOTING_MS = 4_000;
const SETTLING_MS = 2_000;

type Deps = Pick<DeliverDeps, 'seen' | 'senders' | 'clock'> & {
  random?: () => number;
};

/** The outcome of a notification, and the time in which a crash would have left it unknown. */
export type Told = (Outcome | ({ status: 'deferred' } & Wait)) & { windowMs: number };

/**
 * Takes a notification, sends it, and notes how that went. While all providers surely took nothing
 * and time is left, they are asked again after a growing pause with jitter. After the last round
 * the notification is put off.
 *
 * @returns undefined when its record was settled before
 * @throws AppError `SEND_FAILED` while another invocation is at it
 */
export async function send(
  notification: Notification & { message: Message },
  { deadline, again, log }: Attempt,
  { seen, senders, clock, random = Math.random }: Deps,
): Promise<Told | undefined> {
  const { channel, message } = notification;
  const providers = senders[channel];
  const callsMs = CALL_MS * providers.length;
  const roundMs = callsMs + NOTING_MS;
  const until = () => {
    const ms = Math.min(roundMs, deadline.getTime() - Date.now());
    return new Date(clock.now().getTime() + ms);
  };

  const id = randomUUID();
  const claim = await untilNoted(() => seen.claim(notification, until(), again, id), deadline);
  if (!claim) return undefined;
  for (let round = 1; ; round++) {
    if (Date.now() + callsMs + SETTLING_MS > deadline.getTime()) {
      const wait = { reason: 'no time left', until: soon(clock.now()) };
      await untilNoted(() => seen.release(notification, claim.id, wait), deadline);
      return { status: 'deferred', ...wait, windowMs: 0 };
    }
    const start = performance.now();
    const outcome = await callInTurn(providers, message, log);
    const windowMs = Math.round(performance.now() - start);
    if (!isPassing(outcome)) {
      await untilNoted(() => seen.settle(notification, claim.id, outcome), deadline);
      return { ...outcome, windowMs };
    }
    const pauseMs = backoff(round, random());
    // What is deferred has its own time to be looked at again.
    const rounds = again ? 1 : ROUNDS;
    if (round >= rounds || Date.now() + pauseMs + roundMs >= deadline.getTime()) {
      const put = () => putOff(notification, claim, outcome, { seen, clock });
      return { ...(await untilNoted(put, deadline)), windowMs };
    }
    const { reason } = outcome;
    log.warn('to be sent again', { channel, round, pauseMs, reason });
    await untilNoted(() => seen.hold(notification, claim.id, reason, until()), deadline);
    await pause(pauseMs);
    await untilNoted(() => seen.resume(notification, claim.id, until()), deadline);
  }
}

/** Puts off a notification that no provider took, or gives it up if it has failed for too long. */
async function putOff(
  notification: Notification,
  { id, failingSince }: Claim,
  outcome: Outcome & { reason: string },
  { seen, clock }: Pick<Deps, 'seen' | 'clock'>,
): Promise<Outcome | ({ status: 'deferred' } & Wait)> {
  const now = clock.now();
  const { reason } = outcome;
  const until = nextTry(failingSince ?? now, now);
  if (!until) {
    await seen.giveUp(notification, id, reason);
    return outcome;
  }
  await seen.putOff(notification, id, { reason, until, failingSince: failingSince ?? now });
  return { status: 'deferred', reason, until };
}

/**
 * What is known must not be lost, and a claim without an answer may have been written: DynamoDB is
 * asked again as long as there is time.
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
