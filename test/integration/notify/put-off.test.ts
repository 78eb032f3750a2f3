import { randomUUID } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { createDeferred } from '../../../lib/notification/ledger/deferred.ts';
import { createLedger } from '../../../lib/notification/ledger/ledger.ts';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import { always, faultyDynamo } from '../../support/faults.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after, inMinutes, quiet } from './quiet-hours.ts';

const HOUR = 60;
const DAY = 24 * HOUR;

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** A provider that refuses all messages, or only the given ones, and counts its calls. */
function away(isMeant: (message: Message) => boolean = () => true) {
  const inbox = createInbox();
  const calls: Message[] = [];
  const sender: Sender<Message> = {
    name: 'away',
    async send(message, signal) {
      if (!isMeant(message)) return inbox.send(message, signal);
      calls.push(message);
      return { success: false, retriable: true, reason: 'away: ECONNREFUSED' };
    },
  };
  return { sender, calls, inbox };
}

/** Runs sendDeferred once every `every` minutes of a period. */
async function runs(sender: Sender<Message>, from: number, to: number, every: number) {
  for (let minutes = from; minutes < to; minutes += every) {
    await bench.sendDeferred({ sender, clock: after(minutes) });
  }
}

const toldOf = (inbox: ReturnType<typeof createInbox>, orderId: string) =>
  inbox.sent
    .filter((message) => message.orderId === orderId)
    .map((message) => ('subject' in message ? message.subject : message.text));

test('a provider that is away for hours holds up no partition; then each event is sent once, in order', async () => {
  const orders = Array.from({ length: 6 }, () => newEvent({}, { customerId: randomUUID() }));
  const shipped = orders
    .slice(0, 3)
    .map(({ data }) => newEvent({ type: 'ORDER_SHIPPED', sequence: 2 }, data));
  const { sender, calls } = away();
  expect(await bench.notify({ sender })(...orders)).toEqual(bench.failed());
  expect(calls).toHaveLength(6 * 2 * 3);
  const [first] = orders;
  if (!first) throw new Error('no order');
  expect(await bench.recorded(first)).toMatchObject({
    email: { status: 'deferred', reason: 'away: ECONNREFUSED', attempts: 3 },
    sms: { status: 'deferred', reason: 'away: ECONNREFUSED', attempts: 3 },
  });
  await runs(sender, 1, 3 * HOUR, 30);
  // An hour into the outage three of them are shipped.
  expect(await bench.notify({ sender })(...shipped)).toEqual(bench.failed());
  await runs(sender, 3 * HOUR, 5 * HOUR, 20);

  const inbox = createInbox();
  const unsubscribe = { url: 'https://shop.example/u/', secrets: ['of-this-test'] } as const;
  for (const minutes of [6 * HOUR, 6 * HOUR + 1, 7 * HOUR]) {
    await bench.sendDeferred({ sender: inbox, clock: after(minutes), unsubscribe });
  }
  for (const { data } of orders) {
    const isShipped = shipped.some((event) => event.data.orderId === data.orderId);
    const told = toldOf(inbox, data.orderId);
    expect(told).toHaveLength(2);
    for (const words of told) expect(/on its way/.test(words)).toBe(isShipped);
  }
  const emails = inbox.sent.filter(({ channel }) => channel === 'email');
  expect(emails).toHaveLength(6);
  for (const email of emails) {
    expect(email).toMatchObject({ unsubscribe: expect.stringContaining(unsubscribe.url) });
  }
  expect(await bench.recorded(first)).toMatchObject({
    email: { status: 'skipped', reason: 'superseded' },
    sms: { status: 'skipped', reason: 'superseded' },
  });
  // Events after the outage are sent at once.
  const delivered = newEvent({ type: 'ORDER_DELIVERED', sequence: 3 }, first.data);
  const now = after(8 * HOUR);
  expect(await bench.notify({ sender: inbox, clock: now })(delivered)).toEqual(bench.failed());
  expect(toldOf(inbox, first.data.orderId)).toHaveLength(4);
});

