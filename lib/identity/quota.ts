import type { Config } from '../config.ts';
import { createKeyedHash } from '../keyed-hash.ts';
import { type Limit, tooMany } from '../limits/limit.ts';
import { createTableLimit } from '../limits/table.ts';
import type { Store } from '../store.ts';
import { ANYBODY, type Caller, hashOf } from './caller.ts';

/**
 * Counts one more for the caller. Without tokens all callers count as one, so a limit would let one of
 * them stop the others: nothing limits them.
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

/** Counts the orders of a caller. Undefined where LIMIT_ORDERS_PER_MINUTE sets no limit. */
export function createOrderQuota(
  store: Store,
  { limits, hashSecret }: Pick<Config, 'limits' | 'hashSecret'>,
): Quota | undefined {
  const { ordersPerMinute: count } = limits;
  if (!count || !hashSecret) return undefined;
  const limit = createTableLimit(store, { name: 'orders', count, seconds: 60 });
  return createQuota(limit, hashSecret, 'You place more orders than are allowed in a minute.');
}
