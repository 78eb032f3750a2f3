/** The source of the time; tests pass their own. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

/** The time from `from` up to, but not including, `to`. */
export type Period = { from: Date; to: Date };

/** A time in seconds since 1970, as tokens and DynamoDB's time to live have it. */
export function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** The later of `now` and `earlier`: another machine's clock may have been ahead. */
export function notBefore(earlier: string, now: Date): string {
  const at = now.toISOString();
  return at < earlier ? earlier : at;
}
