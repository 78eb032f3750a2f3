/** Where the time comes from; tests pass their own. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

/** From a time on, up to another, itself not included. */
export type Period = { from: Date; to: Date };

/** The time now, or `earlier` if that is later: another machine's clock may have been ahead. */
export function notBefore(earlier: string, now: Date): string {
  const at = now.toISOString();
  return at < earlier ? earlier : at;
}
