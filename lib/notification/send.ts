import { randomUUID } from 'node:crypto';
import { asAppError } from '../errors.ts';
import { CALL_MS, callInTurn } from './call.ts';
import type { Message } from './channels.ts';
import type { Attempt, DeliverDeps } from './deliver.ts';
import type { Notification, Outcome } from './record.ts';

/** How often the providers are asked in one invocation; after that the record comes again. */
const ROUNDS = 3;
const FIRST_PAUSE_MS = 200;
/** What the requests to DynamoDB around a call may take; and the one alone that notes its outcome. */
const NOTING_MS = 4_000;
const SETTLING_MS = 2_000;

type Deps = Pick<DeliverDeps, 'seen' | 'senders'> & {
  random?: () => number;
};

/**
 * Takes a notification, sends it, and notes how that went. While all providers surely took nothing
 * and time is left, they are asked again after a pause that grows and is not the same for all.
 *
 * @returns how it went, and how long nobody would have known, had the process died; undefined when its
 * record was settled before
 * @throws AppError `SEND_FAILED` while another invocation is at it
 */
export async function send(
  notification: Notification & { message: Message },
  { deadline, again, log }: Attempt,
  { seen, senders, random = Math.random }: Deps,
): Promise<(Outcome & { windowMs: number }) | undefined> {
  const { channel, message } = notification;
  const providers = senders[channel];
  const callsMs = CALL_MS * providers.length;
  const roundMs = callsMs + NOTING_MS;
  const until = () => new Date(Math.min(deadline.getTime(), Date.now() + roundMs));

  const id = randomUUID();
  const taken = await untilNoted(() => seen.claim(notification, until(), again, id), deadline);
  if (!taken) return undefined;
  const { id: claim, isRetaken } = taken;
  for (let round = 1; ; round++) {
    if (Date.now() + callsMs + SETTLING_MS > deadline.getTime()) {
      const reason = 'no time left';
      await untilNoted(() => seen.release(notification, claim, reason), deadline);
      return { status: 'failed', passing: true, reason, windowMs: 0 };
    }
    const start = performance.now();
    const outcome = await callInTurn(providers, message, log);
    const windowMs = Math.round(performance.now() - start);
    const pauseMs = backoff(round, random());
    // What is deferred has its own time to be looked at again.
    const rounds = again ? 1 : ROUNDS;
    const goesOn = round < rounds && Date.now() + pauseMs + roundMs < deadline.getTime();
    const passes = outcome.status === 'failed' && outcome.passing;
    if (!passes || !goesOn) {
      await untilNoted(() => seen.settle(notification, claim, outcome), deadline);
      if (isRetaken && outcome.status !== 'failed') {
        await untilNoted(() => seen.stand(notification.event), deadline);
      }
      return { ...outcome, windowMs };
    }
    log.warn('to be sent again', { channel, round, pauseMs, reason: outcome.reason });
    await untilNoted(() => seen.hold(notification, claim, outcome.reason, until()), deadline);
    await pause(pauseMs);
    await untilNoted(() => seen.resume(notification, claim, until()), deadline);
  }
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
