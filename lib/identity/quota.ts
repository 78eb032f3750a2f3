import { createKeyedHash } from '../keyed-hash.ts';
import { type Limit, tooMany } from '../limits/limit.ts';
import { ANYBODY, type Caller, hashOf } from './caller.ts';

/**
 * Counts one more for the caller. Callers without a token are not told apart, so nothing limits them.
 *
 * @throws AppError `TOO_MANY_REQUESTS` when the caller has used the quota; `DATABASE_AWAY`
 */
export type Quota = (caller: Caller) => Promise<void>;

/** @param what the sentence that the refusal begins with */
export function createQuota(limit: Limit, hashSecret: string, what: string): Quota {
  const hash = createKeyedHash(hashSecret);
  return async (caller) => {
    if (caller === ANYBODY) return;
    const wait = await limit(hashOf(caller, hash));
    if (wait > 0) throw tooMany(wait, what);
  };
}
