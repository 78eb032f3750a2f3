// The short form of `npm run test:fuzz`.
import { expect, test } from '@jest/globals';
import { fuzzHttp } from '../fuzz/targets.ts';

test('one customer sees and changes nothing of another, whatever they send over HTTP', async () => {
  const seed = Date.now() % 1_000_000_000;
  const report = await fuzzHttp({ calls: 400, seed });
  console.info(`seed ${seed}`);
  expect(report).toMatchObject({ seed, calls: 400, faults: [] });
  expect(report.answers[503] ?? 0).toBeLessThan(report.calls / 10);
}, 180_000);
