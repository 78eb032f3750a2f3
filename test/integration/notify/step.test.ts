import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import { orderPartition } from '../../../lib/table.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after } from './quiet-hours.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const away: Sender<Message> = {
  name: 'away',
  send: async () => ({ success: false, retriable: true, reason: 'away' }),
};

/** An order's first two events; the second is delivered before the first. */
function twoEvents(data: Parameters<typeof newEvent>[1] = {}) {
  const created = newEvent({}, data);
  return { created, updated: newEvent({ type: 'ORDER_UPDATED', sequence: 2 }, created.data) };
}

async function expectSuperseded(event: ReturnType<typeof newEvent>) {
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  const superseded = { status: 'skipped', reason: 'superseded' };
  expect(await bench.recorded(event)).toMatchObject({ email: superseded, sms: superseded });
}

test('an event sent on one channel and put off on the other overtakes the earlier ones', async () => {
  const { created, updated } = twoEvents();
  const inbox = createInbox();
  const half: Sender<Message> = {
    name: 'half',
    send: (message, signal) =>
      message.channel === 'sms' ? away.send(message, signal) : inbox.send(message, signal),
  };
  expect(await bench.notify({ sender: half })(updated)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(1);
  await expectSuperseded(created);
});

test('an event that is put off on every channel overtakes the earlier ones, and is sent itself', async () => {
  const { created, updated } = twoEvents();
  expect(await bench.notify({ sender: away })(updated)).toEqual(bench.failed());
  await expectSuperseded(created);
  const inbox = createInbox();
  await bench.sendDeferred({ sender: inbox, clock: after(2) });
  expect(inbox.sent.filter(({ orderId }) => orderId === created.data.orderId)).toHaveLength(2);
});

test('the step that the release before has taken back is taken anew', async () => {
  const { created, updated } = twoEvents();
  await bench.dynamo.send(
    new PutCommand({
      TableName: bench.table,
      Item: {
        pk: orderPartition(created.data.orderId),
        sk: 'NOTIFIED',
        sequence: 0,
        before: 0,
        at: new Date().toISOString(),
        beforeAt: new Date().toISOString(),
        failed: updated.id,
      },
    }),
  );
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(created, updated)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(4);
});

test.each([
  ['another address', { email: 'new@example.com', phone: '+15550188' }, 2],
  ['none at all', { phone: '+15550123' }, 1],
])('the record of an address that gave way to %s says so', async (name, contact, told) => {
  const customerId = `moved-${name.length}`;
  const event = newEvent({}, { customerId });
  expect(await bench.notify({ sender: away })(event)).toEqual(bench.failed());
  await bench.customers.save(customerId, { ...DEFAULTS, contact }, undefined);
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(told);
  const { body } = await bench.list({ orderId: event.data.orderId });
  expect(body.data).toContainEqual(
    expect.objectContaining({
      channel: 'email',
      to: 'a***@example.com',
      status: 'skipped',
      reason: 'address changed',
    }),
  );
  expect(body.data.filter(({ status }: { status: string }) => status === 'failed')).toEqual([]);
});

test('the record of an address that changed says so too when nothing is sent any more', async () => {
  const customerId = 'moved-and-off';
  const event = newEvent({}, { customerId });
  expect(await bench.notify({ sender: away })(event)).toEqual(bench.failed());
  const off = {
    ...DEFAULTS.events,
    ORDER_CREATED: { ...DEFAULTS.events.ORDER_CREATED, email: false, sms: false },
  };
  const contact = { email: 'new@example.com', phone: '+15550188' };
  await bench.customers.save(customerId, { ...DEFAULTS, contact, events: off }, undefined);
  expect(await bench.notify()(event)).toEqual(bench.failed());
  const { body } = await bench.list({ orderId: event.data.orderId });
  const reasons = body.data.map(({ reason }: { reason: string }) => reason);
  expect(reasons.toSorted()).toEqual([
    'address changed',
    'address changed',
    'switched off',
    'switched off',
  ]);
});
