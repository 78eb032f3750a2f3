import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Message, Sender } from '../../../lib/notification/channels.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, orderEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const never = new Promise<never>(() => undefined);
const laterBy = (ms: number) => ({ now: () => new Date(Date.now() + ms) });
const channels = (messages: Message[]) => messages.map(({ channel }) => channel).sort();

test('an event that comes twice is told once', async () => {
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox });
  const event = orderEvent();
  expect(await notify(event, event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
});

test('an event that comes twice at the same time is told once', async () => {
  const inbox = createInbox();
  const events = Array.from({ length: 10 }, () => orderEvent());
  const runs = Array.from({ length: 4 }, () => bench.notify({ sender: inbox })(...events));
  for (const answer of await Promise.allSettled(runs)) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ retriable: true });
  }
  // Whoever found a notification under way asked for another delivery: by now it is settled.
  expect(await bench.notify({ sender: inbox })(...events)).toEqual(bench.failed());
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
  const [event, other] = [orderEvent(), orderEvent({}, { contact: undefined })];
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

test('a failure that passes is sent at the next delivery, and the other channel not again', async () => {
  const inbox = createInbox();
  let failures = 1;
  const sender: Sender = {
    name: 'test',
    async send(message, signal) {
      if (message.channel === 'sms' && failures-- > 0) {
        return { success: false, passing: true, reason: 'too many requests' };
      }
      return inbox.send(message, signal);
    },
  };
  const notify = bench.notify({ sender });
  const [event, other] = [orderEvent(), orderEvent({}, { contact: undefined })];
  expect(await notify(event, other)).toEqual(bench.failed(0));
  expect((await bench.recorded(event)).sms).toMatchObject({
    status: 'failed',
    reason: 'too many requests',
    attempts: 1,
  });

  expect(await notify(event, other)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
  const { email, sms } = await bench.recorded(event);
  expect(email).toMatchObject({ status: 'sent', attempts: 1 });
  expect(sms).toMatchObject({ status: 'sent', attempts: 2 });
  expect(sms).not.toHaveProperty('reason');
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
  const event = orderEvent({}, { contact: { email: 'ada@example.com' } });
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
  const sender: Sender = {
    name: 'test',
    async send() {
      calls++;
      return { success: false, passing: false, reason: 'no such recipient' };
    },
  };
  const notify = bench.notify({ sender });
  const event = orderEvent();
  expect(await notify(event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(calls).toBe(2);
  const failed = { status: 'failed', reason: 'no such recipient', attempts: 1 };
  expect(await bench.recorded(event)).toMatchObject({ email: failed, sms: failed });
});

test('a lost answer is unknown and never sent again', async () => {
  const inbox = createInbox();
  const sender: Sender = {
    name: 'test',
    async send(message, signal) {
      await inbox.send(message, signal);
      throw new Error('socket hang up');
    },
  };
  const notify = bench.notify({ sender });
  const event = orderEvent();
  expect(await notify(event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(channels(inbox.sent)).toEqual(['email', 'sms']);
  const unknown = { status: 'unknown', attempts: 1 };
  expect(await bench.recorded(event)).toMatchObject({ email: unknown, sms: unknown });
});

test('what a dead invocation was sending becomes unknown when its time is over', async () => {
  const dead = createInbox(() => never);
  const event = orderEvent();
  // Begun and never over, as when its process is killed during the call.
  bench.notify({ sender: dead })(event);
  await until('both channels to be taken', async () => {
    const { email, sms } = await bench.recorded(event);
    return email && sms ? true : undefined;
  });

  const inbox = createInbox();
  const soon = bench.notify({ sender: inbox, clock: laterBy(30_000) });
  await expect(soon(event)).rejects.toMatchObject({ code: 'SEND_FAILED' });
  const late = bench.notify({ sender: inbox, clock: laterBy(62_000) });
  expect(await late(event)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  const unknown = { status: 'unknown', reason: expect.stringContaining('invocation ended') };
  expect(await bench.recorded(event)).toMatchObject({ email: unknown, sms: unknown });
});
