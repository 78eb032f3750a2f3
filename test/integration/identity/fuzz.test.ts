// The short form of `npm run test:fuzz`.
import { expect, test } from '@jest/globals';
import { fuzzHandlers } from '../../fuzz/targets.ts';

test('one customer sees and changes nothing of another, whatever they send to the handlers', async () => {
  const seed = Date.now() % 1_000_000_000;
  const report = await fuzzHandlers({ calls: 4000, seed });
  console.info(`seed ${seed}`);
  expect(report).toMatchObject({ seed, calls: 4000, faults: [] });
  expect(report.answers[503] ?? 0).toBeLessThan(report.calls / 10);
  expect(report.twins).toBeGreaterThan(100);
}, 180_000);
