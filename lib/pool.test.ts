import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { pool } from './pool.ts';

async function* numbers(upTo: number, taken: number[] = []) {
  for (let n = 1; n <= upTo; n++) {
    taken.push(n);
    yield n;
  }
}

test.each([
  ['a list', [1, 2, 3, 4, 5]],
  ['an iterator', new Set([1, 2, 3, 4, 5]).values()],
  ['a source that takes its time', numbers(5)],
])('each item of %s is worked on once, as many at once as allowed', async (_, source) => {
  const done: number[] = [];
  let underWay = 0;
  let most = 0;
  await pool(source, 2, async (n) => {
    most = Math.max(most, ++underWay);
    await turn();
    underWay -= 1;
    done.push(n);
  });
  expect(done.toSorted()).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

test('an item is taken only when somebody is free', async () => {
  const taken: number[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const ended = pool(numbers(9, taken), 2, () => gate);
  for (let i = 0; i < 20; i++) await turn();
  expect(taken).toEqual([1, 2]);
  open();
  await ended;
  expect(taken).toHaveLength(9);
});

test('after a failure no item is taken, and the work under way ends first', async () => {
  const taken: number[] = [];
  const done: number[] = [];
  const work = async (n: number) => {
    if (n === 2) throw new Error('no');
    for (let i = 0; i < 5; i++) await turn();
    done.push(n);
  };
  await expect(pool(numbers(9, taken), 2, work)).rejects.toThrow('no');
  expect(taken).toEqual([1, 2]);
  expect(done).toEqual([1]);
});

test('a source that fails lets the work under way end', async () => {
  const done: number[] = [];
  async function* source() {
    yield 1;
    throw new Error('no more');
  }
  const work = async (n: number) => {
    for (let i = 0; i < 5; i++) await turn();
    done.push(n);
  };
  await expect(pool(source(), 3, work)).rejects.toThrow('no more');
  expect(done).toEqual([1]);
});
