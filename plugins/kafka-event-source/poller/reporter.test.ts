import { afterEach, expect, jest, test } from '@jest/globals';
import { Stats } from '../delivery/stats.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { Reporter } from './reporter.ts';

const LOADING = "The coordinator is loading and hence can't process requests for this group";
const warning = `test: cannot poll t at b:1: ${LOADING}. Trying again.`;

afterEach(() => {
  jest.useRealTimers();
});

function reporting() {
  jest.useFakeTimers({ now: 0 });
  const noop = () => undefined;
  const warned: string[] = [];
  const stats = new Stats();
  const reporter = new Reporter({
    mapping: mappingOf('orders', ['b:1'], { topic: 't' }),
    log: { error: noop, warning: (line) => warned.push(line), notice: noop, debug: noop },
    stats,
    systemLog: { warn: noop },
    signal: new AbortController().signal,
  });
  const fail = (type: string, message: string) =>
    reporter.sessionFailed(Object.assign(new Error(message), { type }));
  return { reporter, stats, warned, fail };
}

test('a group that its coordinator has not loaded yet is no problem for ten seconds, and then one', () => {
  const { reporter, stats, warned, fail } = reporting();
  for (const type of [
    'GROUP_COORDINATOR_NOT_AVAILABLE',
    'GROUP_LOAD_IN_PROGRESS',
    'NOT_COORDINATOR_FOR_GROUP',
  ]) {
    fail(type, LOADING);
    jest.advanceTimersByTime(3_333);
  }
  expect([warned, reporter.problem]).toEqual([[], undefined]);
  expect(stats.snapshot().lastResult).toBe(`PROBLEM: ${LOADING}`);
  jest.advanceTimersByTime(1);
  fail('GROUP_LOAD_IN_PROGRESS', LOADING);
  fail('GROUP_LOAD_IN_PROGRESS', LOADING);
  expect([warned, reporter.problem]).toEqual([[warning], warning]);
});

test('the ten seconds begin anew when a fetch has been answered', () => {
  const { reporter, stats, warned, fail } = reporting();
  fail('GROUP_LOAD_IN_PROGRESS', LOADING);
  reporter.fetchAnswered();
  expect(stats.snapshot().lastResult).toBe('OK');
  jest.advanceTimersByTime(20_000);
  fail('GROUP_LOAD_IN_PROGRESS', LOADING);
  expect(warned).toEqual([]);
});

test('another error is a problem at once, also while the coordinator loads the group', () => {
  const { warned, fail } = reporting();
  fail('GROUP_LOAD_IN_PROGRESS', LOADING);
  fail('LEADER_NOT_AVAILABLE', 'There is no leader.');
  expect(warned).toEqual(['test: cannot poll t at b:1: There is no leader. Trying again.']);
});
