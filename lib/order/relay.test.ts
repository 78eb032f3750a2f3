import { expect, test } from '@jest/globals';
import { AppError } from '../errors.ts';
import type { OutboxDeps } from './outbox.ts';
import { isLeftOver, nextTry, relayPending } from './relay.ts';
import { UnreadableOrderError } from './stored.ts';

test.each([
  [1, 1],
  [2, 2],
  [3, 4],
  [6, 32],
  [7, 60],
  [2000, 60],
])('after %d tries a refused order is left alone for %d minutes', (attempts, minutes) => {
  expect(Date.parse(nextTry(attempts, new Date(0)))).toBe(minutes * 60_000);
});

const NOW = new Date('2026-11-28T12:00:00.000Z');
const at = (ms: number) => new Date(NOW.getTime() + ms).toISOString();

test.each([
  [-3_001, true],
  [-3_000, false],
  [0, false],
  [3_000, false],
  [3_001, true],
  [5 * 3_600_000, true],
])('an event written at %d ms from now is left to the relay: %s', (ms, isLeft) => {
  expect(isLeftOver(at(ms), NOW)).toBe(isLeft);
});

test('a run that begins again counts an order that cannot be read once', async () => {
  let passes = 0;
  const backlog = {
    refusedOrders: () => [],
    async *pendingOrders() {
      passes += 1;
      yield 'order-1';
      if (passes === 1) throw new AppError('DATABASE_AWAY', 'DynamoDB did not answer in time.');
    },
  };
  const get = async () => {
    throw new UnreadableOrderError('order-1 has no events');
  };
  const deps = {
    repository: { backlog, get },
    producer: { partitionOf: () => 0 },
    clock: { now: () => new Date() },
  } as unknown as OutboxDeps;
  const report = await relayPending(deps, () => 60_000);
  expect([passes, report.unreadable]).toEqual([2, 1]);
});
