/**
 * Does `work` for each item, up to `concurrency` at once, and takes an item from the source only when
 * a worker is free. After the first failure, of an item or of the source, no more items are taken.
 *
 * @throws that failure, when all work under way has ended
 */
export async function pool<T>(
  source: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const items =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let hasFailed = false;
  const worker = async () => {
    while (!hasFailed) {
      const next = await items.next();
      if (next.done || hasFailed) return;
      await work(next.value);
    }
  };
  const workers = Array.from({ length: concurrency }, () =>
    worker().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  const ends = await Promise.allSettled(workers);
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure) throw failure.reason;
}
