import { expect, test } from '@jest/globals';
import { gaps } from '../crash/coverage.ts';

const ORDERS = {
  ...{ seed: 1, runs: 200, killed: 180, killedAfterAnswer: 9, faults: 800 },
  ...{ accepted: 500, orders: 250, records: 700, violations: [] },
};

test('no kill after an answer is a gap in a report of enough runs', () => {
  expect(gaps(ORDERS)).toEqual([]);
  expect(gaps({ ...ORDERS, killedAfterAnswer: 0 })).toEqual([
    '"killedAfterAnswer" is 0 (runs: 200)',
  ]);
  expect(gaps({ ...ORDERS, killedAfterAnswer: 0, runs: 199 })).toEqual([]);
});

test('no accepted change is a gap from the first run on', () => {
  const broken = { ...ORDERS, runs: 1, accepted: 0, killed: 0, killedAfterAnswer: 0, faults: 0 };
  expect(gaps(broken)).toEqual(['"accepted" is 0 (runs: 1)']);
});
