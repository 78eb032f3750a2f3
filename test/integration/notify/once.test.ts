import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { createLedger } from '../../../lib/notification/ledger/ledger.ts';
import { factsOf, keyOf } from '../../../lib/notification/ledger/record.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const laterBy = (ms: number) => ({ now: () => new Date(Date.now() + ms) });
const channels = (messages: Message[]) => messages.map(({ channel }) => channel).sort();

test('an event that comes twice is sent once', async () => {
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox });
  const event = newEvent();
  expect(await notify(event, event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
});

test('an event that comes twice at the same time is sent once', async () => {
  const inbox = createInbox();
  const events = Array.from({ length: 10 }, () => newEvent());
  const runs = Array.from({ length: 4 }, () => bench.notify({ sender: inbox })(...events));
  for (const answer of await Promise.allSettled(runs)) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ retriable: true });
  }
  // Whoever found a notification under way asked for another delivery.
  await until('all of them to be settled', async () => {
    const again = bench.notify({ sender: inbox })(...events);
    const failures = await again.then(
      ({ batchItemFailures }) => batchItemFailures.length,
      () => events.length,
    );
    return failures === 0 ? true : undefined;
  });
  for (const { data } of events) {
    const told = inbox.sent.filter(({ orderId }) => orderId === data.orderId);
    expect(channels(told)).toEqual(['email', 'sms']);
  }
});

test('while one invocation is sending, another leaves the notification for later', async () => {
  const started = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const inbox = createInbox(async () => {
    started.resolve();
    await answered.promise;
  });
  const [event, other] = [newEvent(), newEvent({}, { contact: undefined })];
  const first = bench.notify({ sender: inbox })(event);
  await started.promise;
  await until('both channels to be taken', async () => {
    const { email, sms } = await bench.recorded(event);
    return email?.status === 'sending' && sms?.status === 'sending' ? true : undefined;
  });
  expect(await bench.notify({ sender: inbox })(event, other)).toEqual(bench.failed(0));
  answered.resolve();
  expect(await first).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
});

test('a retriable failure of the earlier release is sent at the next delivery', async () => {
  const inbox = createInbox();
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  const [notification] = await bench.planOf(event);
  if (!notification) throw new Error('nothing is planned');
  const old = { status: 'failed', passing: true, reason: 'too many requests', attempts: 3 };
  await bench.dynamo.send(
    new PutCommand({
      TableName: bench.table,
      Item: { ...keyOf(notification), ...factsOf(notification, new Date()), ...old },
    }),
  );
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email']);
  const { email } = await bench.recorded(event);
  expect(email).toMatchObject({ status: 'sent', attempts: 4 });
  expect(email).not.toHaveProperty('reason');
});

