import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler } from '../../../functions/updateStatus/handler.ts';
import { call } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';

let bench: OrderBench;

beforeAll(async () => {
  bench = await createOrderBench();
});

afterAll(() => bench.close());

async function place(): Promise<string> {
  const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };
  return (await call(createCreateOrder(bench), { method: 'POST', body })).body.data.id;
}

function move(id: string, body: object, headers?: Record<string, string>) {
  return call(createHandler(bench), {
    method: 'PUT',
    pathParameters: { id },
    body,
    ...(headers && { headers }),
  });
}

test('every move makes one version and one event, and the events stand in order', async () => {
  const id = await place();
  for (const status of ['confirmed', 'shipped', 'delivered']) {
    expect((await move(id, { status })).status).toBe(200);
  }
  const topic = await readTopic(bench.brokers, bench.topic);
  try {
    await topic.atLeast(4);
    const told = topic.records.filter(({ key }) => key === id);
    const events = told.map(({ value }) => JSON.parse(value));
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['ORDER_CREATED', 1],
      ['ORDER_UPDATED', 2],
      ['ORDER_SHIPPED', 3],
      ['ORDER_DELIVERED', 4],
    ]);
    expect(new Set(told.map(({ partition }) => partition)).size).toBe(1);
  } finally {
    await topic.close();
  }
});

test('a status that the order has already is answered, and nothing is published', async () => {
  const id = await place();
  await move(id, { status: 'confirmed' });
  const again = await move(id, { status: 'confirmed', expectedVersion: 1 });
  expect([again.status, again.body.data.version]).toEqual([200, 2]);
  expect((await bench.repository.get(id))?.events).toHaveLength(2);
});

test('the checks come in their order: version, then move', async () => {
  const id = await place();
  const stale = await move(id, { status: 'delivered', expectedVersion: 7 });
  expect([stale.status, stale.body.code, stale.body.currentVersion]).toEqual([
    412,
    'VERSION_MISMATCH',
    1,
  ]);
  const refused = await move(id, { status: 'delivered' }, { 'if-match': '"1"' });
  expect([refused.status, refused.body.currentVersion, refused.body.allowed]).toEqual([
    409,
    1,
    ['confirmed', 'shipped', 'cancelled'],
  ]);
  const both = await move(id, { status: 'shipped', expectedVersion: 1 }, { 'if-match': '"2"' });
  expect([both.status, both.body.code]).toEqual([422, 'VERSIONS_DIFFER']);
});

test('a contradiction in a request is refused only where its version matters', async () => {
  const contradiction = [{ status: 'pending', expectedVersion: 1 }, { 'if-match': '"2"' }] as const;
  const unknown = await move('0192f0c1-2345-7abc-8def-0123456789ab', ...contradiction);
  expect(unknown.status).toBe(404);
  const there = await move(await place(), ...contradiction);
  expect([there.status, there.headers.etag]).toEqual([200, '"1"']);
});

test('of two writers at once, both are answered by the rules and no version is skipped', async () => {
  const id = await place();
  const replies = await Promise.all(
    ['confirmed', 'cancelled', 'shipped', 'confirmed'].map((status) => move(id, { status })),
  );
  const stored = await bench.repository.get(id);
  expect(stored?.events.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: stored?.order.version ?? 0 }, (_, i) => i + 1),
  );
  for (const { status } of replies) expect([200, 409]).toContain(status);
});

test('of two writers with the same version, one wins and the other is refused', async () => {
  const id = await place();
  const replies = await Promise.all([
    move(id, { status: 'confirmed', expectedVersion: 1 }),
    move(id, { status: 'cancelled', expectedVersion: 1 }),
  ]);
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 412]);
});
