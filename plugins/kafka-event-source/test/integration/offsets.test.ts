import { expect, test } from '@jest/globals';
import type { Mapping } from '../../mapping.ts';
import { Bench, counting, failure, type Lambda, success, until, values } from './bench.ts';

const EARLIEST = '-2';

/** Polls until the start is known, or a batch has failed, and stops. */
async function pollOnce(bench: Bench, lambda: Lambda, changes = {}): Promise<void> {
  const before = lambda.invocations.length;
  const polls = () => bench.log.filter((line) => line.includes('polling')).length;
  const begun = polls();
  const poller = bench.poll(lambda, changes);
  await until('polling', () => polls() > begun, { seen: () => bench.log });
  await until('an invocation', () => lambda.invocations.length > before).catch(() => undefined);
  await poller.stop();
}

test.concurrent.each([
  ['LATEST', {}],
  ['AT_TIMESTAMP', { startingTimestampMs: 1_000 }],
  ['TRIM_HORIZON', {}],
] as const)(
  '%s, retention passes the position while the function fails, two restarts: what is left comes, and no negative offset is committed',
  async (startingPosition, more) => {
    await using bench = new Bench();
    await bench.createTopic();
    const lambda = await bench.lambda();
    const changes = { startingPosition, ...more, batchSize: 10 };
    const first = bench.poll(lambda, changes);
    await until('polling', () => bench.log.some((line) => line.includes('polling')));
    await bench.produceCount(20);
    await until('twenty', async () => (await bench.committed()) === 20);
    await first.stop();
    await bench.produceCount(40, { from: 20 });
    await bench.deleteUpTo(40);
    lambda.handle(() => failure);
    const committed: number[] = [];
    for (let start = 0; start < 2; start += 1) {
      await pollOnce(bench, lambda, changes);
      committed.push(await bench.committed());
    }
    expect(committed.every((offset) => offset >= 20)).toBe(true);
    lambda.handle(() => success);
    lambda.invocations.length = 0;
    bench.poll(lambda, changes);
    await bench.produceCount(10, { from: 60 });
    await until('all that is left', async () => (await bench.committed()) === 70);
    expect(values(lambda)).toEqual(counting(40, 70));
  },
);

test.concurrent('a committed offset below 0 does not mean LATEST: the remaining records are delivered', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await bench.produceCount(10);
  await bench.admin.setOffsets({
    groupId: bench.groupId,
    topic: bench.topic,
    partitions: [{ partition: 0, offset: EARLIEST }],
  });
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('all', async () => (await bench.committed()) === 10, { seen: () => bench.log });
  expect(values(lambda)).toEqual(counting(0, 10));
});

test.concurrent.each([
  ['beyond the end', 1_000, 63, 0],
  ['one beyond the end', 64, 63, 0],
  ['beyond the end of a partition without records', 5, 0, 0],
  ['beyond the end of one that retention has shortened', 1_000, 63, 40],
])(
  'a committed offset %s is reported, and the existing records are delivered and committed',
  async (_, offset, records, low) => {
    await using bench = new Bench();
    await bench.createTopic();
    const lambda = await bench.lambda();
    if (records > 0) await bench.produceCount(records);
    if (low > 0) await bench.deleteUpTo(low);
    await bench.commit([{ partition: 0, offset: String(offset) }]);
    const poller = bench.poll(lambda, { startingPosition: 'LATEST' });
    await until('the commit', async () => (await bench.committed()) === records, {
      seen: () => bench.log,
    });
    expect(values(lambda)).toEqual(counting(low, records));
    const told = bench.log.filter((line) => line.startsWith('warning'));
    expect(told).toEqual([expect.stringContaining(`before the committed offset ${offset}`)]);
    await bench.produceCount(1, { from: records });
    await until('one more', async () => (await bench.committed()) === records + 1);
    expect(poller.stats.snapshot().partitions[0]?.lag).toBe(0);
  },
);

