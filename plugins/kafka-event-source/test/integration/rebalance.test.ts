import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { jarFolder } from '../../broker/jars.ts';
import { kafkaJars } from '../../broker/kafka.ts';
import { Bench, counting, success, until, values } from './bench.ts';

const partitionsOf = (bench: Bench) =>
  bench.log.filter((line) => line.startsWith('notice')).map((line) => line.split('partitions ')[1]);

test('a second instance takes over partitions; no record is lost or out of order', async () => {
  await using bench = new Bench();
  await bench.createTopic(4);
  const lambda = await bench.lambda();
  const other = await bench.lambda();
  const all = [0, 1, 2, 3];
  bench.poll(lambda, { batchSize: 5 });
  for (const partition of all) await bench.produceCount(50, { partition });
  await until('some', () => values(lambda).length > 20);
  const second = bench.poll(other, { batchSize: 5 });
  await until('shared', () => partitionsOf(bench).some((list) => list?.length === '0, 1'.length));
  for (const partition of all) await bench.produceCount(50, { from: 50, partition });
  const committed = () => Promise.all(all.map((partition) => bench.committed(partition)));
  await until('all', async () => (await committed()).every((offset) => offset === 100));
  expect(values(other).length).toBeGreaterThan(0);
  await second.stop();
  for (const partition of all) await bench.produceCount(1, { from: 100, partition });
  await until('the rest', async () => (await committed()).every((offset) => offset === 101));
  for (const partition of all) {
    const received = new Set([...values(lambda, partition), ...values(other, partition)]);
    expect([...received].sort((a, b) => Number(a) - Number(b))).toEqual(counting(0, 101));
  }
});

test('a result that comes after its partition went to another member is not committed', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const answer = Promise.withResolvers<void>();
  const slow = await bench.lambda(async () => {
    await answer.promise;
    return success;
  });
  const failing = await bench.lambda(() => ({ functionError: 'Unhandled', body: '{}' }));
  for (const partition of [0, 1]) await bench.produceCount(3, { partition });
  bench.poll(slow, { batchSize: 3 });
  await until('both in flight', () => values(slow).length === 6);
  bench.poll(failing, { batchSize: 3 });
  await until('the other one has one', () => failing.invocations.length > 0);
  const moved = failing.invocations[0]?.records[0]?.partition ?? -1;
  answer.resolve();
  await until('the kept one', async () => (await bench.committed(1 - moved)) === 3);
  expect(await bench.committed(moved)).toBe(-1);
  expect(values(slow, 1 - moved)).toEqual(counting(0, 3));
});

test.concurrent('an invocation longer than the session timeout keeps its membership', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda(async (_, index) => {
    if (index === 0) await new Promise((resolve) => setTimeout(resolve, 14_000));
    return success;
  });
  await bench.produceCount(3);
  bench.poll(lambda, { batchSize: 2, timeoutMs: 30_000 });
  await until('the commit', async () => (await bench.committed()) === 3, { withinMs: 30_000 });
  expect(values(lambda)).toEqual(counting(0, 3));
  expect(partitionsOf(bench)).toHaveLength(1);
});

test("the group's member has a client id of this plugin's", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  bench.poll(lambda);
  await until('polling', () => partitionsOf(bench).length > 0);
  const { groups } = await bench.admin.describeGroups([bench.groupId]);
  const members = groups.flatMap((group) => group.members);
  expect(members.map(({ clientId }) => clientId)).toEqual(['kafka-event-source-test']);
});

test.concurrent("a group of Java's consumers is not joined, and a message says so; it is joined when they have left", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', `${jarFolder(kafkaJars)}/*`];
  const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  const servers = ['--bootstrap-server', process.env.KAFKA_BROKERS ?? ''];
  const topic = ['--topic', bench.topic, '--group', bench.groupId];
  const java = spawn('java', [...tool, main, ...servers, ...topic]);
  const ended = once(java, 'exit');
  try {
    const group = async () => (await bench.admin.describeGroups([bench.groupId])).groups[0];
    await until('Java', async () => (await group())?.state === 'Stable', { withinMs: 30_000 });
    const lambda = await bench.lambda();
    bench.poll(lambda);
    const seen = () => bench.log;
    await until('the message', () => bench.log.some((line) => line.includes('another kind')), {
      seen,
    });
    java.kill();
    await ended;
    await bench.produceCount(1);
    await until('the record', () => lambda.invocations.length === 1, { withinMs: 30_000, seen });
  } finally {
    java.kill('SIGKILL');
    await ended;
  }
});

test('partitions added while all are paused are one more join, and are listed by number', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const release = Promise.withResolvers<void>();
  const lambda = await bench.lambda(async () => {
    await release.promise;
    return success;
  });
  const value = 'x'.repeat(600_000);
  for (const partition of [0, 0, 1, 1]) await bench.produce([{ value, partition }]);
  bench.poll(lambda, { batchSize: 1, timeoutMs: 60_000 });
  await until('both in flight', () => lambda.invocations.length === 2);
  await bench.addPartitions(12);
  await until('the join', () => partitionsOf(bench).length > 1, { seen: () => bench.log });
  release.resolve();
  for (const partition of [0, 11]) await bench.produceCount(1, { partition });
  await until('the rest', async () => (await bench.committed(11)) === 1);
  await until('all', async () => (await bench.committed(0)) === 3);
  expect(partitionsOf(bench)).toEqual(['0, 1', counting(0, 12).join(', ')]);
});
