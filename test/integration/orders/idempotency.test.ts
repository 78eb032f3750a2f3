import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler } from '../../../functions/createOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createQuota, type Quota } from '../../../lib/identity/quota.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import { createTableLimit } from '../../../lib/limits/table.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { idempotencyKey } from '../../../lib/table.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { callersOf } from '../../support/callers.ts';
import { always, type Fault, faultyDynamo } from '../../support/faults.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

const items = [{ productId: 'p', quantity: 3, price: 0.1 }];
const DAY_MS = 24 * 3600 * 1000;

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

function place(key: string, body: object, deps: OutboxDeps & { quota?: Quota } = bench) {
  return call(createHandler({ ...deps, callers: callersOf() }), {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body,
  });
}

/** A customer and a key that no other test has. */
function fresh() {
  const customerId = `c-${crypto.randomUUID()}`;
  return { key: crypto.randomUUID(), body: { customerId, items } };
}

async function ordersOf(customerId: string, atLeast = 1) {
  return until('the orders', async () => {
    const { body } = await call(createListByCustomer(bench), {
      pathParameters: { customerId },
    });
    return body.data.length >= atLeast ? body.data : undefined;
  });
}

const failing = (commandName: string, faults: Iterable<Fault>): OutboxDeps => ({
  ...bench,
  repository: createRepository({ ...bench, dynamo: faultyDynamo(commandName, faults).client }),
});

test('a repeated request gets the same bytes, also after the order has moved', async () => {
  const { key, body } = fresh();
  const first = await place(key, body);
  expect([first.status, first.headers['idempotent-replay']]).toEqual([201, undefined]);
  const { id } = first.body.data;
  const move = { method: 'PUT', pathParameters: { id }, body: { status: 'shipped' } };
  expect((await call(createUpdateStatus(bench), move)).status).toBe(200);

  const again = await place(key, body);
  expect([again.status, again.headers['idempotent-replay']]).toEqual([201, 'true']);
  expect(JSON.stringify(again.body)).toBe(JSON.stringify(first.body));
  expect(again.headers.location).toBe(first.headers.location);
  expect(await ordersOf(body.customerId)).toHaveLength(1);
  expect((await bench.repository.get(id))?.events).toHaveLength(2);
});

test('the same order written in another way is the same body', async () => {
  const { key, body } = fresh();
  const first = await place(key, { ...body, contact: { phone: '+15550100', email: 'a@b.org' } });
  const text = `{ "contact": {"email":"a@b.org","phone":"+15550100"}, "currency": "USD",
    "items": [{"price": 1e-1, "quantity": 3.0, "productId": "p"}], "customerId": "${body.customerId}" }`;
  const again = await call(createHandler(bench), {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body: text,
  });
  expect([again.headers['idempotent-replay'], again.body]).toEqual(['true', first.body]);
});

