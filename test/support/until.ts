import { setTimeout as pause } from 'node:timers/promises';

/** Tries until the answer is there, and says what it waited for when the deadline passes. */
export async function until<T>(
  what: string | (() => string),
  attempt: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 60_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    if (Date.now() > end) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`${text}: not within ${Math.round(deadlineMs)} ms`);
    }
    await pause(20);
  }
}
