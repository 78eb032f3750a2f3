import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { DEFAULTS, type Preferences } from '../../../lib/notification/preferences/preferences.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after, inMinutes, quiet } from './quiet-hours.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** A customer of a test's own in the middle of quiet hours, with an order. */
async function sleeper(change: Partial<Preferences> = {}) {
  const customerId = randomUUID();
  await bench.customers.save(customerId, { ...quiet, ...change }, undefined);
  const data = newEvent({}, { customerId }).data;
  return {
    customerId,
    event: (sequence: number, type: OrderEvent['type'] = 'ORDER_UPDATED') =>
      newEvent({ sequence, type }, data),
  };
}

const sms = (inbox: ReturnType<typeof createInbox>, { data }: OrderEvent) =>
  inbox.sent.filter(({ channel, orderId }) => channel === 'sms' && orderId === data.orderId);

test('in quiet hours the email goes and the SMS waits until they end, then it goes once', async () => {
  const { event } = await sleeper();
  const created = event(1, 'ORDER_CREATED');
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(created)).toEqual(bench.failed());
  expect(inbox.sent.map(({ channel }) => channel)).toEqual(['email']);
  const { email, sms: deferred } = await bench.recorded(created);
  expect(email).toMatchObject({ status: 'sent' });
  expect(deferred).toMatchObject({
    status: 'deferred',
    to: '+******23',
    attempts: 0,
    reason: expect.stringMatching(/^quiet hours until \d{4}-.+Z$/),
  });

  await bench.sendDeferred({ sender: inbox, clock: after(50) });
  expect(sms(inbox, created)).toEqual([]);
  await Promise.all(
    [61, 61, 62].map((at) => bench.sendDeferred({ sender: inbox, clock: after(at) })),
  );
  await bench.sendDeferred({ sender: inbox, clock: after(100) });
  expect(sms(inbox, created)).toHaveLength(1);
  const { sms: sent } = await bench.recorded(created);
  expect(sent).toMatchObject({ status: 'sent', attempts: 1, messageId: expect.any(String) });
  for (const gone of ['event', 'deferredShard', 'deferredUntil', 'reason']) {
    expect(sent).not.toHaveProperty(gone);
  }
});

test('a cancellation is sent at once', async () => {
  const { event } = await sleeper();
  const cancelled = event(2, 'ORDER_CANCELLED');
  const inbox = createInbox();
  await bench.notify({ sender: inbox })(cancelled);
  expect(sms(inbox, cancelled)).toHaveLength(1);
});

test('an event that comes again while it waits still waits, and is sent once', async () => {
  const { event } = await sleeper();
  const created = event(1, 'ORDER_CREATED');
  const inbox = createInbox();
  await bench.notify({ sender: inbox })(created, created);
  await bench.notify({ sender: inbox })(created);
  expect((await bench.recorded(created)).sms).toMatchObject({ status: 'deferred' });
  // Delivered again when quiet hours are over: whoever comes first sends it.
  await bench.notify({ sender: inbox, clock: after(61) })(created);
  await bench.sendDeferred({ sender: inbox, clock: after(62) });
  expect(inbox.sent.map(({ channel }) => channel).toSorted()).toEqual(['email', 'sms']);
});

test('a superseded event is skipped, even if the later event still waits', async () => {
  const { event } = await sleeper();
  const [shipped, delivered] = [event(2, 'ORDER_SHIPPED'), event(3, 'ORDER_DELIVERED')];
  const inbox = createInbox();
  await bench.notify({ sender: inbox })(shipped, delivered);
  await bench.sendDeferred({ sender: inbox, clock: after(61) });
  expect(sms(inbox, shipped)).toMatchObject([{ text: expect.stringContaining('has arrived') }]);
  expect((await bench.recorded(shipped)).sms).toMatchObject({
    status: 'skipped',
    reason: 'superseded',
    to: '+******23',
  });
});

test('an event that is skipped on all channels supersedes no other', async () => {
  const off = { ...DEFAULTS.events.ORDER_CREATED, email: false, sms: false };
  const { event } = await sleeper({ events: { ...DEFAULTS.events, ORDER_UPDATED: off } });
  const [created, updated] = [event(1, 'ORDER_CREATED'), event(2)];
  const inbox = createInbox();
  await bench.notify({ sender: inbox })(created, updated);
  await bench.sendDeferred({ sender: inbox, clock: after(61) });
  expect(sms(inbox, created)).toHaveLength(1);
});

