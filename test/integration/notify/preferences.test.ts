import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createGetPreferences } from '../../../functions/getPreferences/handler.ts';
import { createHandler as createPutPreferences } from '../../../functions/putPreferences/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import { createCustomers } from '../../../lib/notification/preferences/customers.ts';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createNotifyBench, type NotifyBench } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const all = { email: true, sms: true };
const defaults = {
  version: 0,
  contact: {},
  language: 'en',
  timeZone: 'UTC',
  quietHours: null,
  events: {
    ORDER_CREATED: all,
    ORDER_UPDATED: all,
    ORDER_SHIPPED: all,
    ORDER_DELIVERED: all,
    ORDER_CANCELLED: all,
  },
  updatedAt: null,
};

function get(customerId: string) {
  return call(createGetPreferences({ customers: bench.customers, callers: callersOf() }), {
    pathParameters: { customerId },
  });
}

function put(customerId: string, body: unknown, ifMatch?: string) {
  const headers: Record<string, string> = ifMatch === undefined ? {} : { 'if-match': ifMatch };
  const request = { method: 'PUT', pathParameters: { customerId }, body, headers };
  return call(createPutPreferences({ customers: bench.customers, callers: callersOf() }), request);
}

test('a customer without stored preferences has the defaults, with version 0', async () => {
  const reply = await get('nobody');
  expect([reply.status, reply.headers.etag]).toEqual([200, '"0"']);
  expect(reply.body).toEqual({ success: true, data: { customerId: 'nobody', ...defaults } });
});

test('preferences are stored with defaults for missing fields, and with the next version', async () => {
  const body = {
    contact: { phone: '+436641234567' },
    quietHours: { from: '22:00', to: '07:00' },
    timeZone: 'Europe/Vienna',
    language: 'de-AT',
    events: { ORDER_UPDATED: { sms: false } },
  };
  const reply = await put('grace', body);
  const data = {
    ...defaults,
    ...body,
    customerId: 'grace',
    version: 1,
    events: { ...defaults.events, ORDER_UPDATED: { email: true, sms: false } },
    updatedAt: expect.stringMatching(/^\d{4}-.+Z$/),
  };
  expect(reply.body).toEqual({ success: true, data, message: 'Preferences saved' });
  expect([reply.status, reply.headers.etag]).toEqual([200, '"1"']);
  const shown = await get('grace');
  expect(shown.body.data).toEqual(reply.body.data);
  expect(Object.keys(shown.body.data)).toEqual(Object.keys({ customerId: '', ...defaults }));
  expect(shown.headers.etag).toBe('"1"');

  const replaced = await put('grace', {});
  expect(replaced.body.data).toMatchObject({
    ...defaults,
    version: 2,
    updatedAt: expect.any(String),
  });
});

test('with if-match only the version that it names is replaced', async () => {
  expect((await put('joan', {}, '"1"')).body).toMatchObject({
    status: 412,
    code: 'PREFERENCES_CHANGED',
    currentVersion: 0,
  });
  expect((await put('joan', {}, '"0"')).headers.etag).toBe('"1"');
  const late = await put('joan', { language: 'de' }, '"0"');
  expect(late.body).toMatchObject({ code: 'PREFERENCES_CHANGED', currentVersion: 1 });
  expect((await put('joan', {}, '"7", "1"')).headers.etag).toBe('"2"');
  expect((await put('joan', {}, '*')).headers.etag).toBe('"3"');
  expect((await put('joan', {}, 'W/"3"')).status).toBe(412);
  expect((await get('joan')).body.data.language).toBe('en');
});

test('of many at once with the same version one is stored', async () => {
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, i) => put('many', { contact: { phone: `+1555010${i}` } }, '"0"')),
  );
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(412)]);
  const [stored] = replies.filter(({ status }) => status === 200);
  expect((await get('many')).body.data).toEqual(stored?.body.data);
});

test('a write that names no version is stored once, also if others are always faster', async () => {
  const { dynamoEndpoint, table } = bench;
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: unknown) => Promise<unknown>;
  let others = 0;
  const slow = Object.assign(dynamo, {
    send: async (command: unknown) => {
      if (!(command instanceof UpdateCommand)) return send(command);
      others += 1;
      await put('crowd', { language: 'de' });
      // The SDK repeats a write whose answer was lost.
      await send(command).catch(() => undefined);
      return send(command);
    },
  });
  const customers = createCustomers({ dynamo: slow, table, clock: systemClock });
  const stored = await customers.save('crowd', { ...DEFAULTS, language: 'fr' }, undefined);
  expect(stored).toMatchObject({ version: others + 1, language: 'fr' });
  expect((await get('crowd')).body.data).toEqual(stored);
  dynamo.destroy();
});

test('a write whose answer is lost, and that the SDK repeats, counts once', async () => {
  const { dynamoEndpoint, table } = bench;
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: unknown) => Promise<unknown>;
  const twice = Object.assign(dynamo, {
    send: async (command: unknown) => {
      await send(command);
      return send(command);
    },
  });
  const customers = createCustomers({ dynamo: twice, table, clock: systemClock });
  for (const [ifMatch, etag] of [
    [undefined, '"1"'],
    ['"1"', '"2"'],
    [undefined, '"3"'],
  ]) {
    const headers: Record<string, string> = ifMatch ? { 'if-match': ifMatch } : {};
    const request = { method: 'PUT', pathParameters: { customerId: 'lost' }, body: {}, headers };
    expect(
      (await call(createPutPreferences({ customers, callers: callersOf() }), request)).headers.etag,
    ).toBe(etag);
  }
  dynamo.destroy();
});

test.each([
  [{ colour: 'red' }, ['colour']],
  [
    { contact: { email: 'nobody', phone: '0155', fax: '1' } },
    ['contact.email', 'contact.phone', 'contact.fax'],
  ],
  [{ language: 'German' }, ['language']],
  [{ language: 'de_AT' }, ['language']],
  [{ timeZone: 'Vienna' }, ['timeZone']],
  [{ timeZone: '+01:00' }, ['timeZone']],
  [{ quietHours: { from: '22:00' } }, ['quietHours.to']],
  [{ quietHours: { from: '24:00', to: '7:00' } }, ['quietHours.from', 'quietHours.to']],
  [{ events: { ORDER_LOST: { sms: false } } }, ['events.ORDER_LOST']],
  [
    { events: { ORDER_SHIPPED: { sms: 'off', fax: true } } },
    ['events.ORDER_SHIPPED.sms', 'events.ORDER_SHIPPED.fax'],
  ],
])('%j is refused at %j, and nothing is stored', async (body, paths) => {
  const reply = await put('refused', body);
  expect(reply.status).toBe(422);
  expect(reply.body.errors.map((fault: { path: string }) => fault.path)).toEqual(paths);
  expect((await get('refused')).body.data.version).toBe(0);
});