test('a recipient that is refused for ever is given up after six days, and holds nobody up', async () => {
  const refused = newEvent({}, { contact: { email: 'full@example.com' } });
  const { sender, calls, inbox } = away(({ to }) => to === 'full@example.com');
  const start = Date.now();
  expect(await bench.notify({ sender })(refused)).toEqual(bench.failed());
  await runs(sender, 1, 20, 1);
  // Three calls at once, then after 1, 2, 4 and 8 minutes, each by the next run.
  expect(calls.length).toBeGreaterThanOrEqual(3 + 3);
  expect(calls.length).toBeLessThanOrEqual(3 + 4);
  for (let minutes = 2 * HOUR; minutes < 6 * DAY - HOUR; minutes += 20 * HOUR) {
    const other = newEvent();
    expect(await bench.notify({ sender, clock: after(minutes) })(other)).toEqual(bench.failed());
    await bench.sendDeferred({ sender, clock: after(minutes) });
    expect(toldOf(inbox, other.data.orderId)).toHaveLength(2);
  }
  expect(await bench.recorded(refused)).toMatchObject({ email: { status: 'deferred' } });
  const report = await bench.sendDeferred({ sender, clock: after(6 * DAY + 1) });
  expect(report).toMatchObject({ failed: 0, dropped: 1 });
  const { email } = await bench.recorded(refused);
  expect(email).toMatchObject({ status: 'failed', deferredShard: 'GIVEN_UP' });
  expect(email?.attempts).toBe(calls.length);
  expect(Date.parse(email?.failingSince) - start).toBeLessThan(HOUR * 60_000);
  // Nobody reads it once it was given up.
  await runs(sender, 6 * DAY + 2, 8 * DAY, 12 * HOUR);
  expect(calls).toHaveLength(email?.attempts);
});

test('a provider that is away into quiet hours: the email goes when it is back, the SMS in the morning', async () => {
  const customerId = randomUUID();
  const night = { from: inMinutes(30), to: inMinutes(8 * HOUR) };
  await bench.customers.save(customerId, { ...quiet, quietHours: night }, undefined);
  const created = newEvent({}, { customerId });
  const { sender } = away();
  expect(await bench.notify({ sender })(created)).toEqual(bench.failed());
  await runs(sender, 1, 2 * HOUR, 15);
  expect(await bench.recorded(created)).toMatchObject({
    email: { status: 'deferred', reason: 'away: ECONNREFUSED' },
    sms: { status: 'deferred', reason: expect.stringContaining('quiet hours until') },
  });
  const inbox = createInbox();
  await runs(inbox, 3 * HOUR, 5 * HOUR, 30);
  expect(inbox.sent.map(({ channel }) => channel)).toEqual(['email']);
  await runs(inbox, 8 * HOUR + 1, 10 * HOUR, 30);
  expect(inbox.sent.map(({ channel }) => channel)).toEqual(['email', 'sms']);
});

test('quiet hours do not stretch the six days', async () => {
  const customerId = randomUUID();
  const night = { from: inMinutes(30), to: inMinutes(8 * HOUR) };
  await bench.customers.save(customerId, { ...quiet, quietHours: night }, undefined);
  const created = newEvent({}, { customerId, contact: { phone: '+15550123' } });
  const { sender } = away();
  await bench.notify({ sender })(created);
  for (let day = 0; day <= 6; day += 1) {
    await runs(sender, day * DAY + 45, day * DAY + 46, 1);
    const { sms } = await bench.recorded(created);
    expect(sms?.reason).toMatch(/^quiet hours/);
    await runs(sender, day * DAY + 9 * HOUR, day * DAY + 9 * HOUR + 1, 1);
  }
  expect((await bench.recorded(created)).sms).toMatchObject({ deferredShard: 'GIVEN_UP' });
});

test('preferences that change while it is put off count', async () => {
  const [moved, silent, back] = [randomUUID(), randomUUID(), randomUUID()];
  const events = [moved, silent, back].map((customerId) => newEvent({}, { customerId }));
  const { sender } = away();
  expect(await bench.notify({ sender })(...events)).toEqual(bench.failed());
  const contact = { email: 'new@example.com', phone: '+15550188' };
  await bench.customers.save(moved, { ...DEFAULTS, contact }, undefined);
  const off = {
    ...DEFAULTS.events,
    ORDER_CREATED: { ...DEFAULTS.events.ORDER_CREATED, email: false, sms: true },
  };
  await bench.customers.save(silent, { ...DEFAULTS, events: off }, undefined);
  await runs(sender, 2, 30, 7);
  const inbox = createInbox();
  await runs(inbox, 2 * HOUR, 3 * HOUR, 20);

  const [one, two, three] = events as [(typeof events)[0], (typeof events)[0], (typeof events)[0]];
  const to = ({ data }: (typeof events)[0]) =>
    inbox.sent.filter(({ orderId }) => orderId === data.orderId).map((message) => message.to);
  expect(to(one).toSorted()).toEqual(['+15550188', 'new@example.com']);
  expect(to(two)).toEqual(['+15550123']);
  expect(to(three).toSorted()).toEqual(['+15550123', 'ada@example.com']);
  expect(await bench.recorded(two)).toMatchObject({ email: { reason: 'switched off' } });
  const { body } = await bench.list({ orderId: one.data.orderId });
  const states = body.data.map(({ status, reason }: Record<string, string>) => reason ?? status);
  expect(states.toSorted()).toEqual(['address changed', 'address changed', 'sent', 'sent']);
});

