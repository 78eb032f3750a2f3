import { expect, test } from '@jest/globals';
import { DEFAULTS } from '../../lib/notification/preferences/preferences.ts';
import type { OrderEvent } from '../../lib/order-event.ts';
import type { Reaction } from './database.ts';
import type { Refusal, Told } from './providers.ts';
import { newOrder, openShop, type Shop } from './shop.ts';

const AWAY: Refusal = { status: 503, error: 'ServiceUnavailable' };

/** The first try of each write meets the reaction; the SDK's own retry is answered. */
function onceEach(reaction: Reaction) {
  let isNext = false;
  return ({ action }: { action: string }): Reaction => {
    if (action !== 'UpdateItem') return 'answered';
    isNext = !isNext;
    return isNext ? reaction : 'answered';
  };
}

const only = (email: string) => newOrder({ contact: { email } });

test.each(['never sent', 'throttled'] as const)(
  'while requests to DynamoDB are %s the records wait; then each is sent once, in order',
  async (reaction) => {
    await using shop = await openShop();
    const orders = [newOrder(), newOrder()];
    shop.database.react(() => reaction);
    await shop.publish(...orders.map((order) => order.event()));
    await shop.source.idle();
    const [first] = shop.source.invocations('notify');
    expect(first).toMatchObject({
      outcome: 'functionError',
      error: expect.stringContaining('DynamoDB'),
    });
    await shop.clock.advance('10 s');
    await shop.publish(...orders.map((order) => order.event('ORDER_SHIPPED')));
    expect(shop.providers.calls).toEqual([]);
    shop.database.react(() => 'answered');
    await shop.source.drain('1 hour');
    expect(shop.providers.calls).toHaveLength(8);
    for (const { id } of orders) {
      const emails = shop.told(id).filter((words) => words.startsWith('email'));
      expect(emails).toEqual([
        expect.stringContaining('received'),
        expect.stringContaining('on its way'),
      ]);
    }
    expect(await shop.letters()).toEqual([]);
  },
);

test.each(['never sent', 'throttled', 'answer lost'] as const)(
  'the outcome is the same when the first try of each write is %s',
  async (reaction) => {
    await using shop = await openShop();
    const created = newOrder().event();
    const skipped = only('ada@example.com').event();
    const { calls } = shop.providers;
    // The third and last round of the invocation succeeds, on each channel.
    const isEarly = ({ channel }: Told) =>
      calls.filter((one) => one.channel === channel).length <= 2;
    shop.providers.react((message) => (isEarly(message) ? AWAY : 'taken'));
    shop.database.react(onceEach(reaction));
    await shop.publish(created);
    await shop.source.drain('1 hour');
    expect(shop.providers.taken).toHaveLength(2);
    // As many attempts as calls, though each write came twice.
    const { email, sms } = await shop.recorded(created);
    expect([email?.status, sms?.status]).toEqual(['sent', 'sent']);
    expect((email?.attempts ?? 0) + (sms?.attempts ?? 0)).toBe(calls.length);
    await shop.publish(skipped);
    await shop.source.drain('1 hour');
    expect(await shop.recorded(skipped)).toMatchObject({
      email: { status: 'sent', attempts: 1 },
      sms: { status: 'skipped', reason: 'no address', attempts: 0 },
    });
  },
);

test('an outcome that DynamoDB does not take at first is noted when it does', async () => {
  await using shop = await openShop();
  const created = only('ada@example.com').event();
  let losses = 7;
  shop.database.react(({ status }) => {
    if (status === 'sent') losses -= 1;
    return status === 'sent' && losses > 0 ? 'never sent' : 'answered';
  });
  await shop.publish(created);
  await shop.source.idle();
  expect(shop.source.invocations('notify')).toHaveLength(1);
  expect(await shop.recorded(created)).toMatchObject({ email: { status: 'sent', attempts: 1 } });
  expect(shop.providers.calls).toHaveLength(1);
});