test('another body with the same key is refused, and makes nothing', async () => {
  const { key, body } = fresh();
  await place(key, body);
  const other = { ...body, items: [{ ...items[0], quantity: 4 }] };
  const reply = await place(key, other);
  expect([reply.status, reply.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  expect(await ordersOf(body.customerId)).toHaveLength(1);
});

test('keys are compared as they are: another case, or one more space, is another key', async () => {
  const { body } = fresh();
  const key = `Key a-${crypto.randomUUID().toLowerCase()}`;
  const others = [key.toUpperCase(), key.toLowerCase(), key.replace(' ', '  ')];
  const replies = [await place(key, body)];
  for (const other of others) replies.push(await place(other, body));
  for (const { status, headers } of replies) {
    expect([status, headers['idempotent-replay']]).toEqual([201, undefined]);
  }
  expect(new Set(replies.map((reply) => reply.body.data.id)).size).toBe(1 + others.length);
});

test('twins at the same time make one order', async () => {
  const { key, body } = fresh();
  const replies = await Promise.all(Array.from({ length: 12 }, () => place(key, body)));
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set(replies.map((reply) => JSON.stringify(reply.body))).size).toBe(1);
  const first = replies.filter(({ headers }) => headers['idempotent-replay'] === undefined);
  expect(first).toHaveLength(1);
  expect(await ordersOf(body.customerId)).toHaveLength(1);
  expect((await bench.repository.get(replies[0]?.body.data.id))?.events).toHaveLength(1);
});

test('a refusal is not kept under the key', async () => {
  const { key, body } = fresh();
  expect((await place(key, { ...body, items: [] })).status).toBe(422);
  expect((await place(key, body)).status).toBe(201);
});

test.each([[''], ['a'.repeat(256)], ['ü'], ['a\tb']])('the key %j is malformed', async (key) => {
  const reply = await place(key, fresh().body);
  expect([reply.status, reply.body.code]).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
});

test.each([['~'], [' !"#/'], ['k'.repeat(255)]])('the key %j is taken', async (key) => {
  expect((await place(key, fresh().body)).status).toBe(201);
});

test('a key that is past its day makes a new order, whether or not its claim was removed', async () => {
  const { key, body } = fresh();
  const early = { ...bench, clock: { now: () => new Date(Date.now() - DAY_MS - 1_000) } };
  const first = await place(key, body, early);
  const { Item } = await bench.dynamo.send(
    new GetCommand({ TableName: bench.table, Key: idempotencyKey(key, []) }),
  );
  expect(Item?.expiresAt).toBeLessThan(Date.now() / 1000);
  const [second, twin] = await Promise.all([place(key, body), place(key, body)]);
  expect(second.body.data.id).not.toBe(first.body.data.id);
  expect(twin.body).toEqual(second.body);
  expect(await ordersOf(body.customerId, 2)).toHaveLength(2);
});

test('a key holds until the last second of its day', async () => {
  const { key, body } = fresh();
  const early = { ...bench, clock: { now: () => new Date(Date.now() - DAY_MS + 60_000) } };
  const first = await place(key, body, early);
  expect((await place(key, body)).body).toEqual(first.body);
});

test('the claim keeps neither the key nor the body', async () => {
  const { key, body } = fresh();
  await place(key, { ...body, contact: { email: 'somebody@example.org' } });
  const { Item } = await bench.dynamo.send(
    new GetCommand({ TableName: bench.table, Key: idempotencyKey(key, []) }),
  );
  expect(JSON.stringify(Item)).not.toMatch(new RegExp(`${key}|somebody|${body.customerId}`));
});

test('one lost answer is repeated by the SDK and is one order, not a replay', async () => {
  const { key, body } = fresh();
  const reply = await place(key, body, failing('TransactWriteItemsCommand', ['answer lost']));
  expect([reply.status, reply.headers['idempotent-replay']]).toEqual([201, undefined]);
  expect(await ordersOf(body.customerId)).toHaveLength(1);
});

test('when every answer is lost the caller gets 503, and its retry the order that was made', async () => {
  const { key, body } = fresh();
  const reply = await place(key, body, failing('TransactWriteItemsCommand', always('answer lost')));
  expect([reply.status, reply.headers['retry-after']]).toEqual([503, '5']);
  const [made] = await ordersOf(body.customerId);
  const again = await place(key, body);
  expect([again.status, again.headers['idempotent-replay']]).toEqual([201, 'true']);
  expect(again.body.data).toEqual(made);
});

test('when the write never arrives, neither claim nor order are there, and the retry makes them', async () => {
  const { key, body } = fresh();
  const reply = await place(key, body, failing('TransactWriteItemsCommand', always('never sent')));
  expect(reply.status).toBe(503);
  const { Item } = await bench.dynamo.send(
    new GetCommand({ TableName: bench.table, Key: idempotencyKey(key, []), ConsistentRead: true }),
  );
  expect(Item).toBeUndefined();
  const again = await place(key, body);
  expect([again.status, again.headers['idempotent-replay']]).toEqual([201, undefined]);
  expect(await ordersOf(body.customerId)).toHaveLength(1);
});

test('a first attempt that is slow and a second that overtakes it end in one order', async () => {
  const { key, body } = fresh();
  const release = Promise.withResolvers<void>();
  const { client } = faultyDynamo('none', []);
  client.middlewareStack.add((next) => async (args) => release.promise.then(() => next(args)), {
    step: 'initialize',
    name: 'slow',
  });
  const slow = place(key, body, {
    ...bench,
    repository: createRepository({ ...bench, dynamo: client }),
  });
  const fast = await place(key, body);
  release.resolve();
  const late = await slow;
  expect([fast.status, late.status, late.headers['idempotent-replay']]).toEqual([201, 201, 'true']);
  expect(late.body).toEqual(fast.body);
  expect(await ordersOf(body.customerId)).toHaveLength(1);
});

test('with Kafka away both answers are the same, and the event still waits, once', async () => {
  const { key, body } = fresh();
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const first = await place(key, body, away);
  const again = await place(key, body, away);
  expect([first.status, again.body]).toEqual([201, first.body]);
  const stored = await bench.repository.get(first.body.data.id);
  expect(stored?.events.map(({ publishedAt }) => publishedAt)).toEqual([undefined]);
});

test('while DynamoDB works at the same key for another request, the answer is 409 with a time', async () => {
  const { key, body } = fresh();
  const reply = await place(key, body, failing('TransactWriteItemsCommand', always('conflict')));
  expect([reply.status, reply.body.code, reply.headers['retry-after']]).toEqual([
    409,
    'IDEMPOTENCY_KEY_BUSY',
    '1',
  ]);
  const passing = failing('TransactWriteItemsCommand', ['conflict', 'conflict', 'none']);
  expect((await place(key, body, passing)).status).toBe(201);
});

test('a repeat is answered beyond the quota, and a new key is not', async () => {
  // One minute that does not end, and not in the past: its count would be removed as expired.
  const minute = new Date(Date.now() + DAY_MS);
  const clock = { now: () => minute };
  const limit = createTableLimit(
    { ...bench, clock },
    { name: crypto.randomUUID(), count: 1, seconds: 60 },
  );
  // The quota of one known caller: callers without a token have none.
  const counted = createQuota(limit, 'secret', 'Too many.');
  const quota: Quota = () => counted({ kind: 'operator', subject: 'desk' });
  const deps = { ...bench, quota };
  const { key, body } = fresh();
  const first = await place(key, body, deps);
  expect(first.status).toBe(201);
  const again = await place(key, body, deps);
  expect([again.status, again.headers['idempotent-replay']]).toEqual([201, 'true']);
  expect(again.body).toEqual(first.body);
  expect((await place(key, { ...body, customerId: 'other' }, deps)).status).toBe(422);
  expect((await place(crypto.randomUUID(), body, deps)).status).toBe(429);
  const tomorrow = { now: () => new Date(Date.now() + DAY_MS + 1_000) };
  expect((await place(key, body, { ...deps, clock: tomorrow })).status).toBe(429);
});
