import { expect, test } from '@jest/globals';
import type { Admin, Consumer, Kafka } from 'kafkajs';
import { createClient } from '../../access/connect.ts';
import { Bench, counting, type Lambda, success, until, values } from './bench.ts';

/** A client that returns committed offsets only after the consumer has tried to fetch a few times. */
function slowToPosition(kafka: Kafka): Kafka {
  let fetches = 0;
  const consumer = (...options: Parameters<Kafka['consumer']>): Consumer => {
    const consumer = kafka.consumer(...options);
    consumer.on(consumer.events.FETCH, () => {
      fetches += 1;
    });
    return consumer;
  };
  const admin = (...options: Parameters<Kafka['admin']>): Admin => {
    const admin = kafka.admin(...options);
    const fetchOffsets: Admin['fetchOffsets'] = async (request) => {
      const enough = fetches + 4;
      await until('some fetches', () => fetches >= enough);
      return admin.fetchOffsets(request);
    };
    return { ...admin, fetchOffsets };
  };
  return { consumer, admin, producer: () => kafka.producer(), logger: () => kafka.logger() };
}

function pollSlowly(bench: Bench, lambda: Lambda, changes: Parameters<Bench['poll']>[1]) {
  const log = { debug: () => undefined };
  const connect = async () => slowToPosition(await createClient(bench.mapping(changes), log));
  return bench.poll(lambda, changes, { connect });
}

test('nothing is fetched until the positions are known', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(5);
  const lambda = await bench.lambda();
  pollSlowly(bench, lambda, { startingPosition: 'LATEST' });
  await until('the start', async () => (await bench.committed()) === 5);
  await bench.produceCount(2, { from: 5 });
  await until('the new ones', () => values(lambda).length >= 2);
  expect(values(lambda)).toEqual(counting(5, 7));
  expect(bench.log.join('\n')).not.toMatch(/went back|were deleted/);
});

test('a partition kept in a rebalance is not fetched again from its committed offset', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  for (const partition of [0, 1]) await bench.produceCount(3, { partition });
  const answer = Promise.withResolvers<void>();
  const slow = await bench.lambda(async () => {
    await answer.promise;
    return success;
  });
  pollSlowly(bench, slow, { batchSize: 3 });
  await until('both in flight', () => values(slow).length === 6);
  const other = await bench.lambda();
  bench.poll(other, { batchSize: 3 });
  await until('the other one has one', () => values(other).length === 3);
  const moved = other.invocations[0]?.records[0]?.partition ?? -1;
  const ones = (line: string) => /^notice.*partitions [01]$/.test(line);
  await until('both know', () => bench.log.filter(ones).length === 2);
  answer.resolve();
  await until('the commit', async () => (await bench.committed(1 - moved)) === 3);
  expect(values(slow, 1 - moved)).toEqual(counting(0, 3));
  expect(bench.log.join('\n')).not.toMatch(/went back/);
});

test('a topic made after its mapping is read from its beginning, even with LATEST', async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda();
  bench.poll(lambda, { startingPosition: 'LATEST' });
  await until('the wait', () => bench.log.some((line) => line.includes('does not exist')));
  await bench.createTopic();
  await bench.produceCount(3);
  await until('all', () => values(lambda).length === 3);
  expect(values(lambda)).toEqual(counting(0, 3));
});

test('records that retention deletes before they are read are reported and skipped', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const answer = Promise.withResolvers<void>();
  const lambda = await bench.lambda(async () => {
    await answer.promise;
    return { body: 'null' };
  });
  // More than the buffer takes, so that fetching pauses while the first record is in flight.
  const value = 'x'.repeat(500_000);
  for (let megabytes = 0; megabytes < 40; megabytes += 1) {
    await bench.produce([{ value }, { value }]);
  }
  bench.poll(lambda, { batchSize: 1 });
  await until('the first one', () => lambda.invocations.length === 1);
  await bench.deleteUpTo(79);
  answer.resolve();
  await until('the commit', async () => (await bench.committed()) === 80, {
    seen: () => bench.log,
  });
  expect(bench.log.join('\n')).toMatch(/were deleted before they were read/);
});
