import { expect, test } from '@jest/globals';
import { gaps } from '../crash/coverage.ts';

const ORDERS = {
  ...{ seed: 1, runs: 200, killed: 180, killedAfterAnswer: 9, faults: 800 },
  ...{ accepted: 500, orders: 250, records: 700, violations: [] },
};

test('a report of enough runs has a gap when no kill came after an answer', () => {
  expect(gaps(ORDERS)).toEqual([]);
  expect(gaps({ ...ORDERS, killedAfterAnswer: 0 })).toEqual([
    '"killedAfterAnswer" is 0 (runs: 200)',
  ]);
  expect(gaps({ ...ORDERS, killedAfterAnswer: 0, runs: 199 })).toEqual([]);
});

test('a report about notify has gaps by counters of its own', () => {
  const report = {
    ...{ seed: 1, runs: 50, processes: 90, killed: 30, frozen: 20, waited: 9, notifications: 80 },
    ...{ sent: 60, unknown: 4, unknownButTaken: 2, superseded: 5, providerCalls: 70 },
    violations: [],
  };
  expect(gaps(report)).toEqual([]);
  expect(gaps({ ...report, frozen: 0 })).toEqual(['"frozen" is 0 (runs: 50)']);
  expect(gaps({ ...report, frozen: 0, runs: 49 })).toEqual([]);
});

test('a report without an accepted change has a gap from the first run on', () => {
  const broken = { ...ORDERS, runs: 1, accepted: 0, killed: 0, killedAfterAnswer: 0, faults: 0 };
  expect(gaps(broken)).toEqual(['"accepted" is 0 (runs: 1)']);
});
