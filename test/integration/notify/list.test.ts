import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { notificationSchema } from '../../../lib/notification/ledger/entry.ts';
import { EVENT_TYPES } from '../../../lib/order-event.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** All pages of a list, and how long each was. */
async function pages(query: Record<string, string>) {
  const lengths: number[] = [];
  const data: Record<string, unknown>[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { status, body } = await bench.list({ ...query, ...(cursor && { cursor }) });
    expect(status).toBe(200);
    lengths.push(body.data.length);
    data.push(...body.data);
    cursor = body.nextCursor;
  }
  return { data, lengths };
}

/** An order; the messages of all its events are sent. */
async function toldOrder(customerId: string, hour: number) {
  const { data } = newEvent({}, { customerId });
  const events = EVENT_TYPES.map((type, i) => {
    const timestamp = `2026-11-20T${String(hour).padStart(2, '0')}:00:0${i}.000Z`;
    return newEvent({ type, sequence: i + 1, timestamp }, data);
  });
  expect(await bench.notify()(...events)).toEqual(bench.failed());
  return { orderId: data.orderId, ids: events.map(({ id }) => id).toReversed() };
}

const idsOf = (data: Record<string, unknown>[]) => [...new Set(data.map(({ eventId }) => eventId))];

test('an order has its notifications, newest event first, each in the shape of the contract', async () => {
  const { orderId, ids } = await toldOrder(randomUUID(), 9);
  const { body } = await bench.list({ orderId });
  expect(body).toMatchObject({ success: true, nextCursor: null });
  expect(body.data).toHaveLength(10);
  expect(idsOf(body.data)).toEqual(ids);
  for (const entry of body.data) expect(notificationSchema.parse(entry)).toEqual(entry);
  const [sms, email] = body.data;
  expect([sms, email]).toEqual([
    {
      eventId: ids[0],
      orderId,
      type: 'ORDER_CANCELLED',
      channel: 'sms',
      to: '+******23',
      status: 'sent',
      attempts: 1,
      messageId: expect.stringMatching(/^mock-/),
      at: expect.any(String),
    },
    expect.objectContaining({
      channel: 'email',
      to: 'a***@example.com',
      subject: `Your order ${orderId} has been cancelled`,
    }),
  ]);
  expect(JSON.stringify(body)).not.toMatch(/ada@|15550123/);
});

test.each([1, 3, 10])(
  'pages of %d bring every notification once, and end without an empty one',
  async (limit) => {
    const customerId = randomUUID();
    const orders = [await toldOrder(customerId, 9), await toldOrder(customerId, 10)];
    await until('the index', async () => {
      const { body } = await bench.list({ customerId, limit: '100' });
      return body.data.length === 20 ? true : undefined;
    });
    const ofCustomer = await pages({ customerId, limit: String(limit) });
    const expected = orders.toReversed().flatMap(({ ids }) => ids);
    expect(ofCustomer.data).toHaveLength(20);
    expect(idsOf(ofCustomer.data)).toEqual(expected);
    expect(ofCustomer.lengths.every((length) => length > 0)).toBe(true);
    const ofOrder = await pages({ orderId: orders[0]?.orderId ?? '', limit: String(limit) });
    expect(ofOrder.data).toHaveLength(10);
    expect(ofOrder.lengths.every((length) => length > 0)).toBe(true);
  },
);

test('a notification that was not sent is listed with its reason', async () => {
  const customerId = randomUUID();
  const skipped = newEvent({}, { customerId, contact: { email: 'ada@example.com' } });
  const failing: Sender<Message> = {
    name: 'failing',
    send: async () => ({ success: false, retriable: false, reason: 'no such mailbox' }),
  };
  await bench.notify({ sender: failing })(skipped);
  const { body } = await bench.list({ orderId: skipped.data.orderId });
  expect(body.data).toMatchObject([
    { channel: 'sms', to: null, status: 'skipped', reason: 'no address', attempts: 0 },
    { channel: 'email', status: 'failed', reason: 'no such mailbox', attempts: 1 },
  ]);
});

test('a call under way is unknown, and so is one whose caller has died', async () => {
  const answered = Promise.withResolvers<void>();
  const hanging = createInbox(() => answered.promise);
  const event = newEvent({}, { contact: { phone: '+15550123' } });
  const running = bench.notify({ sender: hanging })(event);
  const later = { now: () => new Date(Date.now() + 3_600_000) };
  const listed = (clock?: typeof later) => bench.list({ orderId: event.data.orderId }, clock);
  const [sms] = await until('the SMS to be taken', async () => {
    const { body } = await listed();
    return body.data[0]?.status === 'unknown' ? body.data : undefined;
  });
  expect(sms).toMatchObject({ reason: 'the provider is being called', attempts: 1 });
  const { body } = await listed(later);
  expect(body.data[0]).toMatchObject({
    status: 'unknown',
    reason: 'the invocation ended during the call to the provider',
  });
  answered.resolve();
  await running;
});

test('an order or a customer without any has an empty list', async () => {
  for (const query of [{ orderId: 'none' }, { customerId: 'none' }] as Record<string, string>[]) {
    const { status, body } = await bench.list(query);
    expect([status, body]).toEqual([200, { success: true, data: [], nextCursor: null }]);
  }
});

test.each([
  [{}, 'orderId'],
  [{ orderId: 'o', customerId: 'c' }, 'orderId'],
  [{ orderId: 'o', limit: '0' }, 'limit'],
  [{ orderId: 'o', limit: '101' }, 'limit'],
  [{ orderId: 'ö' }, 'orderId'],
  [{ customerId: '' }, 'customerId'],
  [{ orderId: 'o', cursor: 'garbage' }, 'cursor'],
  [{ orderId: 'o', colour: 'red' }, 'colour'],
])('the query %j is refused at %s', async (query, path) => {
  const reply = await bench.list(query as Record<string, string>);
  expect(reply.status).toBe(422);
  expect(reply.body.errors.map((fault: { path: string }) => fault.path)).toEqual([path]);
});

test('a cursor is good for its own list alone', async () => {
  const customerId = randomUUID();
  const { orderId } = await toldOrder(customerId, 9);
  const { body } = await bench.list({ orderId, limit: '1' });
  expect(body.nextCursor).not.toContain(orderId);
  const others: Record<string, string>[] = [
    { orderId: 'other' },
    { customerId: orderId },
    { customerId },
  ];
  for (const query of others) {
    const reply = await bench.list({ ...query, cursor: body.nextCursor });
    expect([reply.status, reply.body.errors?.[0]?.path]).toEqual([422, 'cursor']);
  }
});
