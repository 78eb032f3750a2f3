import { expect, test } from '@jest/globals';
import { Bench, type Invocation, until, values } from './bench.ts';

const failedOffsets = (offsets: readonly number[]) => (invocation: Invocation) => {
  const batchItemFailures = invocation.records
    .filter(({ offset }) => offsets.includes(offset))
    .map(({ topic, partition, offset }) => ({
      itemIdentifier: { partition: `${topic}-${partition}`, offset },
    }));
  return { body: JSON.stringify({ batchItemFailures }) };
};

test('only the failed records are delivered again, and no offset after them is committed', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  let failing = [2, 4];
  const lambda = await bench.lambda((invocation) => failedOffsets(failing)(invocation));
  await bench.produceCount(6);
  bench.poll(lambda, { batchSize: 6, windowMs: 2_000, reportBatchItemFailures: true });
  await until('a second attempt', () => lambda.invocations.length >= 2);
  expect(await bench.committed()).toBe(2);
  failing = [4];
  await until('the commit up to the next failed one', async () => (await bench.committed()) === 4);
  await bench.produceCount(1, { from: 6 });
  failing = [];
  await until('the commit', async () => (await bench.committed()) === 7);
  const [first, second] = lambda.invocations;
  expect(first?.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(second?.records.map(({ offset }) => offset)).toEqual([2, 4]);
  expect(values(lambda).filter((value) => ['0', '1', '3', '5'].includes(value))).toHaveLength(4);
  expect(values(lambda).at(-1)).toBe('6');
});

test('an identifier that was not in the event fails the whole batch', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const unknown = { itemIdentifier: { partition: `${bench.topic}-0`, offset: 99 } };
  const lambda = await bench.lambda((_, index) =>
    index === 0 ? { body: JSON.stringify({ batchItemFailures: [unknown] }) } : { body: '' },
  );
  await bench.produceCount(2);
  bench.poll(lambda, { batchSize: 2, windowMs: 2_000, reportBatchItemFailures: true });
  await until('the commit', async () => (await bench.committed()) === 2);
  expect(values(lambda)).toEqual(['0', '1', '0', '1']);
});

test('without ReportBatchItemFailures the answer is ignored', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda(failedOffsets([0]));
  await bench.produceCount(2);
  bench.poll(lambda);
  await until('the commit', async () => (await bench.committed()) === 2);
  expect(values(lambda)).toEqual(['0', '1']);
});
