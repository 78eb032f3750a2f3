import { randomUUID } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { v7 as uuidV7 } from 'uuid';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createListNotifications } from '../../../functions/listNotifications/handler.ts';
import { createHandler as createListOrderEvents } from '../../../functions/listOrderEvents/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { ANYBODY, type Caller } from '../../../lib/identity/caller.ts';
import { createQuota } from '../../../lib/identity/quota.ts';
import { createTableLimit } from '../../../lib/limits/table.ts';
import { factsOf, keyOf } from '../../../lib/notification/ledger/record.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';
import { newEvent } from '../notify/bench.ts';

const items = [{ productId: 'p', quantity: 1, price: 5 }];
const mark = randomUUID().slice(0, 8);
const customer = (name: string): Caller => ({ kind: 'customer', customerId: `${name}-${mark}` });
const [ada, bob] = [customer('ada'), customer('bob')];
const idOf = (caller: Caller) => (caller.kind === 'customer' ? caller.customerId : '');
const operator: Caller = { kind: 'operator', subject: 'desk' };
const machine: Caller = { kind: 'machine', scopes: ['orders:write'], client: 'm' };

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterEach(() => {
  jest.restoreAllMocks();
});

afterAll(() => bench.close());

/** The handlers for one caller. */
function as(caller: Caller) {
  const deps = { ...bench, callers: callersOf(caller) };
  const place = createCreateOrder(deps);
  const move = createUpdateStatus(deps);
  const pathOf = (id: string) => ({ pathParameters: { id } });
  return {
    place: (customerId: string, key?: string) =>
      call(place, {
        method: 'POST',
        ...(key && { headers: { 'idempotency-key': key } }),
        body: { customerId, items },
      }),
    get: (id: string) => call(createGetOrder(deps), pathOf(id)),
    events: (id: string) => call(createListOrderEvents(deps), pathOf(id)),
    move: (id: string, status: string) =>
      call(move, { method: 'PUT', ...pathOf(id), body: { status } }),
    list: (customerId: string, query = {}) =>
      call(createListByCustomer(deps), { pathParameters: { customerId }, query }),
    notifications: (query: Record<string, string>) =>
      call(createListNotifications(deps), { query }),
  };
}

async function placed(caller: Caller): Promise<string> {
  return (await as(caller).place(idOf(caller))).body.data.id;
}

/** Puts a notification of the order on record. */
async function told(orderId: string, caller: Caller): Promise<void> {
  const { id, ...event } = newEvent();
  const data = { ...event.data, orderId, customerId: idOf(caller) };
  const notification = {
    event: { ...event, id, data },
    channel: 'sms',
    skip: 'no address',
  } as const;
  const facts = factsOf(notification, new Date());
  const Item = { ...keyOf(notification), ...facts, status: 'skipped', attempts: 0 };
  await bench.dynamo.send(new PutCommand({ TableName: bench.table, Item }));
}

/** The answer and the calls of DynamoDB, with the id as "ID" and without what differs each time. */
async function seen(id: string, work: (id: string) => ReturnType<typeof call>) {
  const send = jest.spyOn(bench.dynamo, 'send');
  const { status, headers, body } = await work(id);
  const calls = send.mock.calls.map(([command]) => [command.constructor.name, command.input]);
  send.mockRestore();
  const answer = { status, headers, body: { ...body, instance: '' } };
  return JSON.parse(JSON.stringify({ answer, calls }).replaceAll(id, 'ID'));
}

test('an order of another customer is no different from one that does not exist', async () => {
  const id = await placed(ada);
  await told(id, ada);
  const { get, events, move, notifications } = as(bob);
  for (const work of [
    get,
    events,
    (of: string) => move(of, 'cancelled'),
    (of: string) => move(of, 'shipped'),
    (of: string) => notifications({ orderId: of }),
  ]) {
    const foreign = await seen(id, work);
    expect(foreign).toEqual(await seen(uuidV7(), work));
    expect(foreign.calls).toHaveLength(1);
  }
  expect((await get(id)).status).toBe(404);
  expect((await as(ada).get(id)).body.data.version).toBe(1);
});

