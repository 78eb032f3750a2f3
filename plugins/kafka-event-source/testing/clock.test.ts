import { expect, test } from '@jest/globals';
import { millisecondsOf, replaceDate, VirtualClock } from './clock.ts';

test('timers fire by their times, those of one time in the order in which they were set', () => {
  const clock = new VirtualClock(1_000);
  const fired: string[] = [];
  const set = (name: string, ms: number) => clock.after(ms, () => fired.push(name), 'pause');
  set('late', 20);
  set('first', 10);
  set('second', 10);
  const cancel = set('never', 5);
  cancel();
  expect(clock.next()).toBe(10);
  expect(clock.fire()).toBe(false);
  clock.moveTo(20);
  while (clock.fire());
  expect(fired).toEqual(['first', 'second', 'late']);
  expect([clock.date(), clock.monotonic()]).toEqual([1_020, 20]);
  expect(clock.next()).toBe(Number.POSITIVE_INFINITY);
});

test('a batch has timers of its own', () => {
  const clock = new VirtualClock(0);
  clock.after(1, () => undefined, 'pause');
  clock.after(2, () => undefined, 'batch');
  expect([clock.next(), clock.next('batch')]).toEqual([1, 2]);
});

test('a replaced Date tells the time of the clock, and is still the Date of older dates', () => {
  const older = new Date(0);
  const clock = new VirtualClock(1_000);
  clock.moveTo(500);
  const restore = replaceDate(clock);
  const own = new Date();
  const times = [Date.now(), own.getTime(), Date.parse(Date()), new Date(2020, 5, 1).getMonth()];
  const isDate = [older, own].flatMap((one) => [one instanceof Date, one.constructor === Date]);
  restore();
  expect(times).toEqual([1_500, 1_500, 1_000, 5]);
  expect(isDate).toEqual([true, true, true, true]);
  expect([own instanceof Date, own.constructor === Date]).toEqual([true, true]);
  expect(Date.now()).toBeGreaterThan(1_500);
});

test('Date tells the newest of several clocks, and after the end of all the real time', () => {
  const original = Date;
  const ends = [1_000, 2_000].map((start) => replaceDate(new VirtualClock(start)));
  const [virtual, both] = [Date, Date.now()];
  ends[0]?.();
  ends[0]?.();
  const second = Date.now();
  ends[1]?.();
  expect([both, second, Date]).toEqual([2_000, 2_000, original]);
  expect(virtual.now()).toBeGreaterThan(2_000);
});

test.each([
  [7, 7],
  ['500 ms', 500],
  ['90 s', 90_000],
  ['1.5 min', 90_000],
  ['15 minutes', 900_000],
  ['1 hour', 3_600_000],
  ['6 days', 518_400_000],
])('%s are %i ms', (duration, ms) => {
  expect(millisecondsOf(duration)).toBe(ms);
});

test.each(['6', '', 's', '-1 s', -1, Number.NaN, '3 weeks'])('%s is no duration', (duration) => {
  expect(() => millisecondsOf(duration)).toThrow('is no duration');
});
