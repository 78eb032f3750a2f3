import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BufferedRecord } from '../record.ts';
import { count, InFlight, Partition, type PartitionRecords, ranges } from './partition.ts';
import { byAge, delayOf, type RetryPolicy, react, retryLimit, split } from './retry.ts';

const policy = (changes: Partial<RetryPolicy> = {}): RetryPolicy => ({
  maximumRetryAttempts: -1,
  maximumRecordAgeSeconds: -1,
  bisectBatchOnFunctionError: false,
  ...changes,
});
const destination = {};
const some = (partition: number, length: number, timestamp = 0): PartitionRecords => {
  const records = Array.from({ length }, (_, offset): BufferedRecord => {
    const next = offset + 1;
    return { offset, next, json: '', bytes: 1, arrived: 0, timestamp: timestamp + offset };
  });
  const inFlight = new InFlight(new Partition(partition, `orders-${partition}`), records);
  return { inFlight, records };
};

describe('the number of retries of a batch', () => {
  test.each([
    ['no limit, no destination', policy(), Number.POSITIVE_INFINITY],
    ['no limit, a destination', policy({ destination }), 10],
    ['a limit', policy({ maximumRetryAttempts: 2 }), 2],
    ['a limit over ten, a destination', policy({ maximumRetryAttempts: 50, destination }), 50],
    ['none at all', policy({ maximumRetryAttempts: 0 }), 0],
  ])('%s', (_, given, expected) => {
    expect(retryLimit(given)).toBe(expected);
  });
});

describe('the reaction to a failure', () => {
  const two = policy({ maximumRetryAttempts: 2 });
  const bisect = policy({ maximumRetryAttempts: 0, bisectBatchOnFunctionError: true });
  test.each([
    ['a retry is left', two, 'functionError', 5, 1, 'retry'],
    ['no retry is left', two, 'functionError', 5, 2, 'giveUp'],
    ['reported records have the same retries', two, 'reported', 5, 2, 'giveUp'],
    ['a throttle uses no retry', two, 'notReached', 5, 99, 'retryUncounted'],
    ['a split uses no retry', bisect, 'functionError', 5, 0, 'split'],
    ['one record is not split', bisect, 'functionError', 1, 0, 'giveUp'],
    ['reported records are not split', bisect, 'reported', 5, 0, 'giveUp'],
    ['a payload refused as too large is split in any case', two, 'tooLarge', 2, 2, 'split'],
    ['a single one is given up', two, 'tooLarge', 1, 0, 'giveUp'],
  ] as const)('%s', (_, given, kind, records, retries, expected) => {
    expect(react(given, { kind, records, retries })).toBe(expected);
  });
});

test('only records that are too old by their own timestamps are given up', () => {
  const aged = policy({ maximumRecordAgeSeconds: 60 });
  const { expired, fresh } = byAge([some(0, 4, 1_000), some(1, 2, 50_000)], aged, 61_002);
  expect(ranges(expired)).toBe('orders-0 0…1');
  expect(ranges(fresh)).toBe('orders-0 2…3, orders-1 0…1');
});

test('without a limit, or a timestamp, nothing is too old', () => {
  expect(byAge([some(0, 3)], policy(), 1e12).expired).toEqual([]);
  const unknown = some(0, 1, -1);
  const aged = policy({ maximumRecordAgeSeconds: 60 });
  expect(byAge([unknown], aged, 1e12).expired).toEqual([]);
});

test('halves have all records, each once and in order, and neither is empty', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(sizes, (list) => {
      const batch = list.map((size, partition) => some(partition, size));
      if (count(batch) < 2) return;
      const [first, second] = split(batch);
      expect(count(first)).toBeGreaterThan(0);
      expect(count(second)).toBeGreaterThan(0);
      const offsets = (half: PartitionRecords[], of: PartitionRecords) =>
        half.filter(({ inFlight }) => inFlight === of.inFlight).flatMap(({ records }) => records);
      for (const one of batch) {
        expect([...offsets(first, one), ...offsets(second, one)]).toEqual(one.records);
      }
      const shared = first.filter(({ inFlight }) =>
        second.some((other) => other.inFlight === inFlight),
      );
      expect(shared).toHaveLength(batch.length === 1 ? 1 : 0);
    }),
  );
});

test('the cut between partitions is the one nearest the middle', () => {
  const [first, second] = split([some(0, 1), some(1, 2), some(2, 9)]);
  expect([count(first), count(second)]).toEqual([3, 9]);
});

test('the delay doubles up to its limit, which is lower when the function was not reached', () => {
  const backoff = { firstMs: 500, maxMs: 30_000 };
  expect([1, 2, 3, 30].map((failures) => delayOf(backoff, failures))).toEqual([
    500, 1_000, 2_000, 30_000,
  ]);
  expect(delayOf(backoff, 30, false)).toBe(5_000);
});
