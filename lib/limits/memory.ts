import type { Clock } from '../clock.ts';
import { type Limit, periodAt, type Quota } from './limit.ts';

/** The most callers in memory, some megabytes. Beyond it the oldest caller is forgotten. */
const MAX_KNOWN = 10_000;

/**
 * Counts in the memory of this instance, without a request. With several instances the limit is
 * only approximate, since each instance allows the full count.
 */
export function createMemoryLimit({ clock }: { clock: Clock }, quota: Quota): Limit {
  const counts = new Map<string, number>();
  let current = 0;
  return async (who) => {
    const { start, left } = periodAt(clock.now(), quota);
    if (start !== current) counts.clear();
    current = start;
    const count = counts.get(who) ?? 0;
    if (count >= quota.count) return left;
    if (count === 0 && counts.size >= MAX_KNOWN) {
      for (const oldest of counts.keys().take(1)) counts.delete(oldest);
    }
    counts.set(who, count + 1);
    return 0;
  };
}