test('an outcome that DynamoDB does not take until the end of the invocation is unknown', async () => {
  await using shop = await openShop();
  const created = only('ada@example.com').event();
  const asked = Promise.withResolvers<void>();
  shop.database.react(({ status }) => {
    if (status === 'sent') asked.resolve();
    return status === 'sent' ? 'never sent' : 'answered';
  });
  await shop.publish(created);
  await shop.clock.advance('500 ms', { whileRunning: true });
  await asked.promise;
  // With less time left than a request takes, the run gives up.
  await shop.clock.advance('57 s', { whileRunning: true });
  await shop.source.idle();
  shop.database.react(() => 'answered');
  await shop.source.drain('1 hour');
  expect(await shop.recorded(created)).toMatchObject({ email: { status: 'unknown', attempts: 1 } });
  expect(shop.providers.calls).toHaveLength(1);
});

test('DynamoDB that takes no writes ends a run of sendDeferred; the next run goes on', async () => {
  await using shop = await openShop();
  const order = newOrder();
  shop.providers.react(() => AWAY);
  await shop.publish(order.event());
  await shop.source.idle();
  shop.providers.react(() => 'taken');
  shop.database.react(({ action }) => (action === 'UpdateItem' ? 'never sent' : 'answered'));
  await expect(shop.sendDeferred('2 minutes')).rejects.toMatchObject({ code: 'DATABASE_AWAY' });
  expect(shop.providers.taken).toEqual([]);
  shop.database.react(() => 'answered');
  await shop.sendDeferred('1 minute');
  expect(shop.told(order.id)).toHaveLength(2);
});

const SES = { email: 'ada@example.com' };
const SNS = { phone: '+15550123' };
type Row = [error: string, contact: typeof SES | typeof SNS, refusal: Omit<Refusal, 'error'>];

test.each<Row>([
  ['TooManyRequestsException', SES, { status: 429 }],
  ['LimitExceededException', SES, { status: 400 }],
  ['SendingPausedException', SES, { status: 400 }],
  ['InternalServiceErrorException', SES, { status: 500 }],
  ['MessageRejected', SES, { status: 400, message: 'Email address is not verified: a@b.c' }],
  ['Throttled', SNS, { status: 400 }],
  ['AuthorizationError', SNS, { status: 403 }],
  ['InternalError', SNS, { status: 500 }],
])(
  'after %s the notification is put off, and sent once when the provider takes it',
  async (error, contact, refusal) => {
    await using shop = await openShop();
    const created = newOrder({ contact }).event();
    const { orderId } = created.data;
    shop.providers.react(() => ({ ...refusal, error }));
    await shop.publish(created);
    await shop.source.idle();
    expect(shop.source.invocations('notify')).toMatchObject([{ outcome: 'ok' }]);
    expect(shop.providers.calls).toHaveLength(3);
    const put = (await shop.notifications(orderId)).find(({ status }) => status === 'deferred');
    expect(put).toMatchObject({ attempts: 3, reason: expect.stringMatching(/^s(es|ns): \w+$/) });
    expect(JSON.stringify(put)).not.toMatch(/a@b\.c|ada@|15550123/);
    shop.providers.react(() => 'taken');
    // A notification is not tried before its pause of a minute is over.
    await shop.sendDeferred('59 s');
    expect(shop.providers.taken).toEqual([]);
    await shop.sendDeferred('1 s');
    await shop.source.redeliverEverything();
    await shop.sendDeferred('1 hour');
    expect(shop.providers.taken).toHaveLength(1);
  },
);

test.each<Row>([
  ['MessageRejected', SES, { status: 400 }],
  ['BadRequestException', SES, { status: 400 }],
  ['InvalidParameter', SNS, { status: 400 }],
  ['OptedOut', SNS, { status: 400 }],
])(
  'after %s the notification has failed, and is not tried again',
  async (error, contact, refusal) => {
    await using shop = await openShop();
    const created = newOrder({ contact }).event();
    shop.providers.react(() => ({ ...refusal, error }));
    await shop.publish(created);
    await shop.source.idle();
    shop.providers.react(() => 'taken');
    await shop.source.redeliverEverything();
    await shop.sendDeferred('2 hours');
    expect(shop.providers.calls).toHaveLength(1);
    const records = await shop.notifications(created.data.orderId);
    expect(records).toContainEqual(
      expect.objectContaining({
        status: 'failed',
        attempts: 1,
        reason: expect.stringMatching(/^s(es|ns): \w+$/),
      }),
    );
  },
);

