import { setTimeout as pause } from 'node:timers/promises';

/** Repeats an attempt until it returns a value. At the deadline the error names the missing thing. */
export async function until<T>(
  what: string,
  attempt: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 60_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what} did not come within ${deadlineMs} ms`);
    await pause(20);
  }
}
