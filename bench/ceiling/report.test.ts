import { expect, test } from '@jest/globals';
import { PARTS } from './profile.ts';
import { byEnd, conclusion, report } from './report.ts';
import type { Measured } from './stage.ts';

const costs = Object.fromEntries([...PARTS, 'other threads'].map((part) => [part, 10]));

function stage(given: Partial<Measured>): Measured {
  return {
    ...{ name: 'a stage', perOrder: 1, isPassedByAll: true, rate: 100, bareRate: 200 },
    ...{ p50: undefined, p95: undefined, waiting: 0.25, others: 1, busy: 1.5 },
    costs: costs as Measured['costs'],
    ...given,
  };
}

const fast = stage({ name: 'fast', rate: 300, perOrder: 1 });
const slow = stage({ name: 'slow', rate: 400, perOrder: 4, bareRate: 500 });
const rare = stage({ name: 'rare', rate: 10, isPassedByAll: false });

test('the stage that carries the fewest orders stands first, whatever its rate of records', () => {
  expect(byEnd([fast, slow]).map(({ name }) => name)).toEqual(['slow', 'fast']);
});

test('the stage that ends first is one that every order passes', () => {
  expect(conclusion([rare, fast, slow])).toBe(
    'slow ends first: it carries 100 orders/s, 0.80 of its bare limit, and waits for others in 25 % of the time.',
  );
  expect(conclusion([rare])).toBe('No stage was measured that every order passes.');
});

test('the tables show the orders a second of a stage, its share, and the sum of its costs', () => {
  const lines = report([slow], 2).split('\n');
  expect(lines.find((line) => line.startsWith('slow '))).toMatch(/4 +400 +500 +0\.80 +100$/);
  expect(lines.find((line) => line.startsWith('this process'))).toMatch(
    new RegExp(` ${(PARTS.length + 1) * 10}$`),
  );
});
