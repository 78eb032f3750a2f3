import { expect, test } from '@jest/globals';
import { Bench, counting, ENDLESS_MS, success, until, values } from './bench.ts';

const MiB = 1024 * 1024;
// AWS: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const PAYLOAD_BYTES = 6 * MiB;

test('the batch size counts over all partitions of a payload', async () => {
  await using bench = new Bench();
  await bench.createTopic(3);
  for (const partition of [0, 1, 2]) await bench.produceCount(4, { partition });
  const lambda = await bench.lambda();
  bench.poll(lambda, { batchSize: 6, windowMs: ENDLESS_MS });
  await until('all', () => values(lambda).length === 12);
  expect(lambda.invocations.map(({ records }) => records.length)).toEqual([6, 6]);
  expect(lambda.invocations.some(({ event }) => Object.keys(event.records).length > 1)).toBe(true);
  for (const partition of [0, 1, 2]) expect(values(lambda, partition)).toEqual(counting(0, 4));
  expect(Object.keys(lambda.invocations[0]?.event.records ?? {}).sort()).toEqual(
    expect.arrayContaining([expect.stringMatching(new RegExp(`^${bench.topic}-[012]$`))]),
  );
});

test('a window gathers records that come one by one', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  bench.poll(lambda, { batchSize: 5, windowMs: ENDLESS_MS });
  await until('polling', () => bench.log.some((line) => line.includes('polling')));
  for (const from of counting(0, 5)) await bench.produceCount(1, { from: Number(from) });
  await until('all', () => values(lambda).length === 5);
  expect(lambda.invocations).toHaveLength(1);
});

test('a full batch does not wait for the window', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(3);
  const lambda = await bench.lambda();
  bench.poll(lambda, { batchSize: 3, windowMs: ENDLESS_MS });
  await until('the batch', () => values(lambda).length === 3);
});

test('a payload never exceeds 6 MB and comes close to it', async () => {
  await using bench = new Bench();
  await bench.createTopic(1, { 'max.message.bytes': String(4 * MiB) });
  for (let i = 0; i < 24; i += 1) {
    await bench.produce([{ value: Buffer.alloc(700_000, i), headers: { ключ: Buffer.alloc(9) } }]);
  }
  const lambda = await bench.lambda();
  bench.poll(lambda, { windowMs: 1_000 });
  await until('the commit', async () => (await bench.committed()) === 24);
  const sizes = lambda.invocations.map(({ body }) => Buffer.byteLength(body));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(PAYLOAD_BYTES);
  expect(Math.max(...sizes)).toBeGreaterThan(PAYLOAD_BYTES - MiB);
  expect(lambda.invocations.flatMap(({ records }) => records).map(({ offset }) => offset)).toEqual(
    counting(0, 24).map(Number),
  );
});

test('with limits: aws each batch holds back the next one, and all records come in order', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(3_000);
  const lambda = await bench.lambda();
  bench.poll(lambda, { limits: 'aws', batchSize: 1_000, pollers: { minimum: 1, maximum: 1 } });
  await until('the commit', async () => (await bench.committed()) === 3_000);
  expect(values(lambda)).toEqual(counting(0, 3_000));
  const waits = bench.log.flatMap((line) => / in (\d+) ms or later/.exec(line)?.[1] ?? []);
  // A thousand records are half a second of a poller; a batch that comes late waits no longer.
  expect(waits).toHaveLength(lambda.invocations.length);
  const counts = lambda.invocations.map(({ records }) => records.length);
  expect(waits.map(Number)).toEqual(counts.map((records) => Math.round(records / 2)));
});

test('a record larger than a payload stops its partition with an error, and no other partition', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  await bench.produceCount(1);
  await bench.produce([{ value: Buffer.alloc(20_000), partition: 0 }]);
  await bench.produceCount(1, { from: 2 });
  await bench.produceCount(2, { partition: 1 });
  const lambda = await bench.lambda();
  bench.poll(lambda, {}, { payloadBytes: 10_000 });
  await until('the other partition', async () => (await bench.committed(1)) === 2);
  await until('the error', () =>
    bench.log.some((line) => /^error: .*-0 stands still at offset 1/.test(line)),
  );
  await until('what came before it', async () => (await bench.committed(0)) === 1);
  expect(values(lambda, 0)).toEqual(['0']);
});

test('one partition has one invocation in flight, several partitions have several', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const running = new Map<number, number>();
  let most = 0;
  let together = 0;
  const lambda = await bench.lambda(async ({ records }) => {
    const partitions = new Set(records.map(({ partition }) => partition));
    for (const partition of partitions) {
      running.set(partition, (running.get(partition) ?? 0) + 1);
      most = Math.max(most, running.get(partition) ?? 0);
    }
    together = Math.max(together, [...running.values()].filter((count) => count > 0).length);
    await new Promise((resolve) => setTimeout(resolve, 30));
    for (const partition of partitions) running.set(partition, (running.get(partition) ?? 0) - 1);
    return success;
  });
  for (const partition of [0, 1]) await bench.produceCount(10, { partition });
  bench.poll(lambda, { batchSize: 2 });
  await until('all', () => values(lambda).length === 20);
  expect([most, together]).toEqual([1, 2]);
});
