import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type EventSource, envelopeBytes, groupBytes, toPayload } from '../event.ts';
import type { BufferedRecord } from '../record.ts';
import { assemble, type FreePartition, type Limits } from './batch.ts';

const source: EventSource = { eventSource: 'SelfManagedKafka', bootstrapServers: 'localhost:9092' };
const key = (partition: number) => `orders-${partition}`;
const limits = (changes: Partial<Limits> = {}): Limits => ({
  batchSize: 10,
  windowMs: 500,
  payloadBytes: 10_000,
  envelopeBytes: envelopeBytes(source),
  groupBytes: (partition) => groupBytes(key(partition)),
  ...changes,
});
const entry = (offset: number, bytes = 10, arrived = 0): BufferedRecord => ({
  offset,
  next: offset + 1,
  json: 'x'.repeat(bytes),
  bytes,
  arrived,
  timestamp: 0,
});
const free = (partition: number, waiting: BufferedRecord[], freeSince = 0): FreePartition => ({
  partition,
  waiting,
  freeSince,
});
const entries = (count: number, bytes?: number) =>
  Array.from({ length: count }, (_, index) => entry(index, bytes));
const counts = (partitions: FreePartition[], changes: Partial<Limits> = {}, now = 1_000) => {
  const decision = assemble(partitions, limits(changes), now);
  return decision.kind === 'deliver' ? Object.fromEntries(decision.counts) : decision;
};

test('without records there is no invocation', () => {
  expect(counts([free(0, []), free(1, [])])).toEqual({ kind: 'nothing' });
});

test('the batch size closes a batch at once and counts over all partitions', () => {
  expect(counts([free(0, entries(7)), free(1, entries(7))], { windowMs: 60_000 })).toEqual({
    0: 7,
    1: 3,
  });
});

test('the window begins when the last invocation ends, and each next window when the one before it ends', () => {
  expect(counts([free(0, [entry(0, 10, 100)], 0)], {}, 499)).toEqual({ kind: 'wait', until: 500 });
  expect(counts([free(0, [entry(0, 10, 100)], 0)], {}, 500)).toEqual({ 0: 1 });
  const late = [free(0, [entry(0, 10, 1_200)], 0)];
  expect(counts(late, {}, 1_200)).toEqual({ kind: 'wait', until: 1_500 });
});

test('the window that ends first closes the batch for all partitions', () => {
  const partitions = [free(0, [entry(0, 10, 100)], 0), free(1, [entry(0, 10, 450)], 400)];
  expect(counts(partitions, {}, 499)).toEqual({ kind: 'wait', until: 500 });
  expect(counts(partitions, {}, 500)).toEqual({ 0: 1, 1: 1 });
});

test('records that waited for the invocation to end wait for its window too', () => {
  const waited = [free(0, [entry(0, 10, 100)], 2_000)];
  expect(counts(waited, {}, 2_100)).toEqual({ kind: 'wait', until: 2_500 });
});

test('with a window of zero a batch does not wait', () => {
  expect(counts([free(0, entries(1))], { windowMs: 0 }, 0)).toEqual({ 0: 1 });
});

test('the partition that has been free longest comes first', () => {
  const partitions = [free(0, entries(10), 50), free(1, entries(10), 20)];
  expect(counts(partitions)).toEqual({ 1: 10 });
});

test('the payload size closes a batch before the record that does not fit', () => {
  expect(counts([free(0, entries(5, 4_000))], { windowMs: 60_000 })).toEqual({ 0: 2 });
});

test('a record larger than a payload is reported as undeliverable', () => {
  expect(counts([free(3, entries(1, 10_000))])).toEqual({ kind: 'undeliverable', partition: 3 });
});

test('an undeliverable record is reported when it is first, and closes the batch before it', () => {
  const undeliverable = { condition: 'SCHEMA_NOT_FOUND', message: 'no schema 7' } as const;
  const waiting = [entry(0), { ...entry(1), undeliverable }, entry(2)];
  expect(counts([free(0, waiting), free(1, [entry(0)])])).toEqual({ 0: 1, 1: 1 });
  expect(counts([free(0, waiting.slice(1))])).toEqual({ kind: 'undeliverable', partition: 0 });
});

test('a payload keeps both limits and the order, and leaves no room for the next record', () => {
  const waiting = fc.array(fc.integer({ min: 2, max: 900 }), { maxLength: 30 });
  const partitions = fc.array(waiting, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(partitions, fc.integer({ min: 1, max: 40 }), (sizes, batchSize) => {
      const all = sizes.map((list, partition) =>
        free(
          partition,
          list.map((bytes, offset) => entry(offset, bytes)),
        ),
      );
      const bounds = limits({ batchSize, payloadBytes: 2_000, windowMs: 0 });
      const decision = assemble(all, bounds, 0);
      if (decision.kind === 'nothing') return sizes.every((list) => list.length === 0);
      if (decision.kind !== 'deliver') return false;
      const taken = [...decision.counts];
      const payload = toPayload(
        source,
        taken.map(([partition, count]) => [
          key(partition),
          sizes[partition]?.slice(0, count).map((bytes) => 'x'.repeat(bytes)) ?? [],
        ]),
      );
      const records = taken.reduce((sum, [, count]) => sum + count, 0);
      const everything = sizes.flat().length;
      expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(2_000);
      expect(taken.every(([, count]) => count > 0)).toBe(true);
      expect(records).toBeLessThanOrEqual(batchSize);
      // If the batch is smaller than its limit, then the next record would not fit.
      if (records < Math.min(batchSize, everything)) {
        expect(Buffer.byteLength(payload)).toBeGreaterThan(2_000 - 900 - 20);
      }
      return true;
    }),
  );
});
