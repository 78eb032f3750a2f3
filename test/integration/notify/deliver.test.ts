import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EVENT_TYPES } from '../../../lib/order-event.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

describe.each(EVENT_TYPES)('%s', (type) => {
  test('gives one email and one SMS, both on record', async () => {
    const inbox = createInbox();
    const event = newEvent({ type });
    expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());

    const { orderId } = event.data;
    expect(inbox.sent).toHaveLength(2);
    expect(inbox.sent).toContainEqual(
      expect.objectContaining({ channel: 'email', to: 'ada@example.com', orderId }),
    );
    expect(inbox.sent).toContainEqual(
      expect.objectContaining({ channel: 'sms', to: '+15550123', orderId }),
    );
    const { email, sms } = await bench.recorded(event);
    const facts = { eventId: event.id, orderId, customerId: 'ada', type, status: 'sent' };
    const provided = { attempts: 1, messageId: expect.stringMatching(/^mock-/) };
    expect(email).toMatchObject({ ...facts, ...provided, to: 'a***@example.com' });
    expect(email?.subject).toContain(orderId);
    expect(sms).toMatchObject({ ...facts, ...provided, to: '+******23' });
    expect(JSON.stringify([email, sms])).not.toMatch(/ada@example|15550123/);
  });
});

test('a customer without an address is skipped on record', async () => {
  const inbox = createInbox();
  const event = newEvent({}, { contact: undefined });
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  const skipped = { status: 'skipped', reason: 'no address', attempts: 0 };
  expect(await bench.recorded(event)).toMatchObject({ email: skipped, sms: skipped });
});

test('a contact with an email alone gets the email alone', async () => {
  const inbox = createInbox();
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  await bench.notify({ sender: inbox })(event);
  expect(inbox.sent).toMatchObject([{ channel: 'email' }]);
  expect(await bench.recorded(event)).toMatchObject({
    email: { status: 'sent' },
    sms: { status: 'skipped', reason: 'no address' },
  });
});

test('where a fallback is configured, a customer without contact gets its addresses', async () => {
  const inbox = createInbox();
  const fallback = { emailDomain: 'example.com', phone: '+15550100' };
  await bench.notify({ sender: inbox, fallback })(newEvent({}, { contact: undefined }));
  expect(inbox.sent.map(({ to }) => to).sort()).toEqual(['+15550100', 'ada@example.com']);
});

test('an event that comes after a later event of its order is not sent', async () => {
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox });
  const delivered = newEvent({ type: 'ORDER_DELIVERED', sequence: 4 });
  const { data } = delivered;
  const shipped = newEvent({ type: 'ORDER_SHIPPED', sequence: 3 }, data);
  const other = newEvent({ sequence: 1 });
  expect(await notify(delivered, shipped, other)).toEqual(bench.failed());
  expect(inbox.sent.filter(({ orderId }) => orderId === data.orderId)).toHaveLength(2);
  expect(inbox.sent).toHaveLength(4);
  const late = { status: 'skipped', reason: 'superseded' };
  expect(await bench.recorded(shipped)).toMatchObject({
    email: { ...late, to: 'a***@example.com' },
    sms: late,
  });
});

test('the record of an event sent in time stays as it is when it comes again later', async () => {
  const notify = bench.notify();
  const shipped = newEvent({ type: 'ORDER_SHIPPED', sequence: 3 });
  const delivered = newEvent({ type: 'ORDER_DELIVERED', sequence: 4 }, shipped.data);
  await notify(shipped, delivered);
  const before = await bench.recorded(shipped);
  expect(await notify(shipped)).toEqual(bench.failed());
  expect(await bench.recorded(shipped)).toEqual(before);
  expect(before).toMatchObject({ email: { status: 'sent' }, sms: { status: 'sent' } });
});
