import { describe, expect, test } from '@jest/globals';
import type { OrderEvent } from '../../order-event.ts';
import { DEFAULTS, type Preferences, preferencesSchema } from './preferences.ts';
import { recipientsOf } from './recipient.ts';

const fallback = { emailDomain: 'example.com', phone: '+15550100' };

const noon = new Date('2026-11-20T12:00:00.000Z');

function decide(
  {
    type = 'ORDER_CREATED',
    ...data
  }: Partial<OrderEvent['data']> & Partial<Pick<OrderEvent, 'type'>>,
  given: { preferences?: Preferences; local?: boolean; now?: Date } = {},
) {
  const order = {
    orderId: 'o1',
    customerId: 'ada',
    totalAmount: 1,
    currency: 'USD',
    status: 'pending' as const,
    items: [],
    ...data,
  };
  const event: OrderEvent = {
    id: 'e1',
    type,
    timestamp: '2026-11-20T12:00:00.000Z',
    sequence: 1,
    schemaVersion: 1,
    data: order,
  };
  const { email, sms } = recipientsOf(
    event,
    given.preferences,
    given.local ? fallback : undefined,
    given.now ?? noon,
  );
  return [email, sms];
}

/** The recipients of both channels if only addresses matter. */
function both(data: Partial<OrderEvent['data']>, local = false) {
  return decide(data, { local }).map((one) => ('skip' in one ? one : { to: one.to }));
}

test('the contact of the order is notified, with and without a fallback', () => {
  const contact = { email: 'ada@example.org', phone: '+15550123' };
  const told = [{ to: 'ada@example.org' }, { to: '+15550123' }];
  expect(both({ contact })).toEqual(told);
  expect(both({ contact }, true)).toEqual(told);
});

test('a contact with one address is notified on that channel only', () => {
  const none = { skip: 'no address' };
  expect(both({ contact: { email: 'a@b.example' } }, true)).toEqual([{ to: 'a@b.example' }, none]);
  expect(both({ contact: { phone: '+15550123' } }, true)).toEqual([none, { to: '+15550123' }]);
});

test('nobody is notified when there is neither contact nor fallback', () => {
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

describe('with preferences', () => {
  const contact = { email: 'ada@example.org', phone: '+15550123' };
  const own = { email: 'ada@home.example' };
  const prefer = (preferences: object) => preferencesSchema.parse(preferences);

  test('their addresses come first, and who leaves an email alone gets no SMS', () => {
    const locale = { language: 'de', timeZone: 'Europe/Berlin' };
    const preferences = prefer({ contact: own, ...locale });
    expect(decide({ contact }, { preferences, local: true })).toEqual([
      { to: 'ada@home.example', locale },
      { skip: 'no address' },
    ]);
  });

  test('without an address in them the contact of the order is notified, else the fallback', () => {
    expect(decide({ contact }, { preferences: DEFAULTS, local: true })).toMatchObject([
      { to: 'ada@example.org' },
      { to: '+15550123' },
    ]);
    expect(decide({}, { preferences: DEFAULTS, local: true })).toMatchObject([
      { to: 'ada@example.com' },
      { to: '+15550100' },
    ]);
  });

  test('a switched-off event type is skipped on its channel only', () => {
    const preferences = prefer({ events: { ORDER_SHIPPED: { email: false } } });
    const given = { preferences };
    expect(decide({ contact, type: 'ORDER_SHIPPED' }, given)).toMatchObject([
      { skip: 'switched off', to: 'ada@example.org' },
      { to: '+15550123' },
    ]);
    expect(decide({ type: 'ORDER_SHIPPED' }, given)).toEqual([
      { skip: 'switched off' },
      { skip: 'no address' },
    ]);
    expect(decide({ contact }, given)).toMatchObject([
      { to: contact.email },
      { to: contact.phone },
    ]);
  });

  test('in quiet hours the SMS waits, unless the event is critical', () => {
    const preferences = prefer({
      timeZone: 'Asia/Tokyo',
      quietHours: { from: '20:00', to: '22:30' },
    });
    const given = { preferences };
    expect(decide({ contact }, given)).toEqual([
      { to: contact.email, locale: { language: 'en', timeZone: 'Asia/Tokyo' } },
      expect.objectContaining({ until: new Date('2026-11-20T13:30:00.000Z') }),
    ]);
    for (const one of decide({ contact, type: 'ORDER_CANCELLED' }, given)) {
      expect(one).not.toHaveProperty('until');
    }
  });
});
