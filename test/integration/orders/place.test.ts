import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

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

const body = {
  customerId: 'customer-1',
  items: [{ productId: 'p-1', quantity: 3, price: 0.1 }],
  contact: { email: 'somebody@example.org', phone: '+15550199' },
};

test('an order is answered, stored, published with its key and marked as published', async () => {
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  const reply = await call(createHandler(bench), {
    method: 'POST',
    body,
    headers: { traceparent },
  });

  expect(reply.status).toBe(201);
  const { data: order } = reply.body;
  expect(reply.body).toEqual({
    success: true,
    message: 'Order created successfully',
    data: {
      id: expect.stringMatching(UUID_V7),
      customerId: 'customer-1',
      items: body.items,
      totalAmount: 0.3,
      currency: 'USD',
      status: 'pending',
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: order.createdAt,
    },
  });
  expect(reply.headers.location).toBe(`/api/orders/${order.id}`);

  const [record] = await topic.atLeast(1);
  const event = JSON.parse(record?.value ?? '');
  expect(record?.key).toBe(order.id);
  expect(event).toEqual({
    id: expect.stringMatching(UUID_V7),
    type: 'ORDER_CREATED',
    timestamp: order.createdAt,
    sequence: 1,
    schemaVersion: 1,
    data: {
      orderId: order.id,
      customerId: 'customer-1',
      totalAmount: 0.3,
      currency: 'USD',
      status: 'pending',
      items: body.items,
      contact: body.contact,
    },
  });
  expect(record?.headers).toEqual({
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: 'ORDER_CREATED',
    ce_source: '/orders',
    ce_subject: order.id,
    ce_time: order.createdAt,
    'content-type': 'application/json',
    traceparent: expect.stringMatching(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`)),
  });

  const stored = await bench.repository.get(order.id);
  expect(stored?.events).toEqual([expect.objectContaining({ publishedAt: expect.any(String) })]);
  await until('the index to hold nothing', async () =>
    (await bench.repository.backlog.summary()).oldest === undefined ? true : undefined,
  );
});

test('the order is read back as it was answered, without its contact', async () => {
  const { body: created } = await call(createHandler(bench), { method: 'POST', body });
  const { id } = created.data;
  const reply = await call(createGetOrder(bench), { pathParameters: { id } });
  expect(reply.status).toBe(200);
  expect(reply.headers.etag).toBe('"1"');
  expect(reply.body).toEqual({ success: true, data: created.data });
  expect(JSON.stringify(reply.body)).not.toContain('somebody');
});

test.each(['no-uuid', '0192f0c1-2345-7abc-8def-0123456789ab', 'ä/ö', ''])(
  'the id %j belongs to no order',
  async (id) => {
    const reply = await call(createGetOrder(bench), { pathParameters: { id } });
    expect([reply.status, reply.body.code]).toEqual([404, 'ORDER_NOT_FOUND']);
  },
);