test('notifications are for their customer, an operator and a program with the scope', async () => {
  const id = await placed(ada);
  await told(id, ada);
  const reader: Caller = { kind: 'machine', scopes: ['notifications:read'], client: 'r' };
  for (const caller of [ada, operator, reader, ANYBODY]) {
    expect((await as(caller).notifications({ orderId: id })).body.data).toHaveLength(1);
  }
  expect((await as(bob).notifications({ orderId: id })).body).toEqual({
    success: true,
    data: [],
    nextCursor: null,
  });
  const named = await as(bob).notifications({ customerId: idOf(ada) });
  expect([named.status, named.body.code]).toEqual([403, 'NOT_YOURS']);
});

test('a customer places orders for themselves and lists their own; nothing is asked of DynamoDB else', async () => {
  const send = jest.spyOn(bench.dynamo, 'send');
  for (const work of [as(bob).place(idOf(ada)), as(bob).list(idOf(ada))]) {
    const reply = await work;
    expect([reply.status, reply.body.code]).toEqual([403, 'NOT_YOURS']);
  }
  expect(send).not.toHaveBeenCalled();
  for (const caller of [operator, machine]) {
    expect((await as(caller).place(idOf(ada))).status).toBe(201);
  }
});

test('a customer cancels, and moves nothing else; the order stays as it is', async () => {
  const id = await placed(ada);
  for (const status of ['confirmed', 'shipped', 'pending', 'delivered']) {
    const reply = await as(ada).move(id, status);
    expect([status, reply.status, reply.body.scope]).toEqual([status, 403, 'orders:operate']);
  }
  expect((await as(ada).get(id)).body.data.version).toBe(1);
  expect((await as(machine).move(id, 'confirmed')).status).toBe(200);
  expect((await as(ada).move(id, 'cancelled')).body.data.status).toBe('cancelled');
  expect((await as(ada).move(id, 'cancelled')).status).toBe(200);
});

test('an idempotency key belongs to its caller, and without tokens to the one caller there is', async () => {
  const key = randomUUID();
  const callers = [ada, operator, { ...operator, subject: 'other desk' }, machine, ANYBODY];
  const first = await Promise.all(callers.map((caller) => as(caller).place(idOf(ada), key)));
  const ids = first.map(({ body }) => body.data.id);
  expect(new Set(ids).size).toBe(callers.length);
  for (const [index, caller] of callers.entries()) {
    const again = await as(caller).place(idOf(ada), key);
    expect([again.headers['idempotent-replay'], again.body.data.id]).toEqual(['true', ids[index]]);
  }
  const foreign = await as(bob).place(idOf(bob), key);
  expect([foreign.status, foreign.headers['idempotent-replay']]).toEqual([201, undefined]);
});

test('a cursor of another caller is refused as one that was made up', async () => {
  const cy = customer('cy');
  const customerId = idOf(cy);
  for (let count = 0; count < 3; count += 1) await placed(cy);
  const cursors = new Map<Caller, string>();
  for (const caller of [cy, operator, ANYBODY]) {
    const page = await until('the orders', async () => {
      const { body } = await as(caller).list(customerId, { limit: '2' });
      return body.nextCursor ? body : undefined;
    });
    cursors.set(caller, page.nextCursor);
  }
  for (const [owner, cursor] of cursors) {
    for (const caller of cursors.keys()) {
      const reply = await as(caller).list(customerId, { limit: '2', cursor });
      if (caller === owner) expect(reply.body.data).toHaveLength(1);
      else expect([reply.status, reply.body.errors[0].path]).toEqual([422, 'cursor']);
    }
  }
});

test('the refusal of a caller at the limit of orders says after which time to repeat; others go on', async () => {
  const name = `orders-${randomUUID()}`;
  const clock = { now: () => new Date('2026-11-27T12:00:42.000Z') };
  const limit = createTableLimit({ ...bench, clock }, { name, count: 2, seconds: 60 });
  const quota = createQuota(limit, 's'.repeat(16), 'Too many.');
  const place = (caller: Caller) =>
    call(createCreateOrder({ ...bench, callers: callersOf(caller), quota }), {
      method: 'POST',
      body: { customerId: idOf(caller), items },
    });
  const eve: Caller = { kind: 'customer', customerId: `eve-${mark}`, subject: 'eve' };
  expect([(await place(eve)).status, (await place(eve)).status]).toEqual([201, 201]);
  const third = await place(eve);
  expect([third.status, third.body.code]).toEqual([429, 'TOO_MANY_REQUESTS']);
  expect(third.headers['retry-after']).toBe('18');
  expect((await place({ ...ada, subject: 'ada' })).status).toBe(201);
});
