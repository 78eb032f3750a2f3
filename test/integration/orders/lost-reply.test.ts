import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import { call } from '../../support/http.ts';
import { addresses, createOrderBench, type OrderBench } from '../../support/orders.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

/** A client whose first answer to the named request is lost after the table has done the work. */
function losingAnswers(commandName: string) {
  const client = createDynamo({ region: 'us-east-1', ...addresses() });
  let lost = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next(args);
      if (context.commandName === commandName && lost === 0) {
        lost += 1;
        throw Object.assign(new Error('socket hang up'), {
          code: 'ECONNRESET',
          name: 'TimeoutError',
        });
      }
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: `lose-${commandName}` },
  );
  return { client, lostAnswers: () => lost };
}

const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

test('a creation whose first answer is lost is one order with one event', async () => {
  const { client, lostAnswers } = losingAnswers('PutItemCommand');
  const deps = { ...bench, repository: createRepository(client, bench.table) };
  const reply = await call(createCreateOrder(deps), { method: 'POST', body });
  expect(lostAnswers()).toBe(1);
  expect(reply.status).toBe(201);
  expect((await bench.repository.get(reply.body.data.id))?.events).toHaveLength(1);
});

test('a change whose first answer is lost is a success with one event', async () => {
  const created = await call(createCreateOrder(bench), { method: 'POST', body });
  const { id } = created.body.data;
  const { client, lostAnswers } = losingAnswers('UpdateItemCommand');
  const deps = { ...bench, repository: createRepository(client, bench.table) };
  const reply = await call(createUpdateStatus(deps), {
    method: 'PUT',
    pathParameters: { id },
    body: { status: 'confirmed', expectedVersion: 1 },
  });
  expect(lostAnswers()).toBe(1);
  expect([reply.status, reply.body.data?.version]).toEqual([200, 2]);
  expect((await bench.repository.get(id))?.events).toHaveLength(2);
});
