import { expect, test } from '@jest/globals';
import { afterAwake } from './awake.ts';

/** Blocks the process, so that its timers stand still as in a freeze. */
function hold(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('the time in which the process stands still does not count', async () => {
  const ended: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  afterAwake(100, () => {
    ended.push('awake');
    resolve();
  });
  setTimeout(() => ended.push('a timer'), 100);
  hold(120);
  await promise;
  expect(ended).toEqual(['a timer', 'awake']);
});

test('a cancelled call does not run', async () => {
  let ran = false;
  afterAwake(50, () => {
    ran = true;
  })();
  await new Promise<void>((resolve) => afterAwake(100, resolve));
  expect(ran).toBe(false);
});
