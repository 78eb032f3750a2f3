import { expect, test } from '@jest/globals';
import { Slots } from './slots.ts';

test('a free slot goes to the run that has waited longest', async () => {
  const slots = new Slots(1);
  const order: string[] = [];
  await slots.take();
  const waiting = ['a', 'b', 'c'].map(async (name) => {
    await slots.take();
    order.push(name);
    slots.release();
  });
  slots.release();
  await Promise.all(waiting);
  expect(order).toEqual(['a', 'b', 'c']);
  expect(slots.hasFree).toBe(true);
});

test('a run that is stopped while it waits takes no slot', async () => {
  const slots = new Slots(1);
  const stop = new AbortController();
  await slots.take();
  const stopped = slots.take(stop.signal);
  const other = slots.take();
  stop.abort();
  expect(await stopped).toBe(false);
  slots.release();
  expect(await other).toBe(true);
  expect(await slots.take(stop.signal)).toBe(false);
  slots.release();
  expect(slots.hasFree).toBe(true);
});

test('with no slots, a run never gets one', async () => {
  const stop = new AbortController();
  const waiting = new Slots(0).take(stop.signal);
  stop.abort();
  expect(await waiting).toBe(false);
});
