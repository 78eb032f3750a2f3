import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ORDER_STATUSES, type OrderStatus } from '../order-event.ts';
import { changeShard } from '../table.ts';
import { eventOf } from './events.ts';
import type { Order } from './order.ts';
import { decide, MOVES, moved } from './status.ts';

const order = (status: OrderStatus, version = 1): Order => ({
  id: 'o',
  customerId: 'c',
  items: [],
  totalAmount: 0,
  currency: 'USD',
  status,
  version,
  createdAt: '',
  updatedAt: '',
});

const ALLOWED = [
  'pending>confirmed',
  'pending>shipped',
  'pending>cancelled',
  'confirmed>shipped',
  'confirmed>cancelled',
  'shipped>delivered',
];

const pairs = ORDER_STATUSES.flatMap((from) => ORDER_STATUSES.map((to) => [from, to] as const));

test.each(pairs.filter(([from, to]) => from !== to))('from %s to %s', (from, to) => {
  const attempt = () => decide(order(from), { status: to });
  if (ALLOWED.includes(`${from}>${to}`)) expect(attempt()).toBe('move');
  else
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'MOVE_NOT_ALLOWED',
        details: { currentVersion: 1, allowed: MOVES[from] },
      }),
    );
});

test('the same status stays, whatever the version', () => {
  for (const status of ORDER_STATUSES) {
    expect(decide(order(status, 2), { status, versions: () => [9] })).toBe('stay');
  }
});

test('another version is refused before the move is looked at', () => {
  expect(() => decide(order('delivered', 4), { status: 'pending', versions: () => [3] })).toThrow(
    expect.objectContaining({ code: 'VERSION_MISMATCH', details: { currentVersion: 4 } }),
  );
  expect(() => decide(order('pending', 1), { status: 'shipped', versions: () => [] })).toThrow(
    expect.objectContaining({ code: 'VERSION_MISMATCH' }),
  );
});

test('no walk of moves is longer than four versions, and each makes one', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ORDER_STATUSES), { maxLength: 40 }), (statuses) => {
      let current = order('pending');
      for (const status of statuses) {
        if (current.status === status || !MOVES[current.status].includes(status)) continue;
        const next = moved(current, status, new Date(0));
        expect(next.version).toBe(current.version + 1);
        current = next;
      }
      expect(current.version).toBeLessThanOrEqual(4);
    }),
  );
});

test('the times of an order and its events never go back, even if the clocks of its writers differ', () => {
  const DAY_MS = 24 * 3600 * 1000;
  const clock = fc.date({ min: new Date(0), max: new Date(3 * DAY_MS), noInvalidDate: true });
  const walk = fc.constantFrom<OrderStatus[]>(['confirmed', 'shipped', 'delivered'], ['cancelled']);
  fc.assert(
    fc.property(clock, walk, fc.array(clock, { minLength: 3 }), (start, statuses, clocks) => {
      const at = start.toISOString();
      let current: Order = { ...order('pending'), createdAt: at, updatedAt: at };
      for (const [i, status] of statuses.entries()) {
        const now = clocks[i] ?? start;
        const next = moved(current, status, now);
        const told = eventOf(next, { id: 'e', traceparent: '' });
        expect(next.updatedAt).toBe([current.updatedAt, now.toISOString()].toSorted()[1]);
        expect([told.timestamp, told.headers.ce_time]).toEqual([next.updatedAt, next.updatedAt]);
        expect(changeShard(next)).toContain(next.updatedAt.slice(0, 10));
        expect(next.createdAt).toBe(at);
        current = next;
      }
    }),
  );
});
