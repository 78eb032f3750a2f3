const TICK_MS = 50;

/**
 * Calls `run` when the process has been awake for the given time. Lambda freezes a function between
 * two invocations; after it, an ordinary timer fires at once although the function has not waited.
 *
 * @returns a function that cancels the call; calling it twice does no harm
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
