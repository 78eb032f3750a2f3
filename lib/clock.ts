/** Where the time comes from; tests pass their own. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };

/** From a time on, up to another, itself not included. */
export type Period = { from: Date; to: Date };
