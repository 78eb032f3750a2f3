import { expect, test } from '@jest/globals';
import { DEFAULTS, type Preferences } from '../../lib/notification/preferences/preferences.ts';
import type { EventType, OrderEvent } from '../../lib/order-event.ts';
import { newOrder, openShop, type Shop } from './shop.ts';

/** 22:30 in Vienna. */
const EVENING = '2026-11-20T21:30:00.000Z';
const MORNING = '2026-11-21T06:00:00.000Z';
const VIENNA: Partial<Preferences> = {
  timeZone: 'Europe/Vienna',
  quietHours: { from: '22:00', to: '07:00' },
};

const evening = () => openShop({ start: EVENING });

/** A customer in quiet hours, with an order. */
async function sleeper(shop: Shop, change: Partial<Preferences> = {}) {
  const order = newOrder();
  await shop.prefer(order.customerId, { ...VIENNA, ...change });
  return order;
}

/** Moves the clock to a time, and runs sendDeferred then. */
async function runAt(shop: Shop, time: string) {
  return shop.sendDeferred(Date.parse(time) - shop.clock.now);
}

const smsOf = (shop: Shop, orderId: string) =>
  shop.told(orderId).filter((words) => words.startsWith('sms: '));

const without = (type: EventType, switches: { email: boolean; sms: boolean }) => ({
  ...DEFAULTS.events,
  [type]: switches,
});

test('in quiet hours the email goes and the SMS waits until they end, then it goes once', async () => {
  await using shop = await evening();
  const order = await sleeper(shop);
  const created = order.event();
  await shop.publish(created);
  await shop.source.idle();
  expect(shop.told(order.id)).toEqual([expect.stringContaining('email: ')]);
  expect(await shop.recorded(created)).toMatchObject({
    email: { status: 'sent' },
    sms: { status: 'deferred', attempts: 0, reason: `quiet hours until ${MORNING}` },
  });
  for (const time of ['2026-11-20T22:00:00.000Z', '2026-11-21T05:59:59.999Z']) {
    await runAt(shop, time);
    expect(smsOf(shop, order.id)).toEqual([]);
  }
  await runAt(shop, MORNING);
  expect(smsOf(shop, order.id)).toHaveLength(1);
  const { sms } = await shop.recorded(created);
  expect(sms).toMatchObject({ status: 'sent', attempts: 1, at: MORNING });
  expect(sms).not.toHaveProperty('reason');
  // It waits no more.
  const nothing = { handled: 0, failed: 0, dropped: 0, done: true };
  expect(await shop.sendDeferred('1 min')).toEqual(nothing);
  await shop.source.redeliverEverything();
  expect(shop.told(order.id)).toHaveLength(2);
});

test('two runs at the same time send a notification once', async () => {
  await using shop = await evening();
  const orders = [await sleeper(shop), await sleeper(shop), await sleeper(shop)];
  await shop.publish(...orders.map((order) => order.event()));
  await shop.source.idle();
  await shop.clock.advance('9 hours');
  await Promise.all([shop.sendDeferred(), shop.sendDeferred(), shop.sendDeferred()]);
  await shop.sendDeferred('5 min');
  for (const { id } of orders) expect(smsOf(shop, id)).toHaveLength(1);
});

test.each([
  // The clock goes from 02:00 to 03:00, so the night has an hour less.
  [
    'in spring',
    '2026-03-28T22:30:00.000Z',
    { from: '22:00', to: '07:00' },
    '2026-03-29T05:00:00.000Z',
  ],
  [
    'that end in the hour left out',
    '2026-03-28T22:30:00.000Z',
    { from: '22:00', to: '02:30' },
    '2026-03-29T01:00:00.000Z',
  ],
  [
    'in autumn',
    '2026-10-24T21:30:00.000Z',
    { from: '22:00', to: '07:00' },
    '2026-10-25T06:00:00.000Z',
  ],
])('quiet hours %s end by the clock on the wall', async (_, start, quietHours, end) => {
  await using shop = await openShop({ start });
  const order = await sleeper(shop, { quietHours });
  await shop.publish(order.event());
  await shop.source.idle();
  await runAt(shop, new Date(Date.parse(end) - 1).toISOString());
  expect(smsOf(shop, order.id)).toEqual([]);
  await runAt(shop, end);
  expect(smsOf(shop, order.id)).toHaveLength(1);
});

