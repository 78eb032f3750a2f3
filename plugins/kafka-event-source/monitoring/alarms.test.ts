import { describe, expect, test } from '@jest/globals';
import { type Alarm, type AlarmState, evaluate, stateOf } from './alarms.ts';

const MINUTE = 60_000;
const since = Date.parse('2026-11-27T10:00:00Z');
const points = (text: string) =>
  text.split(' ').map((one) => (one === '-' ? undefined : one === 'X'));

const alarm: Alarm = {
  statistic: 'Sum',
  periodMinutes: 1,
  evaluationPeriods: 1,
  datapointsToAlarm: 1,
  comparison: 'GreaterThanThreshold',
  threshold: 0,
  missing: 'missing',
};

/** Evaluates values of successive minutes; undefined for a minute without a datapoint. */
function verdict(values: readonly (number | undefined)[], changes: Partial<Alarm> = {}) {
  const datapoints = values.flatMap((value, index) =>
    value === undefined
      ? []
      : [
          {
            at: since + index * MINUTE,
            sum: value,
            minimum: value - 1,
            maximum: value + 1,
            samples: 2,
          },
        ],
  );
  const period = { since: since + 5_000, until: since + values.length * MINUTE + 5_000 };
  const { state, rang } = evaluate({ ...alarm, ...changes }, datapoints, period);
  const minute = (at: number | undefined) => (at === undefined ? at : (at - since) / MINUTE);
  return { state, rang: rang.map(({ from, to }) => [minute(from), minute(to)]) };
}

// The tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
// 'kept' is the state before.
describe.each([
  [3, '0 - X - X', 'OK', 'OK', 'OK', 'OK'],
  [3, '0 - - - -', 'OK', 'OK', 'OK', 'OK'],
  [3, '- - - - -', 'INSUFFICIENT_DATA', 'kept', 'ALARM', 'OK'],
  [3, '0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [3, '- - X - -', 'ALARM', 'kept', 'ALARM', 'OK'],
  [2, '0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [2, '0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [2, '0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
  [2, '- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
  [2, '- - - X -', 'ALARM', 'kept', 'ALARM', 'OK'],
] as const)('%s of 3 datapoints, %s', (datapointsToAlarm, text, ...wanted) => {
  test.each([
    ['missing', wanted[0]],
    ['ignore', wanted[1]],
    ['breaching', wanted[2]],
    ['notBreaching', wanted[3]],
  ] as const)('%s: %s', (missing, state) => {
    const of = { evaluationPeriods: 3, datapointsToAlarm, missing };
    for (const before of ['OK', 'ALARM', 'INSUFFICIENT_DATA'] satisfies AlarmState[]) {
      expect(stateOf(points(text), of, before)).toBe(state === 'kept' ? before : state);
    }
  });
});

test.each(['- - - - X', '- - - X -'])('%s does not ring before its third minute', (text) => {
  const of = { evaluationPeriods: 3, datapointsToAlarm: 3, missing: 'missing' } as const;
  expect(stateOf(points(text), of, 'OK')).toBe('OK');
});

test('an alarm rings from the end of the minute on in which enough datapoints breach', () => {
  expect(verdict([0, 0, 3, 2, 0])).toEqual({ state: 'OK', rang: [[3, 5]] });
  expect(verdict([0, 1, 0, 1])).toEqual({
    state: 'ALARM',
    rang: [
      [2, 3],
      [4, undefined],
    ],
  });
  expect(verdict([1, 0, 1, 1, 1], { evaluationPeriods: 3, datapointsToAlarm: 3 })).toEqual({
    state: 'ALARM',
    rang: [[5, undefined]],
  });
  expect(verdict([1, 0, 1], { evaluationPeriods: 3, datapointsToAlarm: 2 })).toEqual({
    state: 'ALARM',
    rang: [[3, undefined]],
  });
});

test.each([
  ['Sum', 4],
  ['Average', 2],
  ['Minimum', 3],
  ['Maximum', 5],
  ['SampleCount', 2],
] as const)('%s', (statistic, threshold) => {
  const comparison = 'GreaterThanOrEqualToThreshold';
  expect(verdict([4], { statistic, threshold, comparison }).state).toBe('ALARM');
  expect(verdict([4], { statistic, threshold: threshold + 0.5, comparison }).state).toBe('OK');
});

test.each([
  ['GreaterThanThreshold', [false, false, true]],
  ['GreaterThanOrEqualToThreshold', [false, true, true]],
  ['LessThanThreshold', [true, false, false]],
  ['LessThanOrEqualToThreshold', [true, true, false]],
] as const)('%s', (comparison, wanted) => {
  const found = [1, 2, 3].map((value) => verdict([value], { comparison, threshold: 2 }).state);
  expect(found).toEqual(wanted.map((isBreaching) => (isBreaching ? 'ALARM' : 'OK')));
});

test('a period of several minutes slides by one minute', () => {
  const of = { periodMinutes: 5, threshold: 9 };
  expect(verdict([2, 2, 2, 2, 2, 0, 0], of)).toEqual({ state: 'OK', rang: [[5, 6]] });
  const maximum = { ...of, statistic: 'Maximum', threshold: 2 } as const;
  expect(verdict([0, 0, 2, 0, 0, 0, 0, 0], maximum)).toEqual({ state: 'OK', rang: [[3, 8]] });
});

test('a minute that is not over does not count', () => {
  const datapoints = [{ at: since, sum: 1, minimum: 1, maximum: 1, samples: 1 }];
  const period = { since, until: since + 59_999 };
  expect(evaluate(alarm, datapoints, period)).toEqual({ state: 'INSUFFICIENT_DATA', rang: [] });
});

test('minutes from before the start do not breach', () => {
  const of = { missing: 'breaching', evaluationPeriods: 3, datapointsToAlarm: 2 } as const;
  expect(verdict([0, 0], of)).toEqual({ state: 'INSUFFICIENT_DATA', rang: [] });
  expect(verdict([0, 0, 0, undefined, undefined, undefined, undefined], of)).toEqual({
    state: 'ALARM',
    rang: [[7, undefined]],
  });
});
