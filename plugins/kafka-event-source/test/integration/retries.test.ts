import { expect, test } from '@jest/globals';
import type { EventRecord } from '../../event.ts';
import type { Mapping } from '../../mapping.ts';
import {
  Bench,
  counting,
  ENDLESS_MS,
  failure,
  type Invocation,
  success,
  until,
  values,
} from './bench.ts';

const textOf = ({ value }: EventRecord) => Buffer.from(value ?? '', 'base64').toString();
const has = (value: string) => (invocation: Invocation) =>
  invocation.records.some((record) => textOf(record) === value);
const failingOn = (value: string) => (invocation: Invocation) =>
  has(value)(invocation) ? failure : success;
const committed = (bench: Bench, next: number, partition = 0) =>
  until('the commit', async () => (await bench.committed(partition)) === next, {
    withinMs: 30_000,
    seen: () => bench.log.slice(-6),
  });
const batches = ({ invocations }: { invocations: Invocation[] }) =>
  invocations.map(({ records }) => records.map(textOf).join(','));
const together: Partial<Mapping> = { windowMs: ENDLESS_MS };

test('a batch has its retries, and is then dropped with an error if no destination is set', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(4);
  const lambda = await bench.lambda(failingOn('1'));
  const poller = bench.poll(lambda, { ...together, batchSize: 2, maximumRetryAttempts: 2 });
  await committed(bench, 4);
  expect(batches(lambda)).toEqual(['0,1', '0,1', '0,1', '2,3']);
  const dropped = bench.log.filter((line) => line.includes('DROPPED'));
  expect(dropped).toEqual([
    expect.stringMatching(/^error: test: DROPPED 2 records \(.*-0 0…1\), RetriesExhausted/),
  ]);
  expect(poller.stats.snapshot()).toMatchObject({ dropped: 2, retries: 2, invocations: 4 });
});

test('a failed batch of several partitions is retried as one: they wait together', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  await bench.produceCount(1);
  await bench.produceCount(1, { from: 10, partition: 1 });
  const lambda = await bench.lambda((_, index) => (index < 2 ? failure : success));
  bench.poll(lambda, { ...together, batchSize: 2 });
  for (const partition of [0, 1]) await committed(bench, 1, partition);
  const sorted = lambda.invocations.map(({ records }) => records.map(textOf).sort().join(','));
  expect(sorted).toEqual(['0,10', '0,10', '0,10']);
});

test('no retries means one invocation', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(2);
  const lambda = await bench.lambda(() => failure);
  bench.poll(lambda, { batchSize: 1, maximumRetryAttempts: 0 });
  await committed(bench, 2);
  expect(batches(lambda)).toEqual(['0', '1']);
});

test('throttles are retried and use up no retry', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(1);
  const lambda = await bench.lambda((_, index) => (index < 3 ? { status: 429 } : success));
  const poller = bench.poll(lambda, { maximumRetryAttempts: 0 });
  await committed(bench, 1);
  expect(lambda.invocations).toHaveLength(4);
  expect(poller.stats.snapshot()).toMatchObject({ throttles: 3, dropped: 0, succeeded: 1 });
});

test.each([
  ['', false],
  [', with partial failures on, too', true],
])('bisecting finds the one bad record: all others are done, in order%s', async (_, reported) => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(8);
  const lambda = await bench.lambda(failingOn('5'));
  bench.poll(lambda, {
    ...together,
    batchSize: 8,
    maximumRetryAttempts: 1,
    bisectBatchOnFunctionError: true,
    reportBatchItemFailures: reported,
  });
  await committed(bench, 8);
  expect(batches(lambda)).toEqual([
    '0,1,2,3,4,5,6,7',
    '0,1,2,3',
    '4,5,6,7',
    '4,5',
    '4',
    '5',
    '5',
    '6,7',
  ]);
});

test('bisecting cuts between partitions, and the good one does not wait for the bad one', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  await bench.produceCount(2);
  await bench.produceCount(2, { from: 10, partition: 1 });
  let broken = true;
  const lambda = await bench.lambda((invocation) =>
    broken ? failingOn('0')(invocation) : success,
  );
  bench.poll(lambda, { ...together, batchSize: 4, bisectBatchOnFunctionError: true });
  await committed(bench, 2, 1);
  expect(await bench.committed(0)).toBe(-1);
  broken = false;
  await committed(bench, 2, 0);
  expect(batches(lambda).slice(1, 3).sort()).toEqual(['0,1', '10,11']);
});

test('reported records are retried alone, and given up alone', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(4);
  const lambda = await bench.lambda(({ records }) => {
    const bad = records.filter((record) => ['1', '3'].includes(textOf(record)));
    const batchItemFailures = bad.map(({ topic, partition, offset }) => ({
      itemIdentifier: { partition: `${topic}-${partition}`, offset },
    }));
    return { body: JSON.stringify({ batchItemFailures }) };
  });
  const poller = bench.poll(lambda, {
    ...together,
    batchSize: 4,
    reportBatchItemFailures: true,
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: 2,
  });
  await committed(bench, 4);
  expect(batches(lambda)).toEqual(['0,1,2,3', '1,3', '1,3']);
  expect(bench.log.join('\n')).toMatch(/DROPPED 2 records \(.*-0 1,3\)/);
  expect(poller.stats.snapshot()).toMatchObject({ succeeded: 2, dropped: 2 });
});

