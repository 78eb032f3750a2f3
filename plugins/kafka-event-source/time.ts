import timers from 'node:timers/promises';

// The real one, also after a test of functions has replaced it by another.
const { setTimeout: sleep } = timers;

/** The clock by which an engine reads the time, and sets its timers. */
export interface Clock {
  /** The milliseconds since 1970. */
  date(): number;
  /** The milliseconds by a clock that no one sets. */
  monotonic(): number;
  /** Calls `action` once, after the time. @returns cancels that */
  after(ms: number, action: () => void, wait: Wait): () => void;
}

/** The reason for a timer: a batch that may still grow, or a pause before the next attempt. */
type Wait = 'batch' | 'pause';

/** The clock of this machine. */
export const SYSTEM_CLOCK: Clock = {
  date: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

/** Waits; ends early, and without an error, when the signal aborts. */
export async function pause(
  ms: number,
  signal: AbortSignal,
  clock: Clock = SYSTEM_CLOCK,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve, 'pause');
  const end = () => resolve();
  signal.addEventListener('abort', end, { once: true });
  await promise;
  cancel();
  signal.removeEventListener('abort', end);
}

/** Whether the work ends within the time. After the time the work still goes on. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const isOver = new AbortController();
  const late = sleep(ms, false, { signal: isOver.signal }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    isOver.abort();
  }
}

export interface Stopwatch {
  /** The milliseconds by the clock that no one sets; it may stand still while the machine sleeps. */
  readonly monotonic: () => number;
  /** The milliseconds by that clock or by the one of the day, whichever has gone further. */
  readonly longest: () => number;
}

/** Measures the time from now on, also over a suspension of the process or the machine. */
export function stopwatch(): Stopwatch {
  const begin = { day: Date.now(), monotonic: performance.now() };
  const monotonic = () => performance.now() - begin.monotonic;
  return { monotonic, longest: () => Math.max(monotonic(), Date.now() - begin.day) };
}

/** A time limit for calls that have none of their own. After the time the work still goes on. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
