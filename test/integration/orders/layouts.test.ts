import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createListOrderEvents } from '../../../functions/listOrderEvents/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { AppError } from '../../../lib/errors.ts';
import { replay } from '../../../lib/order/replay.ts';
import { createRepository, type TableLayout } from '../../../lib/order/repository.ts';
import { orderKey } from '../../../lib/table.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench, type OrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';

const body = {
  customerId: 'c',
  items: [{ productId: 'p', quantity: 1, price: 5 }],
  contact: { email: 'ada@example.com' },
};
/** One way of an order, by the layout that the writer of each change uses, before and in a rolling deployment. */
const WRITERS: TableLayout[][] = [
  [1, 1, 1, 1],
  [1, 2, 1, 2],
  [2, 1, 2, 1],
  [2, 2, 2, 2],
];

const away: OrderBench['producer'] = {
  partitionOf: () => undefined,
  send: async () => {
    throw new AppError('KAFKA_AWAY', 'There is no Kafka.');
  },
  disconnect: async () => undefined,
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

/** @returns the id of an order whose changes were written in these layouts */
async function live(layouts: TableLayout[], deps: OrderBench = bench): Promise<string> {
  let id = '';
  const statuses = ['pending', 'confirmed', 'shipped', 'delivered'];
  for (const [i, layout] of layouts.entries()) {
    const writer = { ...deps, repository: createRepository(bench, layout) };
    const reply =
      i === 0
        ? await call(createCreateOrder(writer), { method: 'POST', body })
        : await call(createUpdateStatus(writer), {
            method: 'PUT',
            pathParameters: { id },
            body: { status: statuses[i] },
          });
    expect(reply.body).toMatchObject({ success: true, data: { version: i + 1 } });
    id = reply.body.data.id;
  }
  return id;
}

const told = (id: string) => topic.records.filter(({ key }) => key === id);
const sequences = (id: string) => told(id).map(({ value }) => JSON.parse(value).sequence);

async function toldAgain(id: string, count: number) {
  await topic.atLeast(topic.records.length - told(id).length + count);
  return told(id);
}

test.each(WRITERS)(
  'an order written in the layouts %i, %i, %i and %i is read, shown and replayed',
  async (...layouts) => {
    const id = await live(layouts);
    await toldAgain(id, 4);
    expect(sequences(id)).toEqual([1, 2, 3, 4]);
    const shown = await call(createListOrderEvents(bench), { pathParameters: { id } });
    expect(shown.body.data.map(({ published }: { published: boolean }) => published)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    await replay(bench, { order: id }, { publish: true, found: () => undefined });
    const all = await toldAgain(id, 8);
    expect(all.slice(4)).toEqual(all.slice(0, 4));
  },
);

test.each(WRITERS)(
  'events that wait in the layouts %i, %i, %i and %i are published by the relay',
  async (...layouts) => {
    const id = await live(layouts, { ...bench, producer: away });
    const clock = { now: () => new Date(Date.now() + 60_000) };
    await createRelayOutbox({ ...bench, clock })({}, lambdaContext());
    await toldAgain(id, 4);
    expect(sequences(id)).toEqual([1, 2, 3, 4]);
    expect((await bench.repository.get(id))?.events.map(({ value }) => value)).toEqual(
      told(id).map(({ value }) => value),
    );
    expect((await bench.repository.backlog.summary()).oldest).toBeUndefined();
  },
);

test('releases before packed events can read layout 1', async () => {
  const id = await live([1, 1]);
  const { Item } = await bench.dynamo.send(
    new GetCommand({ TableName: bench.table, Key: orderKey(id), ConsistentRead: true }),
  );
  const [created, updated] = Item?.events ?? [];
  for (const event of [created, updated]) {
    expect(Object.keys(event).toSorted()).toEqual([
      'headers',
      'id',
      'publishedAt',
      'sequence',
      'timestamp',
      'type',
      'value',
    ]);
  }
});
