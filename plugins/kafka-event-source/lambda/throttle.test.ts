import { expect, test } from '@jest/globals';
import type { InvocationResult } from './result.ts';
import { throttle } from './throttle.ts';

const ok: InvocationResult = { kind: 'ok', payload: null };

test('a reserved concurrency of 0 throttles everything', async () => {
  const invoke = throttle(async () => ok, 'fn', 0, new Map());
  expect(await invoke('{}')).toMatchObject({ kind: 'notReached' });
});

test('mappings of one function share its reserved concurrency', async () => {
  const running = new Map<string, number>();
  const answered = Promise.withResolvers<InvocationResult>();
  const first = throttle(() => answered.promise, 'fn', 1, running)('{}');
  const second = throttle(async () => ok, 'fn', 1, running);
  const other = throttle(async () => ok, 'other', 1, running);
  expect(await second('{}')).toMatchObject({ kind: 'notReached' });
  expect(await other('{}')).toBe(ok);
  answered.resolve(ok);
  expect(await first).toBe(ok);
  expect(await second('{}')).toBe(ok);
});

test('without one nothing is throttled', async () => {
  expect(await throttle(async () => ok, 'fn', undefined, new Map())('{}')).toBe(ok);
});
