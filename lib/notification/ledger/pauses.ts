const MINUTE_MS = 60_000;
const MAX_PAUSE_MS = 60 * MINUTE_MS;
/** The time for which Lambda retries a record, see `maximumRecordAge` in infra/kafka.yml. */
const TRIED_MS = 6 * 24 * 60 * MINUTE_MS;

/**
 * The next try of a notification that has failed since the given time. The pause is the time since
 * then plus a minute, so the pauses are 1, 2, 4 … 60 minutes.
 *
 * @returns undefined when it has failed for six days and is given up
 */
export function nextTry(failingSince: Date, now: Date): Date | undefined {
  const elapsed = Math.max(0, now.getTime() - failingSince.getTime());
  if (elapsed >= TRIED_MS) return undefined;
  return new Date(now.getTime() + Math.min(elapsed + MINUTE_MS, MAX_PAUSE_MS));
}

/** The next try of a notification that has not failed, but was not begun. */
export function inAMinute(now: Date): Date {
  return new Date(now.getTime() + MINUTE_MS);
}

/** The next try after the longest pause. */
export function inAnHour(now: Date): Date {
  return new Date(now.getTime() + MAX_PAUSE_MS);
}
