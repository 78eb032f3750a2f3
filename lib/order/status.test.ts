import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ORDER_STATUSES, type OrderStatus } from '../order-event.ts';
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
    fc.property(fc.array(fc.constantFrom(...ORDER_STATUSES), { maxLength: 40 }), (wishes) => {
      let current = order('pending');
      for (const status of wishes) {
        if (current.status === status || !MOVES[current.status].includes(status)) continue;
        const next = moved(current, status, new Date(0));
        expect(next.version).toBe(current.version + 1);
        current = next;
      }
      expect(current.version).toBeLessThanOrEqual(4);
    }),
  );
});
