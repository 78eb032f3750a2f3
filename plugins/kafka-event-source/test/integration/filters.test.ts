import { expect, test } from '@jest/globals';
import { Bench, failure, success, until, values } from './bench.ts';

const filters = [JSON.stringify({ value: { kind: ['wanted'] } })];
const wanted = (id: number) => JSON.stringify({ kind: 'wanted', id });
const other = (id: number) => JSON.stringify({ kind: 'other', id });

/** Sends a record for each letter: the filter wants `w` only. */
const produce = (bench: Bench, kinds: string, from = 0, partition = 0) =>
  bench.produce(
    [...kinds].map((kind, index) => ({
      value: (kind === 'w' ? wanted : other)(from + index),
      partition,
    })),
  );

const committed = (bench: Bench, next: number, partition = 0) =>
  until('the commit', async () => (await bench.committed(partition)) === next, {
    withinMs: 30_000,
    seen: () => bench.log.slice(-5),
  });

test('only records that match reach the function, and all are committed after its success', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await produce(bench, 'owoowoo');
  const answer = Promise.withResolvers<typeof success>();
  const lambda = await bench.lambda(() => answer.promise);
  const poller = bench.poll(lambda, { filters, windowMs: 300 });
  await until('the invocation', () => lambda.invocations.length === 1);
  expect(await bench.committed()).toBe(-1);
  answer.resolve(success);
  await committed(bench, 7);
  expect(values(lambda)).toEqual([wanted(1), wanted(4)]);
  expect(lambda.invocations[0]?.records.map(({ offset }) => offset)).toEqual([1, 4]);
  expect(poller.stats.snapshot()).toMatchObject({ filtered: 5, succeeded: 2, dropped: 0 });
});

test('records that do not match do not count towards the batch size', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await produce(bench, 'wowowow');
  const lambda = await bench.lambda();
  bench.poll(lambda, { filters, batchSize: 4, windowMs: 60_000 });
  await until('the batch', () => lambda.invocations.length > 0);
  expect(values(lambda)).toEqual([0, 2, 4, 6].map(wanted));
});

test('if no record matches, all are committed without an invocation', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await produce(bench, 'ooo');
  const lambda = await bench.lambda();
  bench.poll(lambda, { filters });
  await committed(bench, 3);
  await produce(bench, 'oo', 3);
  await committed(bench, 5);
  expect(lambda.invocations).toEqual([]);
});

test('a record that does not match is never committed past a record in flight', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  await produce(bench, 'wow');
  let broken = true;
  const lambda = await bench.lambda(() => (broken ? failure : success));
  bench.poll(lambda, { filters, batchSize: 1 });
  await until('a failure', () => lambda.invocations.length > 0);
  await produce(bench, 'oooo', 3);
  await produce(bench, 'oo', 0, 1);
  await committed(bench, 2, 1);
  await until('another failure', () => lambda.invocations.length > 3);
  expect(await bench.committed(0)).toBe(-1);
  broken = false;
  await committed(bench, 7);
});

test('a JSON filter lets plain text and tombstones reach the function', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce([
    { value: 'plain', partition: 0 },
    { key: 'k', value: null, partition: 0 },
    { value: other(2), partition: 0 },
  ]);
  const lambda = await bench.lambda();
  bench.poll(lambda, { filters });
  await committed(bench, 3);
  const records = lambda.invocations.flatMap((one) => one.records);
  expect(records.map(({ offset }) => offset)).toEqual([0, 1]);
  expect(records[1]).not.toHaveProperty('value');
});