test('DynamoDB that is away meanwhile holds the partition and ends a run; both go on after it', async () => {
  const { client: dynamo } = faultyDynamo('UpdateItemCommand', always('never sent'));
  const [before, during] = [newEvent(), newEvent()];
  const { sender } = away();
  expect(await bench.notify({ sender })(before)).toEqual(bench.failed());
  const inbox = createInbox();
  const gone = { code: 'DATABASE_AWAY' };
  await expect(bench.notify({ sender: inbox, dynamo })(during)).rejects.toMatchObject(gone);
  const run = bench.sendDeferred({ sender: inbox, dynamo, clock: after(2) });
  await expect(run).rejects.toMatchObject(gone);
  dynamo.destroy();
  expect(inbox.sent).toEqual([]);
  expect(await bench.notify({ sender: inbox })(during)).toEqual(bench.failed());
  await bench.sendDeferred({ sender: inbox, clock: after(3) });
  for (const { data } of [before, during]) expect(toldOf(inbox, data.orderId)).toHaveLength(2);
});

test('an event that comes again while it is put off is sent once', async () => {
  const created = newEvent();
  const { sender } = away();
  const inbox = createInbox();
  await bench.notify({ sender })(created);
  expect(await bench.notify({ sender: inbox })(created, created)).toEqual(bench.failed());
  await Promise.all([
    bench.sendDeferred({ sender: inbox, clock: after(2) }),
    bench.notify({ sender: inbox, clock: after(2) })(created),
  ]);
  expect(toldOf(inbox, created.data.orderId)).toHaveLength(2);
});

test('the index of waiting notifications has those that are put off, and no others', async () => {
  const [told, waits] = [newEvent(), newEvent()];
  await bench.notify()(told);
  await bench.notify({ sender: away().sender })(waits);
  const ofWait = ['event', 'deferredShard', 'deferredUntil', 'failingSince'];
  for (const name of ofWait) {
    expect((await bench.recorded(waits)).email).toHaveProperty(name);
    expect((await bench.recorded(told)).email).not.toHaveProperty(name);
  }
  await bench.sendDeferred({ clock: after(2) });
  for (const name of [...ofWait, 'reason']) {
    expect((await bench.recorded(waits)).email).not.toHaveProperty(name);
  }
});

/** A waiting record with its notification. */
async function putOff() {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  await bench.notify({ sender: away().sender })(event);
  const [notification] = await bench.planOf(event);
  if (!notification) throw new Error('nothing is planned');
  return { event, notification };
}

test('a waiting notification is tried again when a process took it at another delivery and died', async () => {
  const [called, paused] = [await putOff(), await putOff()];
  const ledger = createLedger({ ...bench, clock: systemClock });
  const over = new Date(Date.now() + 9_000);
  await ledger.lease(called.notification, over);
  const lease = await ledger.lease(paused.notification, over);
  await ledger.hold(paused.notification, String(lease?.id), 'too many', over);
  const inbox = createInbox();
  await bench.sendDeferred({ sender: inbox, clock: after(2) });
  expect((await bench.recorded(called.event)).email).toMatchObject({ status: 'unknown' });
  expect((await bench.recorded(paused.event)).email).toMatchObject({ status: 'sent' });
  expect(toldOf(inbox, called.event.data.orderId)).toEqual([]);
});

test('nothing is given up under a call that somebody has begun in that moment', async () => {
  const { event, notification } = await putOff();
  const { pk, sk } = (await bench.recorded(event)).email ?? {};
  const clock = after(7 * DAY);
  const ledger = createLedger({ ...bench, clock });
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: object) => Promise<unknown>;
  const meanwhile = async (command: object) => {
    const answer = await send(command);
    if (command instanceof GetCommand) await ledger.lease(notification, after(7 * DAY + 1).now());
    return answer;
  };
  const deferred = createDeferred({
    ...bench,
    clock,
    dynamo: Object.assign(dynamo, { send: meanwhile }),
  });
  expect(await deferred.postpone({ pk, sk }, clock.now())).toBe('settled');
  expect((await bench.recorded(event)).email).toMatchObject({ status: 'sending' });
  dynamo.destroy();
});
