import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { firstVersion, isOrderId, newOrderSchema, totalOf } from './order.ts';

const good = { customerId: 'c-1', items: [{ productId: 'p', quantity: 2, price: 9.99 }] };

function faultsOf(change: object): string[] {
  const parsed = newOrderSchema.safeParse({ ...good, ...change });
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
}

const item = (change: object) => ({
  items: [{ productId: 'p', quantity: 1, price: 1, ...change }],
});

test.each([
  [{}],
  [{ currency: 'EUR' }],
  [{ contact: { email: 'a@example.org' } }],
  [{ contact: { phone: '+15550100' } }],
  [{ customerId: 'A.b_c:d@e-1' }],
  [{ customerId: 'x'.repeat(128) }],
  [item({ price: 0 })],
  [item({ price: 1_000_000 })],
  [item({ price: 0.01, quantity: 10_000 })],
  [{ items: Array.from({ length: 100 }, () => good.items[0]) }],
])('%j is taken', (change) => {
  expect(faultsOf(change)).toEqual([]);
});

test.each([
  [{ customerId: '' }, 'customerId'],
  [{ customerId: 'x'.repeat(129) }, 'customerId'],
  [{ customerId: 'a/b' }, 'customerId'],
  [{ customerId: 'ünï' }, 'customerId'],
  [{ customerId: 7 }, 'customerId'],
  [{ items: [] }, 'items'],
  [{ items: Array.from({ length: 101 }, () => good.items[0]) }, 'items'],
  [item({ quantity: 0 }), 'items.0.quantity'],
  [item({ quantity: -1 }), 'items.0.quantity'],
  [item({ quantity: 1.5 }), 'items.0.quantity'],
  [item({ quantity: 10_001 }), 'items.0.quantity'],
  [item({ quantity: '1' }), 'items.0.quantity'],
  [item({ quantity: 2 ** 53 }), 'items.0.quantity'],
  [item({ price: -0.01 }), 'items.0.price'],
  [item({ price: 1.234 }), 'items.0.price'],
  [item({ price: 1e-7 }), 'items.0.price'],
  [item({ price: 1_000_000.01 }), 'items.0.price'],
  [item({ price: Number.NaN }), 'items.0.price'],
  [item({ productId: 'a b' }), 'items.0.productId'],
  [{ currency: 'JPY' }, 'currency'],
  [{ currency: 'usd' }, 'currency'],
  [{ contact: {} }, 'contact'],
  [{ contact: { email: 'nobody' } }, 'contact.email'],
  [{ contact: { phone: '0150' } }, 'contact.phone'],
])('%j is refused at %s', (change, path) => {
  expect(faultsOf(change)).toEqual([path]);
});

test.each([0, 10_001, 1.5, null])('a quantity of %j is refused by its whole rule', (quantity) => {
  const parsed = newOrderSchema.safeParse({ ...good, ...item({ quantity }) });
  const messages = parsed.error?.issues.map(({ message }) => message);
  expect(messages).toEqual(['must be a whole number from 1 to 10000']);
});

test('money is computed in whole cents', () => {
  expect(totalOf([{ productId: 'p', quantity: 3, price: 0.1 }])).toBe(0.3);
  const cents = fc.integer({ min: 0, max: 100_000_000 });
  const lines = fc.array(fc.tuple(cents, fc.integer({ min: 1, max: 10_000 })), {
    minLength: 1,
    maxLength: 100,
  });
  fc.assert(
    fc.property(lines, (pairs) => {
      const items = pairs.map(([price, quantity]) => ({
        productId: 'p',
        quantity,
        price: price / 100,
      }));
      const exact = pairs.reduce(
        (sum, [price, quantity]) => sum + BigInt(price) * BigInt(quantity),
        0n,
      );
      expect(BigInt(Math.round(totalOf(items) * 100))).toBe(exact);
    }),
  );
});

test('the first version is pending and does not hold the contact', () => {
  const order = firstVersion(
    'id',
    newOrderSchema.parse({ ...good, contact: { email: 'a@b.co' } }),
    new Date(0),
  );
  expect(order).toEqual({
    id: 'id',
    ...good,
    totalAmount: 19.98,
    currency: 'USD',
    status: 'pending',
    version: 1,
    createdAt: '1970-01-01T00:00:00.000Z',
    updatedAt: '1970-01-01T00:00:00.000Z',
  });
});

test.each([
  ['0192f0c1-2345-7abc-8def-0123456789ab', true],
  ['0192F0C1-2345-7ABC-8DEF-0123456789AB', false],
  ['0192f0c1-2345-4abc-8def-0123456789ab', false],
  ['', false],
])('%j is an order id: %j', (id, expected) => {
  expect(isOrderId(id)).toBe(expected);
});
