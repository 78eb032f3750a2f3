import { secondsOf } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { KeyedHash } from '../keyed-hash.ts';

/** Allows `count` calls in each period of `seconds`; periods follow the clock, as minutes do. */
export type Quota = { name: string; count: number; seconds: number };

/** Counts one call of `who`. @returns 0, or the seconds until a call is allowed again */
export type Limit = (who: string) => Promise<number>;

/** The period of the time `now`: its start, and the seconds until its end. */
export function periodAt(now: Date, { seconds }: Pick<Quota, 'seconds'>) {
  const at = secondsOf(now);
  const start = at - (at % seconds);
  return { start, left: start + seconds - at };
}

/**
 * An address as a keyed hash, so that the counters do not show the address. Most providers deliver
 * `Ada@` and `ada+shop@` to the mailbox `ada@`: otherwise a caller could fill a mailbox by new additions.
 */
export function recipientOf(hash: KeyedHash, channel: string, address: string): string {
  const mailbox = address.toLowerCase().replace(/^([^+@]+)\+[^@]*@/, '$1@');
  return hash('recipient', channel, mailbox);
}

export function tooMany(retryAfter: number, what: string): AppError {
  return new AppError('TOO_MANY_REQUESTS', `${what} Wait ${retryAfter} s.`, { retryAfter });
}
