import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createListOrderEvents } from '../../../functions/listOrderEvents/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { orderKey } from '../../../lib/table.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

test("another customer's order is unknown also where its item cannot be read", async () => {
  const items = [{ productId: 'p', quantity: 1, price: 5 }];
  const body = { customerId: 'ada', items };
  const placed = await call(createCreateOrder(bench), { method: 'POST', body });
  const { id } = placed.body.data;
  const UpdateExpression = 'REMOVE currency';
  await bench.dynamo.send(
    new UpdateCommand({ TableName: bench.table, Key: orderKey(id), UpdateExpression }),
  );
  const answers = async (customerId: string) => {
    const deps = { ...bench, callers: callersOf({ kind: 'customer', customerId }) };
    const request = { pathParameters: { id } };
    const move = { ...request, method: 'PUT', body: { status: 'cancelled' } };
    return [
      (await call(createGetOrder(deps), request)).status,
      (await call(createListOrderEvents(deps), request)).status,
      (await call(createUpdateStatus(deps), move)).status,
    ];
  };
  expect(await answers('bob')).toEqual([404, 404, 404]);
  expect(await answers('ada')).toEqual([500, 500, 500]);
});
