import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler } from '../../../functions/listByCustomer/handler.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import { eventOf } from '../../../lib/order/events.ts';
import { firstVersion } from '../../../lib/order/order.ts';
import { createRepository } from '../../../lib/order/repository.ts';
import type { OrderStatus } from '../../../lib/order-event.ts';
import { orderKey } from '../../../lib/table.ts';
import { callersOf } from '../../support/callers.ts';
import { countRequests } from '../../support/faults.ts';
import { call, type Reply } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { until } from '../../support/until.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

let minutes = 0;

/** Writes orders of one customer, oldest first, a minute apart, and answers their ids. */
async function orders(customerId: string, statuses: OrderStatus[]): Promise<string[]> {
  const ids: string[] = [];
  for (const status of statuses) {
    minutes += 1;
    const id = `0192f0c1-2345-7abc-8def-${String(minutes).padStart(12, '0')}`;
    const items = [{ productId: 'p', quantity: 1, price: 1 }];
    const at = new Date(Date.UTC(2026, 0, 1, 0, minutes));
    const order = { ...firstVersion(id, { customerId, items, currency: 'USD' }, at), status };
    await bench.repository.insert({ order, events: [eventOf(order, { id, traceparent: '' })] });
    ids.push(id);
  }
  return ids;
}

function list(
  customerId: string,
  query: Record<string, string> = {},
  repository = bench.repository,
) {
  return call(createHandler({ repository, callers: callersOf() }), {
    pathParameters: { customerId },
    query,
  });
}

const idsOf = ({ body }: Reply): string[] => body.data.map(({ id }: { id: string }) => id);

/** All pages, one after the other. */
async function walk(customerId: string, query: Record<string, string>) {
  const pages: string[][] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const reply = await list(customerId, { ...query, ...(cursor && { cursor }) });
    expect(reply.status).toBe(200);
    pages.push(idsOf(reply));
    cursor = reply.body.nextCursor;
  }
  return pages;
}

const pending = (count: number): OrderStatus[] => Array.from({ length: count }, () => 'pending');

test('pages follow each other without a gap, a repetition or an empty one at the end', async () => {
  const ids = await orders('pages', pending(6));
  const newestFirst = ids.toReversed();
  for (const limit of [1, 2, 3, 4, 6, 7]) {
    const pages = await walk('pages', { limit: String(limit) });
    expect(pages.flat()).toEqual(newestFirst);
    expect(pages).toHaveLength(Math.ceil(6 / limit));
  }
});

test('a cursor survives the removal of the order that it stands at, and new orders', async () => {
  const ids = await orders('moving', pending(5));
  const first = await list('moving', { limit: '2' });
  expect(idsOf(first)).toEqual([ids[4], ids[3]]);
  const Key = orderKey(ids[3] ?? '');
  await bench.dynamo.send(new DeleteCommand({ TableName: bench.table, Key }));
  const [late] = await orders('moving', pending(1));
  await until('the list to hold the new order', async () =>
    idsOf(await list('moving')).includes(String(late)) ? true : undefined,
  );
  const next = await list('moving', { cursor: first.body.nextCursor });
  expect(idsOf(next)).toEqual([ids[2], ids[1], ids[0]]);
  expect(next.body.nextCursor).toBeNull();
});

test('with a status, pages hold only such orders, and the end is known', async () => {
  const ids = await orders('some', ['shipped', 'pending', 'shipped', 'pending', 'shipped']);
  const pages = await walk('some', { status: 'shipped', limit: '2' });
  expect(pages).toEqual([[ids[4], ids[2]], [ids[0]]]);
  expect(await walk('some', { status: 'shipped', limit: '3' })).toHaveLength(1);
  expect(await walk('some', { status: 'delivered' })).toEqual([[]]);
});

test('the work for one page is bounded: a rare status comes with pages that may be short', async () => {
  const ids = await orders('rare', ['cancelled', ...pending(1100), 'cancelled']);
  const client = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const requests = countRequests(client);
  const query = { status: 'cancelled', limit: '2' };
  const first = await list('rare', query, createRepository({ ...bench, dynamo: client }));
  expect(requests.Query).toBe(4);
  expect(idsOf(first)).toEqual([ids.at(-1)]);
  expect(first.body.nextCursor).not.toBeNull();
  expect((await walk('rare', query)).flat()).toEqual([ids.at(-1), ids[0]]);
}, 120_000);

test('a cursor of another customer, another filter, or none at all is refused', async () => {
  await orders('mine', pending(2));
  const { body } = await list('mine', { limit: '1' });
  const cursor = body.nextCursor;
  const replies = await Promise.all([
    list('yours', { cursor }),
    list('mine', { cursor, status: 'pending' }),
    list('mine', { cursor: `${cursor}A` }),
    list('mine', { cursor: '' }),
    list('mine', { cursor: 'a'.repeat(600) }),
  ]);
  for (const { status, body: refusal } of replies) {
    expect([status, refusal.errors.map(({ path }: { path: string }) => path)]).toEqual([
      422,
      ['cursor'],
    ]);
  }
  expect((await list('mine', { cursor, limit: '7' })).status).toBe(200);
});
