import { expect, test } from '@jest/globals';
import { type Rates, ratesOf, Throughput } from './throughput.ts';

const MB = 1024 * 1024;
const poller = ratesOf({ limits: 'aws', pollers: {} }) as Rates;

/** The number of batches that begin within the time, of a poller that always has one more. */
function batchesWithin(ms: number, rates: Rates, records: number, bytes: number): number {
  const throughput = new Throughput(rates);
  let batches = 0;
  for (let now = 1_000; now < 1_000 + ms; now += 1) {
    if (throughput.freeAt > now) continue;
    throughput.take(records, bytes, now);
    batches += 1;
  }
  return batches;
}

test('without the option there is no limit', () => {
  expect(ratesOf({})).toBeUndefined();
  expect(ratesOf({ isManaged: true })).toBeUndefined();
});

test('a poller has 2 000 records a second', () => {
  expect(batchesWithin(10_000, poller, 20, 100)).toBe(1_000);
  expect(batchesWithin(10_000, poller, 10_000, 100)).toBe(2);
});

test('a poller has 5 MB a second', () => {
  expect(batchesWithin(10_000, poller, 1, MB)).toBe(50);
  expect(batchesWithin(10_000, poller, 100, 5 * MB)).toBe(10);
});

test('on managed instances a mapping without provisioned mode has 1 MB a second', () => {
  const managed = ratesOf({ limits: 'aws', isManaged: true }) as Rates;
  expect(batchesWithin(10_000, managed, 100_000, MB)).toBe(10);
  expect(ratesOf({ limits: 'aws', isManaged: true, pollers: {} })).toEqual(poller);
  expect(ratesOf({ limits: 'aws' })).toEqual(poller);
});

test('idle time is not saved for later', () => {
  const throughput = new Throughput(poller);
  throughput.take(2_000, 0, 0);
  expect(throughput.freeAt).toBe(1_000);
  throughput.take(2_000, 0, 60_000);
  expect(throughput.freeAt).toBe(61_000);
});
