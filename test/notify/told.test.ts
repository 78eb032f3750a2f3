import { expect, test } from '@jest/globals';
import { DEFAULTS } from '../../lib/notification/preferences/preferences.ts';
import { unsubscribe } from '../../lib/notification/preferences/unsubscribe.ts';
import { EVENT_TYPES } from '../../lib/order-event.ts';
import { newOrder, openShop } from './shop.ts';

test.each(EVENT_TYPES)('%s gives one email and one SMS, both on record', async (type) => {
  await using shop = await openShop();
  const order = newOrder({ contact: { email: 'ada@example.com', phone: '+15550123' } });
  const event = order.event(type);
  await shop.publish(event);
  await shop.source.idle();
  expect(shop.providers.taken).toHaveLength(2);
  const of = { orderId: order.id };
  expect(shop.providers.taken).toContainEqual(
    expect.objectContaining({ channel: 'email', to: 'ada@example.com', ...of }),
  );
  expect(shop.providers.taken).toContainEqual(
    expect.objectContaining({ channel: 'sms', to: '+15550123', ...of }),
  );
  const { email, sms } = await shop.recorded(event);
  const facts = { eventId: event.id, ...of, type, status: 'sent', attempts: 1 };
  const provided = { messageId: expect.stringMatching(/^id-/) };
  expect(email).toMatchObject({ ...facts, ...provided, to: 'a***@example.com' });
  expect(email?.subject).toContain(order.id);
  expect(sms).toMatchObject({ ...facts, ...provided, to: '+******23' });
  expect(JSON.stringify([email, sms])).not.toMatch(/ada@example|15550123/);
});

test('a customer without an address is skipped on record', async () => {
  await using shop = await openShop();
  const event = newOrder({ contact: undefined }).event();
  await shop.publish(event);
  await shop.source.idle();
  expect(shop.providers.calls).toEqual([]);
  const skipped = { status: 'skipped', reason: 'no address', attempts: 0, to: null };
  expect(await shop.recorded(event)).toMatchObject({ email: skipped, sms: skipped });
});

test('a contact with an email alone gets the email alone', async () => {
  await using shop = await openShop();
  const event = newOrder({ contact: { email: 'ada@example.com' } }).event();
  await shop.publish(event);
  await shop.source.idle();
  expect(shop.providers.calls).toMatchObject([{ channel: 'email' }]);
  expect(await shop.recorded(event)).toMatchObject({
    email: { status: 'sent' },
    sms: { status: 'skipped', reason: 'no address' },
  });
});

test('where a fallback is configured, a customer without contact gets its addresses', async () => {
  const environment = { FALLBACK_EMAIL_DOMAIN: 'example.com', FALLBACK_PHONE: '+15550100' };
  await using shop = await openShop({ environment });
  await shop.publish(newOrder({ contact: undefined, customerId: 'ada' }).event());
  await shop.source.idle();
  const addresses = shop.providers.taken.map(({ to }) => to);
  expect(addresses.sort()).toEqual(['+15550100', 'ada@example.com']);
});

test('messages go where the preferences say, in their language, and not where they say no', async () => {
  await using shop = await openShop();
  const order = newOrder({ currency: 'EUR' });
  await shop.prefer(order.customerId, {
    contact: { email: 'karen@example.net', phone: '+491701234567' },
    language: 'de',
    timeZone: 'Europe/Berlin',
    events: {
      ...DEFAULTS.events,
      ORDER_SHIPPED: { ...DEFAULTS.events.ORDER_SHIPPED, email: false },
    },
  });
  const [created, shipped] = [order.event(), order.event('ORDER_SHIPPED')];
  await shop.publish(created, shipped);
  await shop.source.idle();
  expect(shop.told(order.id).toSorted()).toEqual([
    `email: Ihre Bestellung ${order.id} ist eingegangen`,
    `sms: Ihre Bestellung ${order.id} ist auf dem Weg zu Ihnen.`,
    `sms: Vielen Dank für Ihre Bestellung ${order.id}. Summe: 29,97 €. Wir melden uns, sobald sie unterwegs ist.`,
  ]);
  const email = shop.providers.taken.find(({ channel }) => channel === 'email');
  expect(email).toMatchObject({
    to: 'karen@example.net',
    text: expect.stringMatching(/Summe: 29,97 €\nDatum: 20. November 2026 um 11:00 MEZ/),
  });
  expect(await shop.recorded(shipped)).toMatchObject({
    email: { status: 'skipped', reason: 'switched off', to: 'k***@example.net', attempts: 0 },
    sms: { status: 'sent' },
  });
});

