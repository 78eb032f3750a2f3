import { expect, test } from '@jest/globals';
import { Bench, counting, KEPT, until, values } from './bench.ts';

const polling =
  (bench: Bench, times = 1) =>
  () =>
    bench.log.filter((line) => line.startsWith('notice') && line.includes('polling')).length >=
    times;

test('a restart goes on after the committed record', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await bench.produceCount(3);
  const first = bench.poll(lambda);
  await until('the commit', async () => (await bench.committed()) === 3);
  await first.stop();
  await bench.produceCount(3, { from: 3 });
  bench.poll(lambda);
  await until('the rest', async () => (await bench.committed()) === 6);
  expect(values(lambda)).toEqual(counting(0, 6));
});

test('a stop waits for the invocation in flight and commits it', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const answer = Promise.withResolvers<void>();
  const lambda = await bench.lambda(async () => {
    await answer.promise;
    return { body: 'null' };
  });
  await bench.produceCount(2);
  const poller = bench.poll(lambda);
  await until('the invocation', () => lambda.invocations.length === 1);
  const stopped = poller.stop();
  answer.resolve();
  await stopped;
  expect(await bench.committed()).toBe(2);
});

test('LATEST begins after the newest record, and a restart before any commit skips none', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(3);
  const lambda = await bench.lambda();
  const first = bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('polling', polling(bench));
  await until('the start', async () => (await bench.committed()) === 3);
  await first.stop();
  await bench.produceCount(2, { from: 3 });
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the new ones', () => values(lambda).length === 2);
  expect(values(lambda)).toEqual(['3', '4']);
});

test('AT_TIMESTAMP begins at the first record from then on', async () => {
  await using bench = new Bench();
  await bench.createTopic(1, KEPT);
  const times = [1_700_000_000_000, 1_700_000_001_000, 1_700_000_002_000];
  await bench.produce(
    times.map((time, index) => ({ value: String(index), timestamp: String(time) })),
  );
  const lambda = await bench.lambda();
  bench.poll(lambda, { startingPosition: 'AT_TIMESTAMP', startingTimestampMs: 1_700_000_001_000 });
  await until('two', () => values(lambda).length === 2);
  expect(values(lambda)).toEqual(['1', '2']);
});

test('AT_TIMESTAMP begins at the end if it is after the last record, and at the beginning if before the first', async () => {
  await using bench = new Bench();
  await bench.createTopic(3, KEPT);
  const time = 1_700_000_000_000;
  const at = (timestamp: number, partition: number) =>
    bench.produce([0, 1].map((id) => ({ value: `${id}`, timestamp: `${timestamp}`, partition })));
  await at(time - 1_000, 0);
  await at(time + 1_000, 1);
  const lambda = await bench.lambda();
  bench.poll(lambda, { startingPosition: 'AT_TIMESTAMP', startingTimestampMs: time });
  await until('the later ones', async () => (await bench.committed(1)) === 2);
  for (const [partition, next] of [
    [0, 2],
    [2, 0],
  ] as const) {
    await until('the start', async () => (await bench.committed(partition)) === next);
  }
  for (const partition of [0, 2]) await bench.produceCount(1, { from: 7, partition });
  await until('the new ones', () => values(lambda).length >= 4);
  expect([0, 1, 2].map((partition) => values(lambda, partition))).toEqual([
    ['7'],
    ['0', '1'],
    ['7'],
  ]);
});

test('a poller waits for a missing topic, reports it once, and does not create it', async () => {
  await using bench = new Bench();
  await bench.admin.connect();
  const lambda = await bench.lambda();
  bench.poll(lambda);
  const reported = () => bench.log.filter((line) => line.includes('does not exist'));
  await until('the message', () => reported().length > 0);
  expect(await bench.admin.listTopics()).not.toContain(bench.topic);
  await bench.createTopic();
  await bench.produceCount(1);
  await until('the record', () => values(lambda).length === 1);
  expect(reported()).toHaveLength(1);
});

test('a missing broker is reported once with its address, and a stop does not hang', async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda();
  const poller = bench.poll(lambda, { bootstrapServers: ['127.0.0.1:1'] });
  const reported = () => bench.log.filter((line) => line.includes('cannot poll'));
  await until('the message', () => reported().length > 0);
  expect(reported()[0]).toMatch(/127\.0\.0\.1:1/);
  await poller.stop();
});

test('after retention has deleted the next record, polling goes on at the oldest that is left', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await bench.produceCount(2);
  const first = bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the start', async () => (await bench.committed()) === 2);
  await first.stop();
  await bench.produceCount(8, { from: 2 });
  await bench.deleteUpTo(6);
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the commit', async () => (await bench.committed()) === 10);
  expect(values(lambda)).toEqual(counting(6, 10));
});

test('a topic deleted and created again is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await bench.produceCount(5);
  bench.poll(lambda);
  await until('the commit', async () => (await bench.committed()) === 5);
  await bench.admin.deleteTopics({ topics: [bench.topic] });
  await until('the warning', () => bench.log.some((line) => /^warning/.test(line)), {
    withinMs: 40_000,
  });
  await bench.createTopic();
  await bench.produceCount(3, { from: 100 });
  await until('the new ones', () => values(lambda).includes('102'), {
    withinMs: 40_000,
    seen: () => bench.log,
  });
  expect(values(lambda)).toEqual([...counting(0, 5), ...counting(100, 103)]);
});

test('a partition added while polling is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the start', async () => (await bench.committed()) === 0);
  await bench.addPartitions(2);
  await bench.produceCount(2, { partition: 1 });
  await until('its records', () => values(lambda, 1).length === 2, { withinMs: 40_000 });
});
