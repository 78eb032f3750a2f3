import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

function list(customerId: string, query: Record<string, string> = {}) {
  return call(createHandler(bench), { pathParameters: { customerId }, query });
}

test('a customer has the newest orders first, up to the limit, and by status', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    const body = { customerId: 'c-1', items: [{ productId: 'p', quantity: 1, price: count }] };
    ids.push((await call(createCreateOrder(bench), { method: 'POST', body })).body.data.id);
  }
  const all = await until('all five', async () => {
    const { body } = await list('c-1');
    return body.data.length === 5 ? body : undefined;
  });
  expect(all.data.map(({ id }: { id: string }) => id)).toEqual(ids.toReversed());
  expect(all.nextCursor).toBeNull();
  expect((await list('c-1', { limit: '2' })).body.data).toEqual(all.data.slice(0, 2));

  const [first = ''] = ids;
  const request = { pathParameters: { id: first }, body: { status: 'shipped' } };
  const shipped = await call(createUpdateStatus(bench), { method: 'PUT', ...request });
  const filtered = await until('the shipped one', async () => {
    const { body } = await list('c-1', { status: 'shipped' });
    return body.data.length === 1 ? body.data : undefined;
  });
  expect(filtered).toEqual([shipped.body.data]);
});

test('a customer without orders has an empty list', async () => {
  const reply = await list('nobody');
  expect([reply.status, reply.body]).toEqual([200, { success: true, data: [], nextCursor: null }]);
});

test.each([
  [{ limit: '0' }, 'limit'],
  [{ limit: '101' }, 'limit'],
  [{ limit: 'many' }, 'limit'],
  [{ status: 'lost' }, 'status'],
  [{ colour: 'red' }, 'colour'],
])('the query %j is refused at %s', async (query, path) => {
  const reply = await list('c-1', query);
  expect(reply.status).toBe(422);
  expect(reply.body.errors.map((fault: { path: string }) => fault.path)).toEqual([path]);
});
