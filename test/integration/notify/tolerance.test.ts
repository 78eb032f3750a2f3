import { randomUUID } from 'node:crypto';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createHandler as createGetPreferences } from '../../../functions/getPreferences/handler.ts';
import { createHandler as createPutPreferences } from '../../../functions/putPreferences/handler.ts';
import { logger } from '../../../lib/logger.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { unsubscribe } from '../../../lib/notification/preferences/unsubscribe.ts';
import { orderPartition } from '../../../lib/table.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after } from './quiet-hours.ts';

const MINUTES_A_DAY = 24 * 60;

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const away: Sender<Message> = {
  name: 'away',
  send: async () => ({ success: false, retriable: true, reason: 'away' }),
};

/** A customer whose preferences another release has stored. */
async function storedBy(preferences: unknown, more: object = { version: 3 }): Promise<string> {
  const customerId = randomUUID();
  const key = { pk: `CUSTOMER#${customerId}`, sk: 'PREFERENCES' };
  const Item = { ...key, preferences, updatedAt: '2026-11-20T10:00:00.000Z', ...more };
  await bench.dynamo.send(new PutCommand({ TableName: bench.table, Item }));
  return customerId;
}

const get = (customerId: string) =>
  call(createGetPreferences({ customers: bench.customers, callers: callersOf() }), {
    pathParameters: { customerId },
  });
const put = (customerId: string, body: object) =>
  call(createPutPreferences({ customers: bench.customers, callers: callersOf() }), {
    method: 'PUT',
    pathParameters: { customerId },
    body,
  });

async function stored(customerId: string) {
  const Key = { pk: `CUSTOMER#${customerId}`, sk: 'PREFERENCES' };
  const { Item } = await bench.dynamo.send(new GetCommand({ TableName: bench.table, Key }));
  return Item;
}

const LATER = {
  contact: { email: 'ada@new.example', fax: '+15550199' },
  language: 'de',
  digest: { weekly: true },
  events: {
    ORDER_RETURNED: { email: false, sms: true },
    ORDER_CREATED: { email: true, push: true },
  },
};

test('preferences with fields and an event type of a later release are read and followed', async () => {
  const customerId = await storedBy(LATER);
  const { status, body } = await get(customerId);
  expect(status).toBe(200);
  expect(body.data).toMatchObject({
    version: 3,
    language: 'de',
    contact: { email: 'ada@new.example' },
  });
  expect(JSON.stringify(body)).not.toMatch(/fax|digest|RETURNED|push/);
  const inbox = createInbox();
  const event = newEvent({}, { customerId });
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent.map(({ to }) => to)).toEqual(['ada@new.example']);
});

test('unknown fields stay when the preferences are put, and after a click on a link', async () => {
  const customerId = await storedBy(LATER);
  const kept = {
    contact: { fax: '+15550199' },
    digest: { weekly: true },
    events: { ORDER_RETURNED: { email: false, sms: true }, ORDER_CREATED: { push: true } },
  };
  const body = { language: 'en', events: { ORDER_CREATED: { sms: false } } };
  expect(await put(customerId, body)).toMatchObject({
    status: 200,
    body: { data: { version: 4 } },
  });
  const after = await stored(customerId);
  expect(after?.preferences).toMatchObject(kept);
  expect(after?.preferences).toMatchObject({
    language: 'en',
    events: { ORDER_CREATED: { sms: false } },
  });
  expect(after?.preferences.contact).toEqual({ fax: '+15550199' });
  await unsubscribe({ customerId, channel: 'email' }, bench.customers);
  const last = await stored(customerId);
  expect(last?.preferences).toMatchObject({
    ...kept,
    events: { ORDER_CREATED: { email: false, push: true }, ORDER_RETURNED: { email: false } },
  });
});

test.each([
  ['an address', { contact: { email: 'ä@b', phone: '+15550177' } }, 'contact.email'],
  ['quiet hours', { quietHours: { from: '25:00', to: '07:00' } }, 'quietHours.from'],
  ['a time zone', { timeZone: 'IST' }, 'timeZone'],
  ['a language', { language: 'klingon' }, 'language'],
  ['a switch', { events: { ORDER_CREATED: { email: 'yes' } } }, 'events.ORDER_CREATED.email'],
  ['all of them', 'none', undefined],
])(
  '%s that this release refuses has its default, which is told without the value',
  async (_, preferences, field) => {
    const customerId = await storedBy(preferences);
    const warn = jest.spyOn(logger, 'warn');
    const { status, body } = await get(customerId);
    const lines = JSON.stringify(warn.mock.calls);
    warn.mockRestore();
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ timeZone: 'UTC', language: 'en', quietHours: null });
    expect(body.data.contact).toEqual(field === 'contact.email' ? { phone: '+15550177' } : {});
    expect(lines).toContain(field ?? '');
    expect(lines).not.toMatch(/ä@b|25:00|IST|klingon|yes|15550177/);
    const inbox = createInbox();
    const event = newEvent({}, { customerId });
    expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
    expect(inbox.sent.length).toBe(field === 'contact.email' ? 1 : 2);
  },
);

test('preferences without a version are version 0, and can be replaced', async () => {
  const customerId = await storedBy({ language: 'de' }, {});
  expect((await get(customerId)).body.data).toMatchObject({
    version: 0,
    language: 'de',
  });
  expect(await put(customerId, {})).toMatchObject({ status: 200, body: { data: { version: 1 } } });
});

