import { expect, test } from '@jest/globals';
import type { Poller } from '../../poller/poller.ts';
import { Bench, counting, failure, type Lambda, success, until, values } from './bench.ts';

const NEW = 1_000;
const MADE_AGAIN = /was deleted and made again.*from its beginning/;

async function makeAgain(bench: Bench, afterMs: number, partitions = 1): Promise<void> {
  await bench.admin.deleteTopics({ topics: [bench.topic] });
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await bench.createTopic(partitions);
  // For a moment the broker may still take records for the old one.
  await until('the new topic', async () => {
    const ends = await bench.admin.fetchTopicOffsets(bench.topic);
    return ends.every(({ high }) => high === '0');
  });
}

function told(bench: Bench): string[] {
  return bench.log.filter((line) => line.startsWith('warning') && MADE_AGAIN.test(line));
}

async function allOfTheNew(bench: Bench, lambda: Lambda, count: number): Promise<void> {
  const isNew = (value: string) => Number(value) >= NEW;
  const seen = () => [values(lambda).filter(isNew).length, bench.log.slice(-8)];
  const last = String(NEW + count - 1);
  await until('the last one', () => values(lambda).includes(last), { withinMs: 40_000, seen });
  expect(values(lambda).filter(isNew)).toEqual(counting(NEW, NEW + count));
  await until('the commit', async () => (await bench.committed()) === count, { seen });
}

test.concurrent.each([
  ['at once', 0, 80],
  ['at once, with as many records as before', 0, 50],
  ['after half a second', 500, 80],
  ['after a second, with as many records as before', 1_000, 50],
  ['after three seconds', 3_000, 80],
  ['after twelve seconds', 12_000, 80],
])(
  'a topic that is deleted and made again %s is read from its beginning',
  async (_, afterMs, count) => {
    await using bench = new Bench();
    await bench.createTopic();
    const lambda = await bench.lambda();
    await bench.produceCount(50);
    bench.poll(lambda, { batchSize: 10 });
    await until('the old ones', async () => (await bench.committed()) === 50);
    await makeAgain(bench, afterMs);
    await bench.produceCount(count, { from: NEW });
    await allOfTheNew(bench, lambda, count);
    expect(told(bench)).toHaveLength(1);
  },
);

test.concurrent.each([3_000, 12_000])(
  'a batch of a topic that was made again after %s ms is not tried any more, and the new one is read',
  async (afterMs) => {
    await using bench = new Bench();
    await bench.createTopic();
    const isOld = ({ records }: { records: readonly { value?: string }[] }) =>
      records.some(({ value }) => Number(Buffer.from(value ?? '', 'base64').toString()) < NEW);
    const lambda = await bench.lambda((invocation) => (isOld(invocation) ? failure : success));
    await bench.produceCount(50);
    bench.poll(lambda, { batchSize: 10 });
    await until('a failure', () => lambda.invocations.length > 1);
    await makeAgain(bench, afterMs);
    await bench.produceCount(80, { from: NEW });
    await allOfTheNew(bench, lambda, 80);
    const after = lambda.invocations.length;
    await bench.produceCount(1, { from: NEW + 80 });
    await until('one more', async () => (await bench.committed()) === 81);
    expect(lambda.invocations.slice(after).filter(isOld)).toEqual([]);
  },
);

test.concurrent.each([
  ['is noticed', 1, 'told'],
  ['is noticed, with more partitions', 2, 'told'],
  ['is not taken for the old one when there is room again', 1, 'at once'],
])('with every buffer full, a topic that is made again %s', async (_, partitions, release) => {
  await using bench = new Bench();
  await bench.createTopic();
  const released = Promise.withResolvers<void>();
  const lambda = await bench.lambda(async ({ records }) => {
    if (records.some(({ value }) => (value?.length ?? 0) > 1_000)) await released.promise;
    return success;
  });
  const value = 'x'.repeat(600_000);
  for (let count = 0; count < 8; count += 1) await bench.produce([{ value }]);
  const poller = bench.poll(lambda, { batchSize: 1, timeoutMs: 60_000 });
  await until('the first one', () => lambda.invocations.length === 1);
  await makeAgain(bench, 0, partitions);
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  for (const partition of all) await bench.produceCount(20, { from: NEW, partition });
  if (release === 'at once') released.resolve();
  await until('told', () => told(bench).length > 0, { withinMs: 30_000, seen: () => bench.log });
  released.resolve();
  for (const partition of all) {
    await until('the commits', async () => (await bench.committed(partition)) === 20, {
      seen: () => bench.log.slice(-8),
    });
    const small = values(lambda, partition).filter((one) => one.length < 1_000);
    expect(small).toEqual(counting(NEW, NEW + 20));
  }
  const ends = poller.stats.snapshot().partitions.map(({ done, lag }) => [done, lag]);
  expect(ends).toEqual(all.map(() => [20, 0]));
});

test.concurrent('a late result for the old topic commits nothing of the new one', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const release = Promise.withResolvers<void>();
  const lambda = await bench.lambda(async (_, index) => {
    if (index === 0) await release.promise;
    return index === 0 ? success : failure;
  });
  await bench.produceCount(40);
  bench.poll(lambda, { batchSize: 40 });
  await until('the first one', () => lambda.invocations.length === 1);
  await makeAgain(bench, 500);
  await bench.produceCount(60, { from: NEW });
  await until('told', () => told(bench).length > 0, { withinMs: 30_000, seen: () => bench.log });
  release.resolve();
  await until('the new ones', () => values(lambda).includes(String(NEW)));
  expect(await bench.committed()).toBeLessThan(1);
});

test.concurrent('a commit of the old topic does not count at a start', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await bench.produceCount(50);
  const first: Poller = bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the start', async () => (await bench.committed()) === 50);
  await bench.produceCount(5, { from: 50 });
  await until('some', async () => (await bench.committed()) === 55);
  await first.stop();
  const old = await bench.commits();
  await makeAgain(bench, 500);
  // As if the broker had not deleted what it has of the old topic.
  await bench.commit(old);
  await bench.produceCount(80, { from: NEW });
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await allOfTheNew(bench, lambda, 80);
  expect(told(bench)).toHaveLength(1);
});
