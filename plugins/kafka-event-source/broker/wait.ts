import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats `check` until it returns a value. A check that throws means "not yet".
 *
 * @throws Error after `ms`, with the last error of the check as reason
 */
export async function until<T>(
  what: string,
  ms: number,
  check: () => Promise<T | undefined>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = performance.now() + ms;
  let reason: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      reason = error;
    }
    signal?.throwIfAborted();
    if (performance.now() > deadline) {
      const why = reason instanceof Error ? `: ${reason.message || reason.name}` : '';
      throw new Error(`Waited ${ms / 1000} s for ${what}${why}`, { cause: reason });
    }
    await sleep(100);
  }
}
