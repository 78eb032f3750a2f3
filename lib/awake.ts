const TICK_MS = 50;

/**
 * Calls `run` when the process has run for so long. Lambda freezes a function between two invocations,
 * and at the thaw an ordinary timer is over although nobody has waited. Ending it twice does no harm.
 *
 * @returns ends the waiting
 */
export function afterAwake(ms: number, run: () => void): () => void {
  let left = ms;
  const timer = setInterval(() => {
    left -= TICK_MS;
    if (left > 0) return;
    clearInterval(timer);
    run();
  }, TICK_MS);
  return () => clearInterval(timer);
}