test('an email has the link that ends the emails of its customer, but not that of a cancelled order', async () => {
  const url = 'https://shop.example/api/unsubscribe/';
  await using shop = await openShop({
    environment: {
      NOTIFICATION_UNSUBSCRIBE_URL: url,
      NOTIFICATION_UNSUBSCRIBE_SECRET: 'of-these-tests-alone',
    },
  });
  const order = newOrder();
  await shop.publish(order.event());
  await shop.source.idle();
  const links = shop.providers.taken.map(({ unsubscribe: link }) => link);
  expect(links.toSorted()).toEqual([expect.stringContaining(url), undefined]);

  await unsubscribe({ customerId: order.customerId, channel: 'email' }, shop.customers);
  await shop.publish(order.event('ORDER_SHIPPED'), order.event('ORDER_CANCELLED'));
  await shop.source.idle();
  const channels = shop.providers.taken.slice(2).map(({ channel }) => channel);
  expect(channels.toSorted()).toEqual(['email', 'sms', 'sms']);
});

test('without the configuration emails have no link', async () => {
  await using shop = await openShop();
  await shop.publish(newOrder().event());
  await shop.source.idle();
  expect(shop.providers.taken.map(({ unsubscribe: link }) => link)).toEqual([undefined, undefined]);
});

test('an event that comes after a later event of its order is not sent', async () => {
  await using shop = await openShop();
  const order = newOrder();
  const [shipped, delivered] = [order.event('ORDER_SHIPPED'), order.event('ORDER_DELIVERED')];
  const other = newOrder();
  await shop.publish(delivered, shipped, other.event());
  await shop.source.idle();
  expect(shop.told(order.id)).toHaveLength(2);
  for (const words of shop.told(order.id)) expect(words).toContain('has arrived');
  expect(shop.told(other.id)).toHaveLength(2);
  const late = { status: 'skipped', reason: 'superseded' };
  expect(await shop.recorded(shipped)).toMatchObject({
    email: { ...late, to: 'r***@example.com' },
    sms: late,
  });
});

test('the record of an event sent in time stays as it is when it comes again later', async () => {
  await using shop = await openShop();
  const order = newOrder();
  const [shipped, delivered] = [order.event('ORDER_SHIPPED'), order.event('ORDER_DELIVERED')];
  await shop.publish(shipped, delivered);
  await shop.source.idle();
  const before = await shop.recorded(shipped);
  await shop.clock.advance('1 hour');
  await shop.publish(shipped);
  await shop.source.idle();
  expect(await shop.recorded(shipped)).toEqual(before);
  expect(before).toMatchObject({ email: { status: 'sent' }, sms: { status: 'sent' } });
  expect(shop.told(order.id)).toHaveLength(4);
});

test('a customer with a time zone that no longer exists gets messages, by UTC', async () => {
  await using shop = await openShop();
  const order = newOrder();
  const quietHours = { from: '11:00', to: '12:00' };
  await shop.prefer(order.customerId, { timeZone: 'IST', quietHours });
  await shop.publish(order.event());
  await shop.source.idle();
  expect(shop.told(order.id)).toHaveLength(2);
  expect(await shop.customers.find(order.customerId)).toMatchObject({ timeZone: 'UTC' });
  await shop.clock.advance('1 hour');
  await shop.publish(order.event('ORDER_SHIPPED'));
  await shop.source.idle();
  expect(shop.told(order.id)).toHaveLength(3);
});

test('an address gets as many messages as the limit says in an hour; the rest is skipped on record', async () => {
  const environment = { LIMIT_MESSAGES_PER_HOUR: '2', HASH_SECRET: 'of-these-tests-alone' };
  await using shop = await openShop({ environment });
  const contact = { email: 'ada@example.com' };
  const orders = Array.from({ length: 4 }, () => newOrder({ contact }));
  const [one, two, three, four] = orders.map((order) => order.event());
  if (!one || !two || !three || !four) throw new Error('four events');
  for (const event of [one, two, three, three]) {
    await shop.publish(event);
    await shop.source.idle();
  }
  expect(shop.providers.calls.map(({ orderId }) => orderId)).toEqual([
    one.data.orderId,
    two.data.orderId,
  ]);
  expect(await shop.recorded(three)).toMatchObject({
    email: { status: 'skipped', reason: 'too many', attempts: 0 },
  });
  await shop.clock.advance('1 hour');
  await shop.publish(four, three);
  await shop.source.idle();
  expect(shop.providers.calls.slice(2)).toMatchObject([{ orderId: four.data.orderId }]);
});
