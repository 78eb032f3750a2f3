import { expect, test } from '@jest/globals';
import { Bench, counting, failure, success, until, values } from './bench.ts';

test('records are delivered in order and committed after the invocation', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const answer = Promise.withResolvers<void>();
  const lambda = await bench.lambda(async () => {
    await answer.promise;
    return success;
  });
  await bench.produceCount(5);
  bench.poll(lambda);
  await until('an invocation', () => lambda.invocations.length === 1);
  expect(await bench.committed()).toBe(-1);
  answer.resolve();
  await until('the commit', async () => (await bench.committed()) === 5);
  expect(values(lambda)).toEqual(counting(0, 5));
});

test('a failed batch is delivered again unchanged, before the next batch', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda((_, index) => (index < 2 ? failure : success));
  await bench.produceCount(6);
  bench.poll(lambda, { batchSize: 3 });
  await until('the commit', async () => (await bench.committed()) === 6, {
    seen: () => values(lambda),
  });
  expect(values(lambda)).toEqual([
    ...counting(0, 3),
    ...counting(0, 3),
    ...counting(0, 3),
    ...counting(3, 6),
  ]);
});

test('other partitions go on while one is delivered again', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  let broken = true;
  const lambda = await bench.lambda(({ records }) =>
    broken && records.some(({ partition }) => partition === 0) ? failure : success,
  );
  await bench.produceCount(1);
  bench.poll(lambda);
  await until('a failure', () => lambda.invocations.length > 0);
  for (const from of [0, 1, 2]) {
    await bench.produceCount(1, { from, partition: 1 });
    await until('the record', async () => (await bench.committed(1)) === from + 1);
  }
  expect(await bench.committed(0)).toBe(-1);
  broken = false;
  await until('the blocked partition', async () => (await bench.committed(0)) === 1);
  expect(values(lambda, 1)).toEqual(counting(0, 3));
});
