import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const long = (length: number) => 'x'.repeat(length);
const items = (count: number) =>
  Array.from({ length: count }, () => ({ productId: long(120), quantity: 1, price: 1 }));

/** The event goes to the dead letters, is acknowledged, and no message is sent. */
async function expectDeadLetter(value: unknown) {
  const inbox = createInbox();
  const other = newEvent();
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const answer = await bench.notify({ sender: inbox })({ key: 'odd', value: text }, other);
  expect(answer).toEqual(bench.failed());
  expect(inbox.sent.map(({ orderId }) => orderId)).toEqual([
    other.data.orderId,
    other.data.orderId,
  ]);
}

test.each([
  ['a number', '5'],
  ['a text', '"ORDER_CREATED"'],
  ['a list', '[{}]'],
  ['null', 'null'],
  ['true', 'true'],
  ['nothing', ''],
  ['sequence 0', newEvent({ sequence: 0 })],
  ['a sequence below 0', newEvent({ sequence: -1 })],
  ['half a sequence', newEvent({ sequence: 1.5 })],
  ['a sequence as text', { ...newEvent(), sequence: '1' }],
  [
    'a sequence that no number holds',
    JSON.stringify(newEvent()).replace('"sequence":1', '"sequence":1e999'),
  ],
  [
    'a sequence that a number rounds',
    JSON.stringify(newEvent()).replace('"sequence":1', '"sequence":9007199254740993'),
  ],
  ['a day that no month has', newEvent({ timestamp: '2026-02-30T10:00:00.000Z' })],
  ['a time without a zone', newEvent({ timestamp: '2026-02-20T10:00:00.000' })],
  ['a time to the minute', newEvent({ timestamp: '2026-11-20T10:00Z' })],
  ['an empty id', newEvent({ id: '' })],
  ['an empty order id', newEvent({}, { orderId: '' })],
  ['no items', newEvent({}, { items: [] })],
  ['a contact as text', { ...newEvent(), data: { ...newEvent().data, contact: 'ada' } }],
  ['an id longer than any key', newEvent({ id: long(1_000) })],
  ['an order id longer than any key', newEvent({}, { orderId: long(3_000) })],
  ['a customer id longer than any key', newEvent({}, { customerId: long(3_000) })],
  ['an id of many bytes', newEvent({ id: 'ü'.repeat(500) })],
  ['more items than a record holds', newEvent({}, { items: items(4_000) })],
  ['900 KB that are no event', { id: long(900_000) }],
])('an event with %s goes to the dead letters', (_, value) => expectDeadLetter(value));

test.each([
  ['unknown fields', { ...newEvent(), note: [[{}]], __proto__: { a: 1 } }],
  ['a time of the future', newEvent({ timestamp: '9999-12-31T23:59:59.999999999Z' })],
  ['a time before all others', newEvent({ timestamp: '0000-01-01T00:00:00Z' })],
  ['the largest sequence', newEvent({ sequence: Number.MAX_SAFE_INTEGER })],
  ['a gap before it', newEvent({ sequence: 7 })],
  ['a customer of another alphabet', newEvent({}, { customerId: 'Ада 🙂 \n#' })],
  ['an order of another alphabet', newEvent({}, { orderId: 'заказ #1 🙂' })],
  ['half a character', newEvent({}, { customerId: '\ud800' })],
  ['a large total', newEvent({}, { totalAmount: 1e308 })],
  ['many items', newEvent({}, { items: items(1_000) })],
])('an event with %s is sent', async (_, event) => {
  const inbox = createInbox();
  const { orderId } = event.data;
  const record = { key: 'not the order', value: JSON.stringify(event) };
  const notify = bench.notify({ sender: inbox });
  expect(await notify(record)).toEqual(bench.failed());
  expect(await notify({ ...record, key: null })).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
  const { body } = await bench.list({ customerId: event.data.customerId, limit: '100' });
  if (/^[\w@:.-]+$/.test(event.data.customerId)) {
    expect(body.data.map((one: { orderId: string }) => one.orderId)).toContain(orderId);
  }
});

/** A customer in the middle of quiet hours. */
async function sleeper(customerId: string) {
  const now = Date.now();
  const clockAt = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  const quietHours = { from: clockAt(now - 3_600_000), to: clockAt(now + 3_600_000) };
  await bench.customers.save(customerId, { ...DEFAULTS, quietHours }, undefined);
  return { customerId, morning: { now: () => new Date(now + 7_500_000) } };
}

test('many items can wait', async () => {
  const { customerId, morning } = await sleeper('sleeps');
  const event = newEvent({}, { customerId, items: items(1_000) });
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect((await bench.recorded(event)).sms).toMatchObject({ status: 'deferred' });
  await bench.sendDeferred({ sender: inbox, clock: morning });
  expect(inbox.sent).toHaveLength(2);
});

test('waiting records are listed completely, even if they are more than DynamoDB reads at once', async () => {
  const { customerId } = await sleeper('sleeps long');
  const { data } = newEvent({}, { customerId, items: items(1_500) });
  const events = [1, 2, 3, 4, 5, 6].map((sequence) => newEvent({ sequence }, data));
  expect(await bench.notify()(...events)).toEqual(bench.failed());
  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { orderId: data.orderId, limit: '100', ...(cursor && { cursor }) };
    const { status, body } = await bench.list(query);
    expect(status).toBe(200);
    for (const { eventId, channel } of body.data) listed.push(`${eventId} ${channel}`);
    cursor = body.nextCursor ?? undefined;
  } while (cursor);
  const expected = events.flatMap(({ id }) => [`${id} email`, `${id} sms`]);
  expect(listed.toSorted()).toEqual(expected.toSorted());
});

test('two events of an order in reverse in one batch: the older one is not sent', async () => {
  const created = newEvent();
  const updated = newEvent({ type: 'ORDER_UPDATED', sequence: 2 }, created.data);
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(updated, created)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
  expect((await bench.recorded(created)).email).toMatchObject({ reason: 'superseded' });
});

test('an id that comes again with another body is sent with the first body only', async () => {
  const first = newEvent();
  const other = newEvent({ id: first.id, type: 'ORDER_CANCELLED' }, first.data);
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(first, other)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
});

test('a customer with a time zone that no longer exists gets messages, by UTC', async () => {
  const timeZone = 'IST';
  const quietHours = { from: '00:00', to: '23:59' };
  await bench.customers
    .save('old zone', { ...DEFAULTS, timeZone, quietHours }, undefined)
    .catch(() => 0);
  const inbox = createInbox();
  const event = newEvent({}, { customerId: 'old zone' });
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent.map(({ channel }) => channel)).toContain('email');
  expect(await bench.customers.find('old zone')).toMatchObject({ timeZone: 'UTC', quietHours });
});
