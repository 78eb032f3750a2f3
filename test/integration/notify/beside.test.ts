import { randomUUID } from 'node:crypto';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createLedger } from '../../../lib/notification/ledger/ledger.ts';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { NOTIFICATION, orderPartition } from '../../../lib/table.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

const EMAIL = { email: 'ada@example.com' };
const PHONE = { phone: '+15550123' };

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** The channels of the items that an order's notifications take in the table. */
async function itemsOf({ data }: OrderEvent) {
  const query = new QueryCommand({
    TableName: bench.table,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    ExpressionAttributeValues: { ':pk': orderPartition(data.orderId), ':sk': NOTIFICATION },
    ConsistentRead: true,
  });
  const { Items = [] } = await bench.dynamo.send(query);
  return Items.map(({ channel }) => channel);
}

/** An order whose events are told, the oldest first. */
async function told(count: number, contact: object, customerId: string, joinsSkips = true) {
  const { data } = newEvent({}, { contact, customerId });
  const events = Array.from({ length: count }, (_, i) =>
    newEvent({ sequence: i + 1, timestamp: `2026-11-20T10:00:0${i}.000Z` }, data),
  );
  expect(await bench.notify({ joinsSkips })(...events)).toEqual(bench.failed());
  return events;
}

/** All entries of a list, read in pages of this size. */
async function all(query: Record<string, string>, limit: number) {
  const found: { eventId: string; channel: string; status: string }[] = [];
  const cursors = new Set<string>();
  let cursor: string | null = '';
  while (cursor !== null) {
    expect(cursors).not.toContain(cursor);
    cursors.add(cursor);
    const given = { ...query, limit: String(limit), ...(cursor && { cursor }) };
    const { body } = await bench.list(given);
    expect(body.data.length).toBeLessThanOrEqual(limit);
    found.push(...body.data);
    cursor = body.nextCursor;
  }
  return found.map(({ eventId, channel, status }) => `${eventId} ${channel} ${status}`);
}

test('the skip of an SMS without an address is noted on the record of the email, and listed as if it had its own', async () => {
  const [event] = await told(1, EMAIL, 'beside-listed');
  const { body } = await bench.list({ orderId: String(event?.data.orderId) });
  expect(await itemsOf(event as OrderEvent)).toEqual(['email']);
  const { eventId, orderId, type } = body.data[0];
  expect(body.data).toEqual([
    {
      ...{ eventId, orderId, type, channel: 'sms', to: null },
      ...{ status: 'skipped', reason: 'no address', attempts: 0, at: expect.any(String) },
    },
    expect.objectContaining({ eventId, channel: 'email', status: 'sent' }),
  ]);
});

test.each([1, 2, 3, 4, 5])(
  'pages of %d bring joined and separate skips once, newest event first',
  async (limit) => {
    const customerId = randomUUID();
    const joined = await told(3, EMAIL, customerId);
    const separate = await told(2, EMAIL, customerId, false);
    const expected = (events: OrderEvent[]) =>
      events.toReversed().flatMap(({ id }) => [`${id} sms skipped`, `${id} email sent`]);
    for (const events of [joined, separate]) {
      const orderId = String(events[0]?.data.orderId);
      expect(await all({ orderId }, limit)).toEqual(expected(events));
    }
    const found = await until('the index', async () => {
      const list = await all({ customerId }, limit);
      return list.length === 10 ? list : undefined;
    });
    expect(found.toSorted()).toEqual([...expected(joined), ...expected(separate)].toSorted());
  },
);

test('an event delivered again writes no second skip', async () => {
  const events = await told(1, EMAIL, 'beside-again');
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(...events)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  expect(await itemsOf(events[0] as OrderEvent)).toEqual(['email']);
});

test('a skip that another delivery of the event wrote as a record of its own is listed once', async () => {
  const [event] = (await told(1, EMAIL, 'beside-twice')) as [OrderEvent];
  // The other one had read the event's records before the email's was written.
  const ledger = createLedger({ ...bench, clock: systemClock });
  expect(await ledger.skip({ event, channel: 'sms', skip: 'no address' }, 'no address')).toBe(true);
  expect(await itemsOf(event)).toEqual(['email', 'sms']);
  for (const limit of [1, 2, 3]) {
    expect(await all({ orderId: event.data.orderId }, limit)).toEqual([
      `${event.id} sms skipped`,
      `${event.id} email sent`,
    ]);
  }
});

test('an email whose answer is lost keeps the skip, and so does one that is put off and sent later', async () => {
  const lost = newEvent({}, { contact: EMAIL });
  const breaking = createInbox(async () => {
    throw new Error('socket hang up');
  });
  await bench.notify({ sender: breaking })(lost);
  expect(await all({ orderId: lost.data.orderId }, 5)).toEqual([
    `${lost.id} sms skipped`,
    `${lost.id} email unknown`,
  ]);
  const late = newEvent({}, { contact: EMAIL });
  const away = async () => ({ success: false as const, retriable: true, reason: 'away' });
  await bench.notify({ sender: { name: 'away', send: away } })(late);
  expect(await itemsOf(late)).toEqual(['email']);
  const clock = { now: () => new Date(Date.now() + 120_000) };
  await bench.sendDeferred({ clock });
  expect(await all({ orderId: late.data.orderId }, 5)).toEqual([
    `${late.id} sms skipped`,
    `${late.id} email sent`,
  ]);
});

test.each([
  ['ada@example.com', 'bea@example.com'],
  ['bea@example.com', 'ada@example.com'],
])('an email of an event that moves from %s to %s has the skip listed once', async (old, email) => {
  const customerId = randomUUID();
  const event = newEvent({}, { contact: { email: old }, customerId });
  const away = async () => ({ success: false as const, retriable: true, reason: 'away' });
  await bench.notify({ sender: { name: 'away', send: away } })(event);
  await bench.customers.save(customerId, { ...DEFAULTS, contact: { email } }, undefined);
  await bench.notify()(event);
  expect(await itemsOf(event)).toEqual(['email', 'email']);
  const expected = ['email sent', 'email skipped', 'sms skipped'].map((it) => `${event.id} ${it}`);
  for (const limit of [1, 2, 3, 4]) {
    const listed = await all({ orderId: event.data.orderId }, limit);
    expect(listed.toSorted()).toEqual(expected);
    await until('the index', async () => {
      const found = await all({ customerId }, limit);
      return found.toSorted().join() === expected.join() || undefined;
    });
  }
});

test('a phone that is given between two deliveries gets its SMS', async () => {
  const event = newEvent({}, { contact: EMAIL, customerId: 'beside-phone' });
  await bench.notify()(event);
  const contact = { ...EMAIL, ...PHONE };
  await bench.customers.save('beside-phone', { ...DEFAULTS, contact }, undefined);
  const inbox = createInbox();
  await bench.notify({ sender: inbox })(event);
  expect(inbox.sent.map(({ channel }) => channel)).toEqual(['sms']);
  const expected = ['email sent', 'sms sent', 'sms skipped'].map((it) => `${event.id} ${it}`);
  for (const limit of [1, 2, 3, 4]) {
    expect((await all({ orderId: event.data.orderId }, limit)).toSorted()).toEqual(expected);
  }
});

test('other skips have records of their own: of an email, and where nothing is sent', async () => {
  const [sms] = await told(1, PHONE, 'beside-sms');
  expect(await itemsOf(sms as OrderEvent)).toEqual(['email', 'sms']);
  const nobody = newEvent({}, { contact: undefined });
  await bench.notify()(nobody);
  expect(await itemsOf(nobody)).toEqual(['email', 'sms']);
});