test('preferences that change meanwhile count: switched off, another address, later hours', async () => {
  const [first, second, third] = [await sleeper(), await sleeper(), await sleeper()];
  const inbox = createInbox();
  const events = [first, second, third].map(({ event }) => event(1, 'ORDER_CREATED'));
  await bench.notify({ sender: inbox })(...events);
  const off = {
    ...DEFAULTS.events,
    ORDER_CREATED: { ...DEFAULTS.events.ORDER_CREATED, email: true, sms: false },
  };
  await bench.customers.save(first.customerId, { ...quiet, events: off }, undefined);
  const contact = { phone: '+15550177' };
  await bench.customers.save(second.customerId, { ...quiet, contact }, undefined);
  const later = { from: quiet.quietHours?.from ?? '', to: inMinutes(120) };
  await bench.customers.save(third.customerId, { ...quiet, quietHours: later }, undefined);

  await bench.sendDeferred({ sender: inbox, clock: after(61) });
  const [one, two, three] = events as [OrderEvent, OrderEvent, OrderEvent];
  expect(sms(inbox, one)).toEqual([]);
  expect((await bench.recorded(one)).sms).toMatchObject({
    status: 'skipped',
    reason: 'switched off',
  });
  expect(sms(inbox, two)).toMatchObject([{ to: '+15550177' }]);
  const { body } = await bench.list({ orderId: two.data.orderId });
  const told = body.data.filter(({ channel }: { channel: string }) => channel === 'sms');
  expect(told).toHaveLength(2);
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ to: '+******23', status: 'skipped', reason: 'address changed' }),
      expect.objectContaining({ to: '+******77', status: 'sent' }),
    ]),
  );
  expect((await bench.recorded(three)).sms).toMatchObject({ status: 'deferred' });
  await bench.sendDeferred({ sender: inbox, clock: after(121) });
  expect(sms(inbox, three)).toHaveLength(1);
});

test('a notification that a killed run was sending becomes unknown, and is not sent again', async () => {
  const { event } = await sleeper();
  const created = event(1, 'ORDER_CREATED');
  await bench.notify()(created);
  const over = Promise.withResolvers<void>();
  const dead = createInbox(() => over.promise);
  // As when its process is killed during the call.
  const dying = bench.sendDeferred({ sender: dead, clock: after(61) });
  await until('the SMS to be taken', async () =>
    (await bench.recorded(created)).sms?.status === 'sending' ? true : undefined,
  );
  const inbox = createInbox();
  await bench.sendDeferred({ sender: inbox, clock: after(65) });
  expect(sms(inbox, created)).toEqual([]);
  expect((await bench.recorded(created)).sms).toMatchObject({ status: 'unknown', attempts: 1 });
  expect((await bench.recorded(created)).sms).not.toHaveProperty('deferredUntil');
  over.resolve();
  await dying;
});

test('one that goes wrong does not stop the others', async () => {
  const [bad, good] = [await sleeper(), await sleeper()];
  const events = [bad.event(1), good.event(1)] as const;
  await bench.notify()(...events);
  const inbox = createInbox();
  const sender: Sender<Message> = {
    name: 'picky',
    async send(message, signal) {
      if (message.orderId !== events[0].data.orderId) return inbox.send(message, signal);
      return { success: false, retriable: true, reason: 'too many requests' };
    },
  };
  const report = await bench.sendDeferred({ sender, clock: after(61) });
  expect(report).toMatchObject({ failed: 1, done: true });
  expect(sms(inbox, events[1])).toHaveLength(1);
});

test('an address that changed waits for itself when its provider fails', async () => {
  const { event, customerId } = await sleeper();
  const created = event(1, 'ORDER_CREATED');
  await bench.notify()(created);
  const contact = { phone: '+15550177' };
  await bench.customers.save(customerId, { ...quiet, contact }, undefined);
  let calls = 0;
  const sender: Sender<Message> = {
    name: 'failing',
    async send({ channel, orderId }) {
      if (channel === 'sms' && orderId === created.data.orderId) calls += 1;
      return { success: false, retriable: channel === 'sms', reason: 'too many requests' };
    },
  };
  for (const minutes of [61, 61.5, 62.5]) {
    await bench.sendDeferred({ sender, clock: after(minutes) });
  }
  // The second look is before its pause of a minute is over.
  expect(calls).toBe(2);
  const { body } = await bench.list({ orderId: created.data.orderId });
  const states = body.data.map(({ to, status, reason }: Record<string, string>) => {
    return `${to} ${status}: ${reason}`;
  });
  expect(states).toEqual(
    expect.arrayContaining([
      '+******23 skipped: address changed',
      '+******77 deferred: too many requests',
    ]),
  );
});