test.concurrent.each(['LATEST', 'AT_TIMESTAMP'] as const)(
  '%s: the beginning of a partition or a topic that appears while running is committed when it is taken',
  async (startingPosition) => {
    await using bench = new Bench();
    const lambda = await bench.lambda();
    const changes = { startingPosition, startingTimestampMs: Date.now() + 3_600_000 };
    const first = bench.poll(lambda, changes);
    await until('the wait', () => bench.log.some((line) => line.includes('does not exist')));
    await bench.createTopic();
    await until('the topic', async () => (await bench.committed()) === 0);
    await bench.addPartitions(2);
    await until('the partition', async () => (await bench.committed(1)) === 0);
    await first.stop();
    for (const partition of [0, 1]) await bench.produceCount(3, { partition });
    bench.poll(lambda, changes);
    await until('all', () => values(lambda).length >= 6);
    expect([values(lambda, 0), values(lambda, 1)]).toEqual([counting(0, 3), counting(0, 3)]);
  },
);

test.concurrent('LATEST: a partition that is added while it is stopped is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(3);
  const lambda = await bench.lambda();
  await pollOnceTo(bench, lambda, 3, { startingPosition: 'LATEST' });
  await bench.addPartitions(2);
  await bench.produceCount(3, { partition: 1 });
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the added one', async () => (await bench.committed(1)) === 3);
  expect([values(lambda, 0), values(lambda, 1)]).toEqual([[], counting(0, 3)]);
});

/** Polls until the offset is committed, and stops. */
async function pollOnceTo(
  bench: Bench,
  lambda: Lambda,
  offset: number,
  changes: Partial<Mapping> = {},
): Promise<void> {
  const poller = bench.poll(lambda, changes);
  await until('the commit', async () => (await bench.committed()) === offset);
  await poller.stop();
}

test.concurrent('LATEST by two processes that start at once: records written after either polls are delivered', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  for (const partition of [0, 1]) await bench.produceCount(5, { partition });
  const [one, other] = [await bench.lambda(), await bench.lambda()];
  bench.poll(one, { startingPosition: 'LATEST' });
  bench.poll(other, { startingPosition: 'LATEST' });
  await until('polling', () => bench.log.some((line) => line.includes('polling')));
  for (const partition of [0, 1]) await bench.produceCount(5, { from: 5, partition });
  for (const partition of [0, 1]) {
    await until('all', async () => (await bench.committed(partition)) === 10);
    const both = [...values(one, partition), ...values(other, partition)];
    expect([...new Set(both)].filter((value) => Number(value) >= 5).sort()).toEqual(
      counting(5, 10),
    );
  }
});

test.concurrent.each([
  ['all that it had not read', 40, '20 to 39', counting(40, 45)],
  ['some of it', 30, '20 to 29', counting(30, 45)],
  ['records that had been read as well', 45, '20 to 44', []],
] as const)(
  'records that retention deletes while the mapping is stopped are reported with their offsets: %s',
  async (_, low, offsets, expected) => {
    await using bench = new Bench();
    await bench.createTopic();
    const lambda = await bench.lambda();
    await bench.produceCount(20);
    await pollOnceTo(bench, lambda, 20);
    await bench.produceCount(25, { from: 20 });
    await bench.deleteUpTo(low);
    lambda.invocations.length = 0;
    bench.poll(lambda);
    await until('told', () => bench.log.some((line) => line.includes('were deleted')));
    await bench.produceCount(1, { from: 45 });
    await until('the commit', async () => (await bench.committed()) === 46);
    expect(values(lambda)).toEqual([...expected, '45']);
    const told = bench.log.filter((line) => line.startsWith('warning'));
    expect(told).toEqual([expect.stringContaining(`offset ${offsets} were deleted`)]);
  },
);

test.concurrent('retention that deletes only done records is not reported', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await bench.produceCount(20);
  await pollOnceTo(bench, lambda, 20);
  await bench.produceCount(5, { from: 20 });
  await bench.deleteUpTo(20);
  bench.poll(lambda);
  await until('the rest', async () => (await bench.committed()) === 25);
  expect(bench.log.filter((line) => line.startsWith('warning'))).toEqual([]);
});
