import { expect, test } from '@jest/globals';
import type { OrderEvent } from '../order-event.ts';
import { mask, recipientOf } from './recipient.ts';

const fallback = { emailDomain: 'example.com', phone: '+15550100' };

function both(data: Pick<OrderEvent['data'], 'contact'> & { customerId?: string }, local = false) {
  const order = {
    orderId: 'o1',
    customerId: 'ada',
    totalAmount: 1,
    currency: 'USD',
    status: 'pending' as const,
    items: [],
    ...data,
  };
  const given = local ? fallback : undefined;
  return [recipientOf('email', order, given), recipientOf('sms', order, given)];
}

test('the contact of the order is told, with and without a fallback', () => {
  const contact = { email: 'ada@example.org', phone: '+15550123' };
  const told = [{ to: 'ada@example.org' }, { to: '+15550123' }];
  expect(both({ contact })).toEqual(told);
  expect(both({ contact }, true)).toEqual(told);
});

test('a contact with one address is told on that channel only', () => {
  const none = { skip: 'no address' };
  expect(both({ contact: { email: 'a@b.example' } }, true)).toEqual([{ to: 'a@b.example' }, none]);
  expect(both({ contact: { phone: '+15550123' } }, true)).toEqual([none, { to: '+15550123' }]);
});

test('nobody is told when there is neither contact nor fallback', () => {
  expect(both({})).toEqual([{ skip: 'no address' }, { skip: 'no address' }]);
});

test('where a fallback is configured, a customer without contact gets its addresses', () => {
  expect(both({}, true)).toEqual([{ to: 'ada@example.com' }, { to: '+15550100' }]);
  expect(both({ contact: {} }, true)).toEqual([{ to: 'ada@example.com' }, { to: '+15550100' }]);
  expect(both({ customerId: 'a@b:c' }, true)).toEqual([
    { to: 'a-b-c@example.com' },
    { to: '+15550100' },
  ]);
});

test.each([
  { email: 'a@b.example\r\nBcc: c@d.example' },
  { email: 'a@b.example, c@d.example' },
  { email: 'a@b@c' },
  { email: 'nobody' },
  { email: '<a@b.example>' },
])('an email address that is not one is not used: %j', (contact) => {
  expect(both({ contact })[0]).toEqual({ skip: 'malformed address' });
});

test.each([{ phone: '0155' }, { phone: '+0123' }, { phone: '+1555\n0100' }, { phone: '+1 555' }])(
  'a phone that is not one is not used: %j',
  (contact) => {
    expect(both({ contact })[1]).toEqual({ skip: 'malformed address' });
  },
);

test.each([
  ['email', 'ada@example.com', 'a***@example.com'],
  ['email', 'a@example.com', 'a***@example.com'],
  ['sms', '+15550123', '+******23'],
  ['sms', '+12', '+12'],
] as const)('the %s address %s is shown as %s', (channel, to, shown) => {
  expect(mask(channel, to)).toBe(shown);
});
