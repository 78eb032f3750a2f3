import assert from 'node:assert/strict';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Progress } from './progress.ts';

test('letters put back in order move the offset; letters after a gap are remembered beside it', () => {
  const progress = new Progress({ offset: -1 });
  progress.pass(0, true);
  progress.pass(1, false);
  for (const offset of [2, 3, 5]) progress.pass(offset, true);
  progress.passEnd(9);
  expect([progress.next, progress.metadata]).toEqual([1, 'redriven:2-3,5']);
  const later = new Progress({ offset: 1, metadata: progress.metadata });
  expect([0, 1, 2, 3, 4, 5].map((offset) => later.has(offset))).toEqual([
    true,
    false,
    true,
    true,
    false,
    true,
  ]);
});

test('an offset without a record, as after a transaction, is no gap', () => {
  const progress = new Progress({ offset: 2, metadata: '' });
  progress.pass(4, true);
  progress.passEnd(7);
  expect([progress.next, progress.metadata]).toEqual([7, '']);
});

test('metadata that others have written is not read as progress', () => {
  const progress = new Progress({ offset: 0, metadata: 'consumer-1' });
  expect(progress.has(0)).toBe(false);
});

test('after many runs the letters that were put back are remembered, and no others', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(30), { maxLength: 15 }), { maxLength: 8 }), (runs) => {
      const done = new Set<number>();
      let kept = { offset: -1, metadata: '' };
      for (const chosen of runs) {
        const progress = new Progress(kept);
        for (let offset = Math.max(0, kept.offset); offset <= 30; offset += 1) {
          if (chosen.includes(offset)) done.add(offset);
          progress.pass(offset, done.has(offset));
        }
        progress.passEnd(31);
        kept = { offset: progress.next, metadata: progress.metadata };
      }
      const after = new Progress(kept);
      for (let offset = 0; offset <= 30; offset += 1) {
        assert.equal(after.has(offset), done.has(offset), `offset ${offset}`);
      }
    }),
  );
});

test.each([
  ['every second one', 30_000, (offset: number) => offset % 2 === 1],
  ['two of five', 30_000, (offset: number) => offset % 5 < 2],
  ['without order', 15_000, (offset: number) => Math.sin(offset * offset) > 0],
  ['far apart', 2_000_000, (offset: number) => offset % 10_000 === 1],
])('of many letters, %s is remembered', (_, end, isChosen) => {
  const progress = new Progress({ offset: -1 });
  progress.pass(0, false);
  for (let offset = 1; offset < end; offset += 1) if (isChosen(offset)) progress.pass(offset, true);
  expect(progress.hasRoom).toBe(true);
  const { next: offset, metadata } = progress;
  expect(metadata.length).toBeLessThan(4_000);
  const later = new Progress({ offset, metadata });
  for (let at = 1; at < end; at += 1) {
    if (later.has(at) !== isChosen(at)) throw new Error(`offset ${at}`);
  }
  expect(later.has(0)).toBe(false);
});

test.each([
  ['without order', 15_000, (offset: number) => Math.sin(offset * offset) > 0],
  ['after a long run', 15_000, (offset: number) => offset < 9_000 || Math.sin(offset * offset) > 0],
  ['few, then many', 15_000, (offset: number) => offset % 900 === 1 || Math.sin(offset ** 3) > 0.2],
])('when one more letter, %s, cannot be remembered, there is no room', (_, least, isChosen) => {
  const progress = new Progress({ offset: -1 });
  progress.pass(0, false);
  let offset = 1;
  for (; progress.hasRoom && offset < 200_000; offset += 1) {
    if (isChosen(offset)) progress.pass(offset, true);
  }
  expect(offset).toBeGreaterThan(least);
  expect(progress.metadata.length).toBeGreaterThan(3_800);
  expect(progress.metadata.length).toBeLessThan(4_000);
});
