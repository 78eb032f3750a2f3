import { expect, test } from '@jest/globals';
import { crashOrders } from '../crash/orders.ts';
import { addresses } from '../support/orders.ts';

const RUNS = 12;

test('orders survive processes that are killed, cut off or hanging at random steps', async () => {
  const seed = Date.now() % 1_000_000_000;
  const report = await crashOrders(addresses(), { seed, runs: RUNS, progress: () => undefined });
  expect([report.seed, report.violations]).toEqual([seed, []]);
  expect(report.killed).toBeGreaterThan(0);
  expect(report.accepted).toBeGreaterThan(RUNS);
}, 300_000);
