import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { type Fault, faultyDynamo } from '../../support/faults.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

function* lostOnce(): Generator<Fault> {
  yield 'answer lost';
  for (;;) yield 'none';
}

test('a creation whose first answer is lost is one order with one event', async () => {
  const { client, tries } = faultyDynamo('PutItemCommand', ['answer lost', 'none']);
  const deps = { ...bench, repository: createRepository({ ...bench, dynamo: client }) };
  const reply = await call(createCreateOrder(deps), { method: 'POST', body });
  expect(reply.status).toBe(201);
  expect(tries.PutItem).toBeGreaterThan(1);
  expect((await bench.repository.get(reply.body.data.id))?.events).toHaveLength(1);
});

test('a change whose first answer is lost is a success with one event', async () => {
  const created = await call(createCreateOrder(bench), { method: 'POST', body });
  const { id } = created.body.data;
  const { client, tries } = faultyDynamo('UpdateItemCommand', lostOnce());
  const deps = { ...bench, repository: createRepository({ ...bench, dynamo: client }) };
  const reply = await call(createUpdateStatus(deps), {
    method: 'PUT',
    pathParameters: { id },
    body: { status: 'confirmed', expectedVersion: 1 },
  });
  expect(tries.UpdateItem).toBeGreaterThan(2); // the change twice, and the mark of its event
  expect([reply.status, reply.body.data?.version]).toEqual([200, 2]);
  expect((await bench.repository.get(id))?.events).toHaveLength(2);
});

test('a change whose answer is lost is a success also when another writer has moved on since', async () => {
  const created = await call(createCreateOrder(bench), { method: 'POST', body });
  const pathParameters = { id: created.body.data.id };
  const { client } = faultyDynamo('UpdateItemCommand', lostOnce());
  let moves = 0;
  client.middlewareStack.add(
    (send, context) => async (args) => {
      const change = context.commandName === 'UpdateItemCommand';
      if (change && ++moves === 2) {
        const other = { method: 'PUT', pathParameters, body: { status: 'shipped' } };
        expect((await call(createUpdateStatus(bench), other)).status).toBe(200);
      }
      return send(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'another-writer' },
  );
  const reply = await call(
    createUpdateStatus({ ...bench, repository: createRepository({ ...bench, dynamo: client }) }),
    { method: 'PUT', pathParameters, body: { status: 'confirmed', expectedVersion: 1 } },
  );
  expect([reply.status, reply.body.data?.status, reply.body.data?.version]).toEqual([
    200,
    'confirmed',
    2,
  ]);
  const stored = await bench.repository.get(pathParameters.id);
  expect(stored?.events.map(({ type }) => type)).toEqual([
    'ORDER_CREATED',
    'ORDER_UPDATED',
    'ORDER_SHIPPED',
  ]);
});
