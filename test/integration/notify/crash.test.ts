import { expect, test } from '@jest/globals';
import { crashNotify } from '../../crash/notify.ts';
import { addresses } from '../../support/orders.ts';

// The short form of `npm run test:crash -- notify`. A seed that fails fails there too.
test('killed at any step, with a provider in any mood, notify tells nobody twice', async () => {
  const seed = Number(process.env.CRASH_SEED ?? 1_000 + (Date.now() % 1_000_000));
  const report = await crashNotify(addresses(), { seed, runs: 4, progress: () => undefined });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report).toMatchObject({ seed, violations: [] });
  expect(report.sent).toBeGreaterThan(0);
}, 180_000);
