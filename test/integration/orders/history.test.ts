import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler } from '../../../functions/listOrderEvents/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import { eventEntrySchema } from '../../../lib/order/event-entry.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';

const body = {
  customerId: 'c',
  items: [{ productId: 'p', quantity: 1, price: 5 }],
  contact: { email: 'somebody@example.org', phone: '+15550199' },
};

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

const events = (id: string) => call(createHandler(bench), { pathParameters: { id } });

test('the events of an order stand in sequence, each with the state of its publication', async () => {
  const placed = await call(createCreateOrder(bench), { method: 'POST', body });
  const { id } = placed.body.data;
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const request = { method: 'PUT', pathParameters: { id }, body: { status: 'shipped' } };
  await call(createUpdateStatus(away), request);

  const reply = await events(id);
  expect(reply.status).toBe(200);
  const [created, shipped] = reply.body.data;
  expect(created).toEqual({
    id: expect.any(String),
    type: 'ORDER_CREATED',
    timestamp: placed.body.data.createdAt,
    sequence: 1,
    schemaVersion: 1,
    data: {
      orderId: id,
      customerId: 'c',
      totalAmount: 5,
      currency: 'USD',
      status: 'pending',
      items: body.items,
    },
    published: true,
    publishedAt: expect.any(String),
  });
  expect(shipped).toMatchObject({ type: 'ORDER_SHIPPED', sequence: 2, published: false });
  expect(Object.keys(shipped)).not.toContain('publishedAt');
  expect(JSON.stringify(reply)).not.toMatch(/somebody|15550199|contact/);
  for (const entry of reply.body.data) eventEntrySchema.parse(entry);
});

test('an event that Kafka refuses is shown with its tries, and those behind it as pending', async () => {
  const away = { ...bench, producer: createProducer([`localhost:${await freePort()}`]) };
  const placed = await call(createCreateOrder(away), { method: 'POST', body });
  const { id } = placed.body.data;
  const at = new Date().toISOString();
  const refusal = { since: at, at, attempts: 3, reason: 'too large at broker-1' };
  await bench.repository.backlog.putOff(id, 1, refusal, at);
  const request = { method: 'PUT', pathParameters: { id }, body: { status: 'shipped' } };
  await call(createUpdateStatus(away), request);
  const { body: answer } = await events(id);
  expect(answer.data.map(({ refused }: { refused?: object }) => refused)).toEqual([
    { since: at, attempts: 3 },
    undefined,
  ]);
  expect(JSON.stringify(answer)).not.toContain('broker-1');
});

test.each(['no-uuid', '0192f0c1-2345-7abc-8def-0123456789ab'])(
  'the id %j belongs to no order',
  async (id) => {
    const reply = await events(id);
    expect([reply.status, reply.body.code]).toEqual([404, 'ORDER_NOT_FOUND']);
  },
);