test('a failure that passes soon is sent in the same invocation, each call on record', async () => {
  const inbox = createInbox();
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  const during: unknown[] = [];
  let failures = 2;
  const sender: Sender<Message> = {
    name: 'test',
    async send(message, signal) {
      during.push((await bench.recorded(event)).email?.status);
      if (failures-- > 0) return { success: false, retriable: true, reason: 'too many requests' };
      return inbox.send(message, signal);
    },
  };
  expect(await bench.notify({ sender })(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email']);
  expect(during).toEqual(['sending', 'sending', 'sending']);
  const { email } = await bench.recorded(event);
  expect(email).toMatchObject({ status: 'sent', attempts: 3, provider: 'test' });
  expect(email).not.toHaveProperty('reason');
});

test('an invocation that dies between two calls leaves the notification to be sent', async () => {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  const inbox = createInbox();
  const leasing = createLedger({ ...bench, clock: systemClock });
  const [notification] = await bench.planOf(event);
  if (!notification) throw new Error('nothing is planned');
  const lease = await leasing.lease(notification, laterBy(9_000).now());
  await leasing.hold(notification, String(lease?.id), 'too many', laterBy(9_000).now());
  expect(await bench.recorded(event)).toMatchObject({ email: { status: 'claimed' } });

  const soon = bench.notify({ sender: inbox });
  await expect(soon(event)).rejects.toMatchObject({ code: 'SEND_FAILED' });
  expect(inbox.sent).toEqual([]);
  const late = bench.notify({ sender: inbox, clock: laterBy(11_000) });
  expect(await late(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email']);
  // Whoever held it comes back too late.
  const back = leasing.resume(notification, String(lease?.id), laterBy(20_000).now());
  await expect(back).rejects.toMatchObject({ code: 'SEND_FAILED' });
});

test('a lease that is given back before its call counts no call, and is taken by whoever comes first', async () => {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  const inbox = createInbox();
  const ledger = createLedger({ ...bench, clock: systemClock });
  const [notification] = await bench.planOf(event);
  if (!notification) throw new Error('nothing is planned');
  const lease = await ledger.lease(notification, laterBy(9_000).now());
  // The second one stands for the SDK, which repeats a write whose answer was lost.
  const wait = { reason: 'no time left', until: laterBy(60_000).now() };
  for (const _ of [1, 2]) await ledger.release(notification, String(lease?.id), wait);
  const { email: waits } = await bench.recorded(event);
  expect(waits).toMatchObject({ status: 'deferred', reason: 'no time left', attempts: 0 });
  expect(waits).not.toHaveProperty('failingSince');
  await bench.sendDeferred({ sender: inbox, clock: laterBy(61_000) });
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email']);
  expect(await bench.recorded(event)).toMatchObject({ email: { status: 'sent', attempts: 1 } });
});

test('an event that comes again after its records have expired is not sent again', async () => {
  const created = newEvent();
  const shipped = newEvent({ type: 'ORDER_SHIPPED', sequence: 2 }, created.data);
  await bench.notify()(created, shipped);
  await bench.expireNotifications(created.data.orderId);
  const inbox = createInbox();
  const days = (count: number) => ({ sender: inbox, clock: laterBy(count * 24 * 3_600_000) });
  expect(await bench.notify(days(100))(created, shipped)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  const delivered = newEvent({ type: 'ORDER_DELIVERED', sequence: 3 }, created.data);
  expect(await bench.notify(days(100))(delivered)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
});

test('a write whose answer is lost, and that the SDK repeats, makes no difference', async () => {
  const inbox = createInbox();
  const twice = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const send = twice.send.bind(twice) as (command: unknown) => Promise<unknown>;
  const repeated = async (command: unknown) => {
    await send(command);
    return send(command);
  };
  const dynamo = Object.assign(twice, { send: repeated });
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  expect(await bench.notify({ sender: inbox, dynamo })(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email']);
  expect(await bench.recorded(event)).toMatchObject({
    email: { status: 'sent', attempts: 1 },
    sms: { status: 'skipped', reason: 'no address', attempts: 0 },
  });
  twice.destroy();
});

test('a failure that stays is not tried again', async () => {
  let calls = 0;
  const sender: Sender<Message> = {
    name: 'test',
    async send() {
      calls++;
      return { success: false, retriable: false, reason: 'no such recipient' };
    },
  };
  const notify = bench.notify({ sender });
  const event = newEvent();
  expect(await notify(event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(calls).toBe(2);
  const failed = { status: 'failed', reason: 'no such recipient', attempts: 1 };
  expect(await bench.recorded(event)).toMatchObject({ email: failed, sms: failed });
});

test('a lost answer is unknown and never sent again', async () => {
  const inbox = createInbox();
  const sender: Sender<Message> = {
    name: 'test',
    async send(message, signal) {
      await inbox.send(message, signal);
      throw new Error('socket hang up');
    },
  };
  const notify = bench.notify({ sender });
  const event = newEvent();
  expect(await notify(event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
  const unknown = { status: 'unknown', attempts: 1 };
  expect(await bench.recorded(event)).toMatchObject({ email: unknown, sms: unknown });
});

test('a notification that a killed invocation was sending becomes unknown when its lease is over', async () => {
  const gone = Promise.withResolvers<never>();
  const dead = createInbox(() => gone.promise);
  const event = newEvent();
  // Begun and not over before the test is, as when its process is killed during the call.
  const died = bench.notify({ sender: dead })(event);
  await until('both channels to be taken', async () => {
    const { email, sms } = await bench.recorded(event);
    return email && sms ? true : undefined;
  });

  const inbox = createInbox();
  const soon = bench.notify({ sender: inbox, clock: laterBy(5_000) });
  await expect(soon(event)).rejects.toMatchObject({ code: 'SEND_FAILED' });
  const late = bench.notify({ sender: inbox, clock: laterBy(11_000) });
  expect(await late(event)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  const unknown = { status: 'unknown', reason: expect.stringContaining('invocation ended') };
  expect(await bench.recorded(event)).toMatchObject({ email: unknown, sms: unknown });
  gone.reject(new Error('gone'));
  await died;
});

/** Somebody else finds the record of a lease abandoned, when the lease's time is over. */
async function abandoned() {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  const ledger = createLedger({ ...bench, clock: systemClock });
  const [notification] = await bench.planOf(event);
  if (!notification) throw new Error('nothing is planned');
  const lease = await ledger.lease(notification, laterBy(9_000).now());
  const inbox = createInbox();
  const late = bench.notify({ sender: inbox, clock: laterBy(11_000) });
  expect(await late(event)).toEqual(bench.failed());
  expect(await bench.recorded(event)).toMatchObject({ email: { status: 'unknown' } });
  expect(inbox.sent).toEqual([]);
  return { event, ledger, notification, lease: String(lease?.id) };
}

test('the outcome of the holder of the lease is stored even if the record is no longer `sending`', async () => {
  const { event, ledger, notification, lease } = await abandoned();
  await ledger.settle(notification, lease, { status: 'sent', messageId: 'm1', provider: 'late' });
  expect(await bench.recorded(event)).toMatchObject({
    email: { status: 'sent', messageId: 'm1', attempts: 1 },
  });
});

test.each(['putOff', 'release'] as const)(
  'a message that surely did not leave, as the holder of its lease knows, is sent later (%s)',
  async (way) => {
    const { event, ledger, notification, lease } = await abandoned();
    const until = laterBy(60_000).now();
    await ledger[way](notification, lease, { reason: 'away', until, failingSince: new Date() });
    expect(await bench.recorded(event)).toMatchObject({ email: { status: 'deferred' } });
    const inbox = createInbox();
    await bench.sendDeferred({ sender: inbox, clock: laterBy(61_000) });
    expect(channels(inbox.sent)).toEqual(['email']);
  },
);

test('a lease that somebody else has taken over notes nothing any more', async () => {
  const { event, ledger, notification, lease } = await abandoned();
  const wait = { reason: 'away', until: laterBy(60_000).now(), failingSince: new Date() };
  await ledger.putOff(notification, lease, wait);
  await bench.sendDeferred({ clock: laterBy(61_000) });
  expect(await bench.recorded(event)).toMatchObject({ email: { status: 'sent' } });
  await ledger.putOff(notification, lease, wait);
  await ledger.release(notification, lease, wait);
  await ledger.giveUp(notification, lease, 'away');
  await ledger.settle(notification, lease, { status: 'unknown', reason: 'late' });
  expect(await bench.recorded(event)).toMatchObject({ email: { status: 'sent', attempts: 2 } });
});
