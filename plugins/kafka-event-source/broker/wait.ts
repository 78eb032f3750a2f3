import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again until `check` gives a value, or throws after `ms` saying what did not happen and why.
 * A throwing check means "not yet"; its last error becomes the reason.
 */
export async function until<T>(
  what: string,
  ms: number,
  check: () => Promise<T | undefined>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = Date.now() + ms;
  let reason: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      reason = error;
    }
    signal?.throwIfAborted();
    if (Date.now() > deadline) {
      const why = reason instanceof Error ? `: ${reason.message || reason.name}` : '';
      throw new Error(`Waited ${ms / 1000} s for ${what}${why}`, { cause: reason });
    }
    await sleep(100);
  }
}
