import { expect, test } from '@jest/globals';
import { startPoller } from '../support/poller-process.ts';
import { kill } from '../support/program.ts';
import { Bench, counting, failure, type Invocation, success, until, values } from './bench.ts';

const offsets = (invocations: readonly Invocation[], partition: number) =>
  invocations
    .flatMap(({ records }) => records)
    .flatMap((record) => (record.partition === partition ? [record.offset] : []));

test('after a kill -9 in the middle of a batch and a restart all records come, in order', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  for (const partition of [0, 1]) await bench.produceCount(60, { partition });
  /** While it is set, invocations are not answered. */
  let hold: PromiseWithResolvers<void> | undefined;
  const held: Invocation[] = [];
  const lambda = await bench.lambda(async (invocation, index) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (hold) {
      held.push(invocation);
      await hold.promise;
    }
    return index % 7 === 3 ? failure : success;
  });
  const begin = () => startPoller(lambda.endpoint, bench.mapping({ batchSize: 5 }), bench.log);
  let child = begin();
  try {
    for (const enough of [40, 80]) {
      const seen = () => bench.log.slice(-5);
      const options = { withinMs: 40_000, seen };
      await until('some', () => values(lambda).length >= enough, options);
      hold = Promise.withResolvers();
      await until('a batch in flight', () => held.length > 0, options);
      await kill(child);
      const known = lambda.invocations.length;
      const committed = [await bench.committed(0), await bench.committed(1)];
      const unanswered = [0, 1].map((partition) => offsets(held, partition)[0]);
      for (const partition of [0, 1]) {
        expect(committed[partition]).toBeLessThanOrEqual(unanswered[partition] ?? 60);
      }
      held.length = 0;
      hold.resolve();
      hold = undefined;
      child = begin();
      await until('the restart', () => lambda.invocations.length > known + 4, {
        withinMs: 40_000,
        seen: () => bench.log.slice(-5),
      });
      for (const partition of [0, 1]) {
        const [first] = offsets(lambda.invocations.slice(known), partition);
        const before = offsets(lambda.invocations.slice(0, known), partition);
        // Delivery begins at the committed offset, and so never after an undelivered record. The broker
        // may have taken a last commit of the killed process after `committed` was read.
        if (first !== undefined) expect(first).toBeGreaterThanOrEqual(committed[partition] ?? 0);
        expect(first ?? 0).toBeLessThanOrEqual(
          unanswered[partition] ?? Math.max(-1, ...before) + 1,
        );
      }
    }
    for (const partition of [0, 1]) {
      await until('the commit', async () => (await bench.committed(partition)) === 60, {
        withinMs: 40_000,
        seen: () => bench.log.slice(-5),
      });
      expect([...new Set(values(lambda, partition))]).toEqual(counting(0, 60));
    }
  } finally {
    await kill(child);
  }
}, 150_000);
