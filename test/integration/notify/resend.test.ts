import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Clock } from '../../../lib/clock.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { sls } from '../../support/sls.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

const MINUTE = 60_000;
const HOURS = 60;
const DAYS = 24 * HOURS;
/** Six days after the first failure in the morning. */
const GIVEN_UP = 6 * DAYS + 2 * HOURS;

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
  const clockAt = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const [from, to] = [clockAt(Date.now() - HOURS * MINUTE), clockAt(Date.now() + HOURS * MINUTE)];
  await bench.customers.save('sleeper', { ...DEFAULTS, quietHours: { from, to } }, undefined);
});

afterAll(() => bench.close());

function after(minutes: number): Clock {
  return { now: () => new Date(Date.now() + minutes * MINUTE) };
}

const away: Sender<Message> = {
  name: 'away',
  send: async ({ channel }) => ({ success: false, retriable: channel === 'sms', reason: 'away' }),
};

/** SMS that waited through the night, and then through an outage that was too long. */
async function givenUp(...events: OrderEvent[]) {
  await bench.notify({ sender: away })(...events);
  for (const minutes of [HOURS + 1, HOURS + 3, GIVEN_UP]) {
    await bench.sendDeferred({ sender: away, clock: after(minutes) });
  }
  for (const event of events) {
    expect((await bench.recorded(event)).sms).toMatchObject({ status: 'failed', attempts: 3 });
  }
}

const eventOf = (given: Partial<OrderEvent> = {}, data: Partial<OrderEvent['data']> = {}) =>
  newEvent(given, { customerId: 'sleeper', ...data });

async function resend(options: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await sls(['resend', ...options], {
    KAFKA_BROKERS: bench.brokers.join(','),
    DYNAMODB_ENDPOINT: bench.dynamoEndpoint,
    ORDERS_TABLE: bench.table,
    ...env,
  });
  return { code, text: stdout + stderr };
}

/** The SMS of a run of `sendDeferred` once the provider is back. */
async function told() {
  const inbox = createInbox();
  await bench.sendDeferred({ sender: inbox, clock: after(GIVEN_UP + HOURS) });
  return inbox.sent.filter(({ channel }) => channel === 'sms').map(({ orderId }) => orderId);
}

test('notifications that were given up are shown, put back one by one or together, and sent once', async () => {
  const [first, second, third] = [eventOf(), eventOf(), eventOf()] as const;
  const [one, two, three] = [first, second, third].map(({ data }) => data.orderId);
  await givenUp(first, second, third);
  expect(await told()).toEqual([]);

  const shown = await resend([]);
  expect(shown).toMatchObject({ code: 0 });
  for (const id of [one, two, three]) expect(shown.text).toContain(`${id}  ORDER_CREATED  sms  3 `);
  expect(shown.text).toContain(
    `Dry run: 3 notifications of table ${bench.table} would be sent again. Add --yes`,
  );
  expect(shown.text).not.toContain('15550123');
  expect(await told()).toEqual([]);

  expect((await resend(['--order', String(one), '--yes'])).text).toContain(
    'Put back 1 notifications of',
  );
  expect(await told()).toEqual([one]);
  expect((await bench.recorded(first)).sms).toMatchObject({ status: 'sent', attempts: 4 });

  const day = (days: number) => new Date(Date.now() + days * DAYS * MINUTE).toISOString();
  const before = await resend(['--from', day(1), '--to', day(5), '--yes']);
  expect(before.text).toContain('Put back 0 notifications of');
  const within = await resend(['--from', day(5), '--to', day(8), '--yes']);
  expect(within.text).toContain('Put back 2 notifications of');
  expect((await told()).toSorted()).toEqual([two, three].toSorted());
  expect((await resend(['--all', '--yes'])).text).toContain('Put back 0 notifications of');
  expect(await told()).toEqual([]);
});

test('a notification that is put back has six new days', async () => {
  const event = eventOf();
  await givenUp(event);
  await resend(['--all', '--yes']);
  const state = async (minutes: number) => {
    await bench.sendDeferred({ sender: away, clock: after(minutes) });
    return (await bench.recorded(event)).sms;
  };
  expect(await state(GIVEN_UP + HOURS)).toMatchObject({ status: 'deferred', attempts: 4 });
  expect(await state(GIVEN_UP + 5 * DAYS)).toMatchObject({ status: 'deferred', attempts: 5 });
  expect(await state(GIVEN_UP + 7 * DAYS)).toMatchObject({ status: 'failed', attempts: 6 });
});

test('a superseded notification is not sent', async () => {
  const created = eventOf();
  await givenUp(created);
  const cancelled = eventOf({ type: 'ORDER_CANCELLED', sequence: 2 }, created.data);
  await bench.notify()(cancelled);
  await resend(['--order', created.data.orderId, '--yes']);
  expect(await told()).toEqual([]);
  expect((await bench.recorded(created)).sms).toMatchObject({
    status: 'skipped',
    reason: 'superseded',
  });
});

test('an order of a foreign producer is shown without control characters', async () => {
  await givenUp(eventOf({}, { orderId: 'a\u001b[2J\r\n\u009b1A\u202eb' }));
  const { text } = await resend([]);
  expect(text).toContain('a [2J 1A b  ORDER_CREATED  sms  3 ');
  expect(text).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
});

test('a mistake, and a table that does not answer, are reported without a stack', async () => {
  const mistake = await resend(['--yes']);
  expect(mistake).toMatchObject({ code: 1, text: expect.stringContaining('Use --all, --order') });
  const gone = await resend([], { DYNAMODB_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
  expect(gone).toMatchObject({ code: 1, text: expect.stringContaining('npm start') });
  for (const { text } of [mistake, gone]) expect(text).not.toMatch(/^ +at /m);
});
