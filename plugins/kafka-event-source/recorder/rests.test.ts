import { expect, test } from '@jest/globals';
import { Rests } from './rests.ts';

/** Times (ms) at which a rest is over, looked for every 100 ms as the recorder does; each is written at once. */
function writings(rests: Rests, from: number, to: number, ms: number, everyMs?: number): number[] {
  const found: number[] = [];
  for (let now = from; now < to; now += 100) {
    if (everyMs !== undefined && now % everyMs === 0) rests.pushedOut(now);
    if (!rests.isOver(now)) continue;
    found.push(now);
    rests.begin(now, ms);
  }
  return found;
}

test('a rest is nineteen times as long as the writing before it', () => {
  expect(writings(new Rests(), 0, 6_000, 100)).toEqual([0, 1_900, 3_800, 5_700]);
});

test('in a flood the writer rests for ten seconds from its beginning on, and soon after it no more', () => {
  const rests = new Rests();
  expect(writings(rests, 0, 25_000, 100, 200)).toEqual([10_000, 20_000]);
  expect(writings(rests, 25_000, 26_000, 1)[0]).toBe(25_300);
});

test('after a pause the next flood has a rest of its own', () => {
  const rests = new Rests();
  writings(rests, 0, 9_000, 1, 200);
  writings(rests, 9_000, 12_000, 1);
  expect(writings(rests, 12_000, 21_900, 1, 200)).toEqual([]);
});
