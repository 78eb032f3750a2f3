import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; ends early, and without an error, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Whether the work ends within the time. After the time the work still goes on. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const isOver = new AbortController();
  const late = pause(ms, isOver.signal).then(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    isOver.abort();
  }
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