test('a lost answer is unknown and never sent again', async () => {
  await using shop = await openShop();
  const created = newOrder().event();
  shop.providers.react(() => 'cut');
  await shop.publish(created);
  await shop.source.idle();
  shop.providers.react(() => 'taken');
  await shop.source.redeliverEverything();
  await shop.sendDeferred('2 hours');
  expect(shop.providers.calls).toHaveLength(2);
  const unknown = { status: 'unknown', attempts: 1 };
  expect(await shop.recorded(created)).toMatchObject({ email: unknown, sms: unknown });
});

test('a failure that passes soon is sent in the same invocation, each call on record', async () => {
  await using shop = await openShop();
  const created = only('ada@example.com').event();
  let refusals = 2;
  shop.providers.react(() => (refusals-- > 0 ? AWAY : 'taken'));
  await shop.publish(created);
  await shop.source.idle();
  const { email } = await shop.recorded(created);
  expect(email).toMatchObject({ status: 'sent', attempts: 3 });
  expect(email).not.toHaveProperty('reason');
  expect(shop.source.invocations('notify')).toHaveLength(1);
});

/** Runs sendDeferred once every so many minutes of a period. */
async function runs(shop: Shop, minutes: number, every: number) {
  for (let passed = 0; passed < minutes; passed += every) {
    await shop.sendDeferred(`${every} minutes`);
  }
}

test('providers that are away for hours hold up no partition; then each event is sent once, the newest of its order', async () => {
  await using shop = await openShop({
    environment: {
      NOTIFICATION_UNSUBSCRIBE_URL: 'https://shop.example/u/',
      NOTIFICATION_UNSUBSCRIBE_SECRET: 'of-these-tests-alone',
    },
  });
  const orders = Array.from({ length: 6 }, () => newOrder());
  const [first] = orders;
  if (!first) throw new Error('six orders');
  const events = orders.map((order) => order.event());
  shop.providers.react(() => AWAY);
  await shop.publish(...events);
  await shop.source.idle();
  expect(shop.source.invocations('notify').at(-1)?.outcome).toBe('ok');
  expect(shop.providers.calls).toHaveLength(6 * 2 * 3);
  await runs(shop, 180, 30);
  // Three of them are shipped while the providers are away.
  const shipped = orders.slice(0, 3);
  await shop.publish(...shipped.map((order) => order.event('ORDER_SHIPPED')));
  await shop.source.idle();
  await runs(shop, 120, 20);
  expect(shop.providers.taken).toEqual([]);
  shop.providers.react(() => 'taken');
  // The pauses between two tries are an hour at most.
  await shop.sendDeferred('1 hour');
  expect(shop.providers.taken).toHaveLength(6 * 2);
  for (const after of ['1 minute', '1 hour'] as const) await shop.sendDeferred(after);
  for (const order of orders) {
    const told = shop.told(order.id);
    expect(told).toHaveLength(2);
    for (const words of told) expect(/on its way/.test(words)).toBe(shipped.includes(order));
  }
  const emails = shop.providers.taken.filter(({ channel }) => channel === 'email');
  for (const { unsubscribe: link } of emails) expect(link).toContain('https://shop.example/u/');
  const superseded = { status: 'skipped', reason: 'superseded' };
  expect(await shop.recorded(events[0] as OrderEvent)).toMatchObject({
    email: superseded,
    sms: superseded,
  });
  // Events after the outage are sent at once.
  await shop.publish(first.event('ORDER_DELIVERED'));
  await shop.source.idle();
  expect(shop.told(first.id)).toHaveLength(4);
});

