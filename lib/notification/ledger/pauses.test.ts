import { expect, test } from '@jest/globals';
import { nextTry } from './pauses.ts';

const since = new Date('2026-11-20T10:00:00.000Z');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

test('the pauses are 1, 2, 4 … 60 minutes, until six days are over', () => {
  const pauses: number[] = [];
  let now = since;
  for (let next = nextTry(since, now); next; next = nextTry(since, now)) {
    pauses.push((next.getTime() - now.getTime()) / MINUTE);
    now = next;
  }
  expect(pauses.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(Math.max(...pauses)).toBe(60);
  expect(now.getTime() - since.getTime()).toBeGreaterThanOrEqual(6 * DAY);
  expect(now.getTime() - since.getTime()).toBeLessThan(6 * DAY + 60 * MINUTE);
});

test('a clock that is behind gives the shortest pause', () => {
  const behind = new Date(since.getTime() - DAY);
  expect(nextTry(since, behind)).toEqual(new Date(behind.getTime() + MINUTE));
});