test('a cancellation is sent at once', async () => {
  await using shop = await evening();
  const order = await sleeper(shop);
  await shop.publish(order.event('ORDER_CANCELLED'));
  await shop.source.idle();
  expect(smsOf(shop, order.id)).toHaveLength(1);
});

test('an event that comes again while it waits still waits, and is sent once', async () => {
  await using shop = await evening();
  const order = await sleeper(shop);
  const created = order.event();
  await shop.publish(created, created);
  await shop.source.idle();
  await shop.publish(created);
  await shop.source.idle();
  expect(await shop.recorded(created)).toMatchObject({ sms: { status: 'deferred' } });
  // Delivered again when quiet hours are over: whoever comes first sends it.
  await shop.clock.advance('9 hours');
  await shop.publish(created);
  await shop.source.idle();
  await shop.sendDeferred('1 min');
  expect(shop.providers.taken.map(({ channel }) => channel)).toEqual(['email', 'sms']);
});

test('a superseded event is skipped, even if the later event still waits', async () => {
  await using shop = await evening();
  const order = await sleeper(shop);
  const shipped = order.event('ORDER_SHIPPED');
  await shop.publish(shipped, order.event('ORDER_DELIVERED'));
  await shop.source.idle();
  await runAt(shop, MORNING);
  expect(smsOf(shop, order.id)).toEqual([expect.stringContaining('has arrived')]);
  expect(await shop.recorded(shipped)).toMatchObject({
    sms: { status: 'skipped', reason: 'superseded' },
  });
});

test('an event that is skipped on all channels supersedes no other', async () => {
  await using shop = await evening();
  const events = without('ORDER_UPDATED', { email: false, sms: false });
  const order = await sleeper(shop, { events });
  await shop.publish(order.event(), order.event());
  await shop.source.idle();
  await runAt(shop, MORNING);
  expect(smsOf(shop, order.id)).toHaveLength(1);
});

test('preferences that change meanwhile count: switched off, another address, later hours', async () => {
  await using shop = await evening();
  const orders = [await sleeper(shop), await sleeper(shop), await sleeper(shop)] as const;
  const [off, moved, later] = orders;
  const events = orders.map((order) => order.event());
  await shop.publish(...events);
  await shop.source.idle();
  const sms = without('ORDER_CREATED', { email: true, sms: false });
  await shop.prefer(off.customerId, { ...VIENNA, events: sms });
  await shop.prefer(moved.customerId, { ...VIENNA, contact: { phone: '+15550177' } });
  const quietHours = { from: '22:00', to: '09:00' };
  await shop.prefer(later.customerId, { ...VIENNA, quietHours });
  await runAt(shop, MORNING);
  const [one, two, three] = events as [OrderEvent, OrderEvent, OrderEvent];
  expect(smsOf(shop, off.id)).toEqual([]);
  expect(await shop.recorded(one)).toMatchObject({
    sms: { status: 'skipped', reason: 'switched off' },
  });
  expect(shop.providers.taken.filter(({ channel }) => channel === 'sms')).toMatchObject([
    { orderId: moved.id, to: '+15550177' },
  ]);
  const states = (await shop.notifications(two.data.orderId)).map(({ to, status, reason }) => {
    return `${to} ${status} ${reason ?? ''}`;
  });
  expect(states).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\+\*{6}\d\d skipped address changed$/),
      '+******77 sent ',
    ]),
  );
  expect(await shop.recorded(three)).toMatchObject({ sms: { status: 'deferred' } });
  await runAt(shop, '2026-11-21T08:00:00.000Z');
  expect(smsOf(shop, later.id)).toHaveLength(1);
});

test('a notification that a killed run was sending becomes unknown, and is not sent again', async () => {
  await using shop = await evening();
  const order = await sleeper(shop);
  const created = order.event();
  await shop.publish(created);
  await shop.source.idle();
  await shop.clock.advance('9 hours');
  const [called, over] = [Promise.withResolvers<void>(), Promise.withResolvers<'taken'>()];
  shop.providers.react(() => {
    called.resolve();
    return over.promise;
  });
  // As when its process is killed during the call.
  const dying = shop.sendDeferred();
  await called.promise;
  await shop.sendDeferred('4 min');
  expect(shop.providers.calls).toHaveLength(2);
  expect(await shop.recorded(created)).toMatchObject({
    sms: { status: 'unknown', attempts: 1, reason: expect.stringContaining('invocation ended') },
  });
  over.resolve('taken');
  await dying;
  await shop.sendDeferred('4 min');
  expect(shop.providers.calls).toHaveLength(2);
});