test('a record that is too old is not sent to the function, but the others of its batch are', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const hourAgo = String(Date.now() - 3_600_000);
  await bench.produce([
    { value: '0', timestamp: hourAgo, partition: 0 },
    { value: '1', partition: 0 },
    { value: '2', timestamp: hourAgo, partition: 0 },
  ]);
  const lambda = await bench.lambda();
  const poller = bench.poll(lambda, {
    ...together,
    batchSize: 3,
    maximumRecordAgeSeconds: 60,
  });
  await committed(bench, 3);
  expect(values(lambda)).toEqual(['1']);
  expect(poller.stats.snapshot()).toMatchObject({ dropped: 2 });
});

test.concurrent('a failing record is retried until it is too old', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda(failingOn('0'));
  bench.poll(lambda, { batchSize: 1, maximumRecordAgeSeconds: 60 });
  await until('polling', () => bench.log.some((line) => line.includes('polling')));
  await bench.produce([{ value: '0', timestamp: String(Date.now() - 52_000) }, { value: '1' }]);
  await committed(bench, 2);
  expect(values(lambda).filter((value) => value === '0').length).toBeGreaterThan(1);
  expect(bench.log.join('\n')).toMatch(/DROPPED 1 record \(.*-0 0\), RecordAgeExceeded/);
});

test('a failed partition holds up no other', async () => {
  await using bench = new Bench();
  await bench.createTopic(3);
  let broken = true;
  const lambda = await bench.lambda((invocation) =>
    broken ? failingOn('bad')(invocation) : success,
  );
  await bench.produce([{ value: 'bad', partition: 0 }]);
  const pollers = { minimum: 1, maximum: 1 };
  const poller = bench.poll(lambda, { pollers });
  await until('a failure', () => lambda.invocations.length > 1);
  for (const partition of [1, 2]) await bench.produceCount(5, { partition });
  for (const partition of [1, 2]) await committed(bench, 5, partition);
  const [first] = poller.stats.snapshot().partitions;
  expect(first?.blocked).toMatchObject({ offset: 0, isRetried: true });
  broken = false;
  await committed(bench, 1, 0);
  expect(poller.stats.snapshot().partitions[0]?.blocked).toBeUndefined();
});

test('one poller has at most five invocations at once, and more pollers have more', async () => {
  for (const [pollers, most] of [
    [{ minimum: 1, maximum: 1 }, 5],
    [{ minimum: 2, maximum: 2 }, 8],
  ] as const) {
    await using bench = new Bench();
    await bench.createTopic(8);
    for (const partition of counting(0, 8)) {
      await bench.produceCount(1, { partition: Number(partition) });
    }
    const answer = Promise.withResolvers<void>();
    let running = 0;
    const lambda = await bench.lambda(async () => {
      running += 1;
      await answer.promise;
      return success;
    });
    const poller = bench.poll(lambda, { batchSize: 1, pollers });
    await until('as many as may be', () => running === most, { seen: () => running });
    const fetched = () => poller.stats.snapshot().partitions.filter(({ end }) => end === 1);
    await until('all records fetched', () => fetched().length === 8);
    expect(running).toBe(most);
    answer.resolve();
  }
});

test('a payload has the partitions of one poller', async () => {
  await using bench = new Bench();
  await bench.createTopic(4);
  const lambda = await bench.lambda();
  const pollers = { minimum: 2, maximum: 2 };
  const poller = bench.poll(lambda, { ...together, batchSize: 2, pollers });
  // Fewer partitions, as while one has no leader yet, are divided in another way.
  await until('all partitions', () => poller.condition.partitions?.length === 4);
  for (const next of [1, 2, 3]) {
    await bench.produce([0, 1, 2, 3].map((partition) => ({ value: 'x', partition })));
    for (const partition of [0, 1, 2, 3]) await committed(bench, next, partition);
  }
  const payloads = lambda.invocations.map(({ records }) =>
    records.map(({ partition }) => partition).sort(),
  );
  expect(payloads.filter(([first]) => first === 0)).toEqual([
    [0, 2],
    [0, 2],
    [0, 2],
  ]);
  expect(payloads.filter(([first]) => first !== 0)).toEqual([
    [1, 3],
    [1, 3],
    [1, 3],
  ]);
});

test('on demand there are as many invocations at once as partitions, even after throttles', async () => {
  await using bench = new Bench();
  await bench.createTopic(8);
  const partitions = counting(0, 8).map(Number);
  for (const partition of partitions) await bench.produceCount(1, { partition });
  const answer = Promise.withResolvers<void>();
  let running = 0;
  const lambda = await bench.lambda(async (_, index) => {
    if (index < 8) return { status: 429 };
    running += 1;
    await answer.promise;
    return success;
  });
  bench.poll(lambda, { batchSize: 1 });
  await until('one for each partition', () => running === 8, { seen: () => running });
  answer.resolve();
});

test('more pollers join while a buffer is full, without a rebalance', async () => {
  await using bench = new Bench();
  await bench.createTopic(8);
  const partitions = counting(0, 8).map(Number);
  for (const partition of partitions) await bench.produceCount(1, { partition });
  const answer = Promise.withResolvers<void>();
  let running = 0;
  const lambda = await bench.lambda(async () => {
    running += 1;
    await answer.promise;
    return success;
  });
  bench.poll(lambda, { batchSize: 1, pollers: { minimum: 1, maximum: 2 } });
  await until('as many as one has', () => running === 5, { seen: () => running });
  const value = Buffer.alloc(600_000);
  await bench.produce([{ value, partition: 0 }]);
  await until('as many as partitions', () => running === 8, { seen: () => running });
  expect(bench.log.filter((line) => line.includes('polling'))).toHaveLength(1);
  answer.resolve();
});