test('a recipient that is refused for ever is given up after six days, and holds nobody up', async () => {
  await using shop = await openShop();
  const refused = only('full@example.com').event();
  const isFull = ({ to }: Told) => to === 'full@example.com';
  shop.providers.react((message) => (isFull(message) ? AWAY : 'taken'));
  const calls = () => shop.providers.calls.filter(isFull).length;
  await shop.publish(refused);
  await shop.source.idle();
  // Three calls at once, then after 1, 2, 4 and 8 minutes.
  await runs(shop, 20, 1);
  expect(calls()).toBe(3 + 4);
  for (let hours = 20; hours < 6 * 24 - 4; hours += 20) {
    const other = newOrder();
    await shop.clock.advance('20 hours');
    await shop.publish(other.event());
    await shop.source.idle();
    await shop.sendDeferred();
    expect(shop.told(other.id)).toHaveLength(2);
  }
  expect(await shop.recorded(refused)).toMatchObject({ email: { status: 'deferred' } });
  expect(await shop.sendDeferred('24 hours')).toMatchObject({ failed: 0, dropped: 1 });
  const { email } = await shop.recorded(refused);
  expect(email).toMatchObject({ status: 'failed', attempts: calls() });
  // A notification that was given up is not tried again.
  for (let days = 0; days < 3; days += 1) await shop.sendDeferred('12 hours');
  expect(calls()).toBe(email?.attempts);
});

test('quiet hours do not stretch the six days', async () => {
  await using shop = await openShop();
  const order = newOrder({ contact: { phone: '+15550123' } });
  const created = order.event();
  await shop.prefer(order.customerId, { quietHours: { from: '22:00', to: '07:00' } });
  shop.providers.react(() => AWAY);
  await shop.publish(created);
  await shop.source.idle();
  await shop.sendDeferred('13 hours');
  for (let day = 0; day <= 5; day += 1) {
    expect((await shop.recorded(created)).sms?.reason).toMatch(/^quiet hours/);
    await shop.sendDeferred('10 hours');
    expect((await shop.recorded(created)).sms?.reason).toMatch(/^sns: /);
    await shop.sendDeferred('14 hours');
  }
  await shop.sendDeferred('12 hours');
  expect(await shop.recorded(created)).toMatchObject({ sms: { status: 'failed' } });
});

test('preferences that change while a notification is put off count', async () => {
  await using shop = await openShop();
  const [moved, silent, same] = [newOrder(), newOrder(), newOrder()];
  const events = [moved, silent, same].map((order) => order.event());
  shop.providers.react(() => AWAY);
  await shop.publish(...events);
  await shop.source.idle();
  const contact = { email: 'new@example.com', phone: '+15550188' };
  await shop.prefer(moved.customerId, { contact });
  const created = { ...DEFAULTS.events.ORDER_CREATED, email: false };
  const off = { ...DEFAULTS.events, ORDER_CREATED: created };
  await shop.prefer(silent.customerId, { events: off });
  await runs(shop, 28, 7);
  shop.providers.react(() => 'taken');
  await runs(shop, 120, 40);
  const to = (id: string) => shop.providers.taken.filter((one) => one.orderId === id);
  expect(
    to(moved.id)
      .map((one) => one.to)
      .toSorted(),
  ).toEqual(['+15550188', 'new@example.com']);
  expect(to(silent.id)).toMatchObject([{ channel: 'sms' }]);
  expect(to(same.id)).toHaveLength(2);
  const states = (await shop.notifications(moved.id)).map(({ status, reason }) => reason ?? status);
  expect(states.toSorted()).toEqual(['address changed', 'address changed', 'sent', 'sent']);
  expect(await shop.recorded(events[1] as OrderEvent)).toMatchObject({
    email: { status: 'skipped', reason: 'switched off' },
  });
});

test('an event that comes again while it is put off is sent once', async () => {
  await using shop = await openShop();
  const order = newOrder();
  const created = order.event();
  shop.providers.react(() => AWAY);
  await shop.publish(created);
  await shop.source.idle();
  shop.providers.react(() => 'taken');
  await shop.clock.advance('2 minutes');
  await shop.publish(created, created);
  await Promise.all([shop.source.idle(), shop.sendDeferred()]);
  await shop.source.drain('1 hour');
  await shop.sendDeferred('1 hour');
  expect(shop.told(order.id)).toHaveLength(2);
});
