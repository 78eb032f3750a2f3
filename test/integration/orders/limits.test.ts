import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../../lib/order/outbox.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { orderKey } from '../../../lib/table.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { callersOf } from '../../support/callers.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

const KB = 1024;
const MB = 1024 * KB;

/** The largest order that the schema takes. */
const largest = {
  customerId: 'c'.repeat(128),
  items: Array.from({ length: 100 }, (_, i) => ({
    productId: `${'p'.repeat(125)}${String(i).padStart(3, '0')}`,
    quantity: 10_000,
    price: 999_999.99,
  })),
  currency: 'EUR',
  contact: {
    email: `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.org`,
    phone: '+123456789012345',
  },
};

let bench: OrderBench;
let topic: Awaited<ReturnType<typeof readTopic>>;

beforeAll(async () => {
  bench = await createOrderBench();
  topic = await readTopic(bench.brokers, bench.topic);
});

afterAll(async () => {
  await topic.close();
  await bench.close();
});

const place = (body: object | string, deps: OutboxDeps = bench) =>
  call(createCreateOrder({ ...deps, callers: callersOf() }), { method: 'POST', body });

test('the largest order with all its events is far smaller than an item and a batch may be', async () => {
  const producer = createProducer([`localhost:${await freePort()}`]);
  // The layout in which events are not packed is the larger one.
  const away = { ...bench, producer, repository: createRepository(bench, 1) };
  const placed = await place(largest, away);
  expect(placed.status).toBe(201);
  const { id, totalAmount } = placed.body.data;
  expect(totalAmount).toBe(999_999_990_000);
  for (const status of ['confirmed', 'shipped', 'delivered']) {
    const request = { method: 'PUT', pathParameters: { id }, body: { status } };
    expect((await call(createUpdateStatus(away), request)).status).toBe(200);
  }
  const { Item } = await bench.dynamo.send(
    new GetCommand({ TableName: bench.table, Key: orderKey(id) }),
  );
  const itemBytes = Buffer.byteLength(JSON.stringify(Item));
  expect(itemBytes).toBeGreaterThan(60 * KB); // so it is the largest order that was measured
  expect(itemBytes).toBeLessThan(128 * KB);

  const clock = { now: () => new Date(Date.now() + 60_000) };
  const told = () => topic.records.filter(({ key }) => key === id);
  await until('all four events, sent at once', async () => {
    await createRelayOutbox({ ...bench, clock })({}, lambdaContext());
    return told().length >= 4 ? true : undefined;
  });
  const batch = told().slice(0, 4);
  expect(batch.map(({ value }) => JSON.parse(value).sequence)).toEqual([1, 2, 3, 4]);
  const bytes = batch.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
  expect(bytes).toBeLessThan(MB / 4);
});

test('a page of a hundred of the largest orders is whole, and within the limit of an answer', async () => {
  const customerId = 'l'.repeat(128);
  const body = { ...largest, customerId };
  for (let count = 0; count < 101; count += 10) {
    const size = Math.min(10, 101 - count);
    const replies = await Promise.all(
      Array.from({ length: size }, () =>
        until('the order', async () => {
          const reply = await place(body);
          return reply.status === 201 ? reply : undefined;
        }),
      ),
    );
    expect(replies).toHaveLength(size);
  }
  const first = await until('a full page', async () => {
    const reply = await call(createListByCustomer(bench), {
      pathParameters: { customerId },
      query: { limit: '100' },
    });
    return reply.body.nextCursor ? reply : undefined;
  });
  expect(first.body.data).toHaveLength(100);
  expect(JSON.stringify(first.body).length).toBeLessThan(6 * MB);
}, 120_000);

test('a body of exactly one MB is read, and one byte more is refused', async () => {
  const text = JSON.stringify({ customerId: 'c', items: largest.items.slice(0, 1) });
  const full = text + ' '.repeat(MB - text.length);
  expect((await place(full)).status).toBe(201);
  const over = await place(`${full} `);
  expect([over.status, over.body.code]).toEqual([413, 'BODY_TOO_LARGE']);
});

test('ten thousand items, and ids of a hundred thousand characters, are refused by their fields', async () => {
  const items = Array.from({ length: 10_000 }, () => ({ productId: 'p', quantity: 1, price: 1 }));
  const many = await place({ customerId: 'c', items });
  expect([many.status, many.body.errors[0].path]).toEqual([422, 'items']);
  const long = 'x'.repeat(100_000);
  const item = { productId: long, quantity: 1, price: 1 };
  const ids = await place({ customerId: long, items: [item] });
  expect(ids.body.errors.map(({ path }: { path: string }) => path)).toEqual([
    'customerId',
    'items.0.productId',
  ]);
  expect(JSON.stringify(ids.body).length).toBeLessThan(2 * KB); // nothing of it is sent back
});

test('a long id in the address is no order, and no customer', async () => {
  const long = 'x'.repeat(100_000);
  const order = await call(createGetOrder(bench), { pathParameters: { id: long } });
  expect(order.status).toBe(404);
  const list = await call(createListByCustomer(bench), {
    pathParameters: { customerId: long },
  });
  expect([list.status, list.body.errors[0].path]).toEqual([422, 'customerId']);
});

test('each request of a customer in a flood is taken or is to be repeated, and every order is listed once', async () => {
  const customerId = 'flood';
  const body = { customerId, items: [{ productId: 'p', quantity: 1, price: 1 }] };
  const replies = await Promise.all(Array.from({ length: 150 }, () => place(body)));
  const taken = replies.filter(({ status }) => status === 201);
  for (const { status, headers } of replies) {
    if (status !== 201) expect([status, headers['retry-after']]).toEqual([503, '5']);
  }
  expect(taken.length).toBeGreaterThan(0);
  const ids = await until('the list to have them all', async () => {
    const all: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { body: page } = await call(createListByCustomer(bench), {
        pathParameters: { customerId },
        query: { limit: '40', ...(cursor && { cursor }) },
      });
      all.push(...page.data.map(({ id }: { id: string }) => id));
      cursor = page.nextCursor;
    }
    return all.length >= taken.length ? all : undefined;
  });
  expect(new Set(ids).size).toBe(ids.length);
  // A 503 may hide a success with a lost answer: there may be more orders than confirmed ones, never fewer.
  for (const { body: order } of taken) expect(ids).toContain(order.data.id);
});