test('two that put preferences at once both succeed, and none is lost unseen', async () => {
  const customerId = await storedBy(LATER);
  const answers = await Promise.all([put(customerId, {}), put(customerId, { language: 'de' })]);
  expect(answers.map(({ body }) => body.data.version).toSorted()).toEqual([4, 5]);
});

/** A record changed as another release would have written it. */
async function change(
  event: ReturnType<typeof newEvent>,
  set: Record<string, unknown>,
  channel = 'email',
) {
  const { [channel]: record } = await bench.recorded(event);
  const names = Object.keys(set);
  await bench.dynamo.send(
    new UpdateCommand({
      TableName: bench.table,
      Key: { pk: record?.pk, sk: record?.sk },
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, set[name]])),
    }),
  );
}

test('a record with a status that this release does not know is settled: nothing is sent, and it is listed', async () => {
  const event = newEvent();
  await bench.notify({ sender: away })(event);
  await change(event, { status: 'paused', attempts: 'three', subject: 7, to: 8 });
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent.map(({ channel }) => channel)).toEqual(['sms']);
  const { status, body } = await bench.list({ orderId: event.data.orderId });
  expect(status).toBe(200);
  expect(body.data).toContainEqual(
    expect.objectContaining({
      channel: 'email',
      status: 'unknown',
      reason: 'written by another release',
      attempts: 0,
      to: null,
    }),
  );
});

test('a record of a channel that this release does not know is left out of the list, the others are there', async () => {
  const event = newEvent();
  await bench.notify()(event);
  await change(event, { channel: 'push' });
  expect(await bench.notify()(event)).toEqual(bench.failed());
  const { status, body } = await bench.list({ orderId: event.data.orderId });
  expect(status).toBe(200);
  expect(body.data).toMatchObject([{ channel: 'sms', status: 'sent' }]);
});

test('a waiting notification of an unknown channel is left alone', async () => {
  const event = newEvent();
  await bench.notify()(event);
  const { email } = await bench.recorded(event);
  const push = {
    ...email,
    sk: String(email?.sk).replace('#email#', '#push#'),
    channel: 'push',
    status: 'deferred',
  };
  await bench.dynamo.send(new PutCommand({ TableName: bench.table, Item: push }));
  expect(await bench.notify()(event)).toEqual(bench.failed());
  expect((await bench.recorded(event)).push).toEqual(push);
});

test.each([
  ['another shape', { sequence: 'two', at: 5 }],
  ['nothing in it', {}],
])('a last step of an order with %s stops nothing', async (_, step) => {
  const event = newEvent({ timestamp: new Date().toISOString() });
  const key = { pk: orderPartition(event.data.orderId), sk: 'NOTIFIED' };
  await bench.dynamo.send(new PutCommand({ TableName: bench.table, Item: { ...key, ...step } }));
  const inbox = createInbox();
  const notify = bench.notify({ sender: inbox });
  expect(await notify(event)).toEqual(bench.failed());
  expect(await notify(event)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
});

const ODD = {
  'an event of a later schema': { event: JSON.stringify({ ...newEvent(), schemaVersion: 2 }) },
  'no event that is JSON': { event: 'ada@example.com' },
  'a status of another release': { status: 'paused' },
  'a channel of another release': { channel: 'push' },
  'a status that is settled': { status: 'sent' },
};

test('records that wait and cannot be read stop no run, and are looked at less and less', async () => {
  const shared = bench;
  bench = await createNotifyBench();
  const bystander = newEvent();
  await bench.notify({ sender: away })(bystander);
  for (const set of Object.values(ODD)) {
    const event = newEvent({}, { contact: { email: 'ada@example.com' } });
    await bench.notify({ sender: away })(event);
    await change(event, set);
  }
  const count = Object.keys(ODD).length;
  const inbox = createInbox();
  const run = (minutes: number) => bench.sendDeferred({ sender: inbox, clock: after(minutes) });
  let looks = 0;
  for (let minutes = 2; minutes < 2 * 60; minutes += 2) {
    const { failed, done } = await run(minutes);
    looks += failed;
    expect(done).toBe(true);
  }
  const { orderId } = bystander.data;
  expect(inbox.sent.map((message) => message.orderId)).toEqual([orderId, orderId]);
  expect(looks).toBeGreaterThan(count);
  expect(looks).toBeLessThan(10 * count);
  // After six days it is not read every minute either.
  let ends = 0;
  for (const minutes of [1, 2, 3, 4, 5]) {
    const { failed, dropped } = await run(8 * MINUTES_A_DAY + minutes);
    ends += failed + dropped;
  }
  expect(ends).toBe(count);
  expect(inbox.sent).toHaveLength(2);
  await bench.close();
  bench = shared;
});

test('a record that could not be read for six days is given up, and can be put back', async () => {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  await bench.notify({ sender: away })(event);
  const { email } = await bench.recorded(event);
  await change(event, { event: 'not JSON' });
  await bench.sendDeferred({ clock: after(7 * MINUTES_A_DAY) });
  const { email: rests } = await bench.recorded(event);
  expect(rests).toMatchObject({ status: 'failed', passing: true, deferredShard: 'GIVEN_UP' });
  // A release that can read it is deployed.
  await change(event, {
    event: email?.event,
    status: 'deferred',
    deferredShard: email?.deferredShard,
  });
  const inbox = createInbox();
  await bench.sendDeferred({ sender: inbox, clock: after(7 * MINUTES_A_DAY + 1) });
  expect(inbox.sent.filter(({ orderId }) => orderId === event.data.orderId)).toHaveLength(1);
});
