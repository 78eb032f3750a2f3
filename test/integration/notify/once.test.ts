import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
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
