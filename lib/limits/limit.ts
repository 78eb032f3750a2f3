import { AppError } from '../errors.ts';
import type { KeyedHash } from '../keyed-hash.ts';

/** So many in each period of so many seconds; the periods are the clock's, as hours and minutes are. */
export type Quota = { name: string; count: number; seconds: number };

/** Counts one more for somebody. @returns 0, or after how many seconds there is room again */
export type Limit = (who: string) => Promise<number>;

/** The period at a time: when it began, and in how many seconds it ends. */
export function periodAt(now: Date, { seconds }: Pick<Quota, 'seconds'>) {
  const at = Math.floor(now.getTime() / 1000);
  const start = at - (at % seconds);
  return { start, left: start + seconds - at };
}

/** An address under a keyed hash: who reads the counters cannot read the address from them. */
export function recipientOf(hash: KeyedHash, channel: string, address: string): string {
  // Providers deliver `Ada@` and `ada@` to one mailbox.
  return hash('recipient', channel, address.toLowerCase());
}

export function tooMany(retryAfter: number, what: string): AppError {
  return new AppError('TOO_MANY_REQUESTS', `${what} Wait ${retryAfter} s.`, { retryAfter });
}
