import { expect, test } from '@jest/globals';
import { Bench, counting, success, until } from './bench.ts';

const PARTITIONS = counting(0, 40).map(Number);
const RECORDS = 60;
const ALL = PARTITIONS.length * RECORDS;

// Kafka answers a fetch with at most 10 MB: here those are the first third of the requested
// partitions.
test('with forty partitions and a deep backlog the last ones do not wait for the first ones', async () => {
  await using bench = new Bench();
  await bench.createTopic(PARTITIONS.length);
  const value = Buffer.alloc(40_000, 'x');
  for (const partition of PARTITIONS) {
    const messages = Array.from({ length: RECORDS / 3 }, () => ({ value, partition }));
    for (let part = 0; part < 3; part += 1) await bench.produce(messages);
  }
  const delivered: number[] = [];
  const lambda = await bench.lambda(async ({ records }) => {
    delivered.push(...records.map(({ partition }) => partition));
    // Invocations are slower than fetches, so that records wait.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return success;
  });
  bench.poll(lambda, { batchSize: 10, pollers: { minimum: 1, maximum: 1 } });
  await until('all', () => delivered.length >= ALL, {
    withinMs: 110_000,
    seen: () => delivered.length,
  });
  expect(new Set(delivered).size).toBe(PARTITIONS.length);
  const early = delivered.slice(0, ALL / 2);
  const ofLast = early.filter((partition) => partition >= PARTITIONS.length / 2);
  expect(ofLast.length / early.length).toBeGreaterThan(0.25);
}, 150_000);
