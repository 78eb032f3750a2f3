import { expect, test } from '@jest/globals';
import { nextTry } from './relay.ts';

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [6, 32],
  [7, 60],
  [2000, 60],
])('after %d tries a refused order is left alone for %d minutes', (attempts, minutes) => {
  expect(Date.parse(nextTry(attempts, new Date(0)))).toBe(minutes * 60_000);
});
