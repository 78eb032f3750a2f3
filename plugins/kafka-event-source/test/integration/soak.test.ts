/** The short form of `npm run test:soak`: one round, with each fault at least once. */
import { expect, test } from '@jest/globals';
import { FAULTS, runRound } from '../soak/round.ts';

const SEED = 16;

test('under faults of topic, members and function no record is skipped or committed undone, and each partition keeps its order', async () => {
  const brokers = (process.env.KAFKA_BROKERS ?? '').split(',');
  const { violations, counts, faults, trace } = await runRound({ brokers, seed: SEED, times: 1 });
  if (violations.length > 0) console.error(trace.slice(-200).join('\n'));
  expect(violations).toEqual([]);
  expect(Object.keys(faults)).toEqual(expect.arrayContaining([...FAULTS]));
  expect(counts.done).toBeGreaterThan(100);
}, 240_000);