test('a notification that goes wrong does not stop the others', async () => {
  await using shop = await evening();
  const [bad, good] = [await sleeper(shop), await sleeper(shop)];
  await shop.publish(bad.event(), good.event());
  await shop.source.idle();
  shop.providers.react(({ orderId }) =>
    orderId === bad.id ? { status: 400, error: 'Throttled' } : 'taken',
  );
  expect(await runAt(shop, MORNING)).toMatchObject({ failed: 1, done: true });
  expect(smsOf(shop, good.id)).toHaveLength(1);
});

test('an SMS to an address that changed is tried again later when its provider fails', async () => {
  await using shop = await evening();
  const order = await sleeper(shop);
  await shop.publish(order.event());
  await shop.source.idle();
  await shop.prefer(order.customerId, { ...VIENNA, contact: { phone: '+15550177' } });
  shop.providers.react(() => ({ status: 400, error: 'Throttled' }));
  await runAt(shop, MORNING);
  // The second run comes before the notification's pause of a minute is over.
  for (const after of ['30 s', '1 min']) await shop.sendDeferred(after);
  expect(shop.providers.calls.filter(({ channel }) => channel === 'sms')).toHaveLength(2);
  const states = (await shop.notifications(order.id)).map(({ to, status, reason }) => {
    return `${to?.slice(-2)} ${status}: ${reason}`;
  });
  expect(states).toContain('77 deferred: sns: ThrottledException');
  expect(states.filter((state) => state.endsWith('skipped: address changed'))).toHaveLength(1);
});

test('a provider that is away into quiet hours: the email goes when it is back, the SMS in the morning', async () => {
  await using shop = await openShop({ start: '2026-11-20T20:30:00.000Z' });
  const order = await sleeper(shop);
  const created = order.event();
  shop.providers.react(() => ({ status: 503, error: 'ServiceUnavailable' }));
  await shop.publish(created);
  await shop.source.idle();
  for (let quarters = 0; quarters < 6; quarters += 1) await shop.sendDeferred('15 min');
  expect(await shop.recorded(created)).toMatchObject({
    email: { status: 'deferred', reason: expect.stringMatching(/^ses: ServiceUnavailable/) },
    sms: { status: 'deferred', reason: `quiet hours until ${MORNING}` },
  });
  shop.providers.react(() => 'taken');
  for (let halves = 0; halves < 4; halves += 1) await shop.sendDeferred('30 min');
  expect(shop.providers.taken.map(({ channel }) => channel)).toEqual(['email']);
  await runAt(shop, MORNING);
  expect(shop.providers.taken.map(({ channel }) => channel)).toEqual(['email', 'sms']);
});

/** Events with so many items that waiting records are large. */
function large(items: number) {
  const item = { productId: 'x'.repeat(120), quantity: 1, price: 1 };
  return newOrder({ items: Array.from({ length: items }, () => item) });
}

test('an event with many items can wait', async () => {
  await using shop = await evening();
  const order = large(1_000);
  await shop.prefer(order.customerId, VIENNA);
  const event = order.event();
  await shop.publish(event);
  await shop.source.idle();
  expect(await shop.recorded(event)).toMatchObject({ sms: { status: 'deferred' } });
  await runAt(shop, MORNING);
  expect(shop.told(order.id)).toHaveLength(2);
});

test('waiting records are listed completely, even if they are more than DynamoDB reads at once', async () => {
  await using shop = await evening();
  const order = large(1_500);
  await shop.prefer(order.customerId, VIENNA);
  const events = Array.from({ length: 6 }, () => order.event());
  for (const event of events) await shop.publish(event);
  await shop.source.drain();
  const listed = (await shop.notifications(order.id)).map((one) => `${one.eventId} ${one.channel}`);
  const expected = events.flatMap(({ id }) => [`${id} email`, `${id} sms`]);
  expect(listed.toSorted()).toEqual(expected.toSorted());
});
