import { afterEach, expect, test } from '@jest/globals';
import { createHandler as createCreateOrder } from '../../../functions/createOrder/handler.ts';
import { createHandler as createGetOrder } from '../../../functions/getOrder/handler.ts';
import { createHandler as createListByCustomer } from '../../../functions/listByCustomer/handler.ts';
import { createHandler as createListOrderEvents } from '../../../functions/listOrderEvents/handler.ts';
import { createHandler as createRelayOutbox } from '../../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../../functions/updateStatus/handler.ts';
import { replay } from '../../../lib/order/replay.ts';
import { type Item, loadItems, releases } from '../../items/load.ts';
import { callersOf } from '../../support/callers.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { createOrderBench } from '../../support/orders.ts';
import { readTopic } from '../../support/topic.ts';
import { until } from '../../support/until.ts';

const MINUTE = 60_000;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The orders of a release in a table of their own, and the functions that act on them. */
async function ordersOf(release: string) {
  const bench = await createOrderBench();
  const { items, later } = await loadItems(bench, release);
  const topic = await readTopic(bench.brokers, bench.topic);
  closing.push(topic.close, bench.close);
  const deps = { ...bench, clock: later(10 * MINUTE) };
  const orders = items.filter(({ sk }) => sk === 'ORDER');
  const told = (id: string) => {
    const all = topic.records.filter(({ key }) => key === id);
    return all.map(({ value }) => JSON.parse(value).sequence);
  };
  return {
    deps,
    orders,
    topic,
    told,
    read: (id: string) => readOrder({ repository: deps.repository, callers: callersOf() }, id),
  };
}

async function readOrder(repository: Parameters<typeof createGetOrder>[0], id: string) {
  return (await call(createGetOrder(repository), { pathParameters: { id } })).body;
}

function shown(order: Item) {
  const { id, customerId, items, totalAmount, currency, status, version } = order;
  const { createdAt, updatedAt } = order;
  return {
    ...{ id, customerId, items, totalAmount, currency },
    ...{ status, version, createdAt, updatedAt },
  };
}

const sequencesTo = (version: number) => Array.from({ length: version }, (_, i) => i + 1);

test.each(releases())(
  'orders of %s are read, listed and kept under their keys',
  async (release) => {
    const { deps, orders, read } = await ordersOf(release);
    const { repository } = deps;
    for (const order of orders) {
      const { id, customerId, items, contact, currency } = order;
      expect((await read(id)).data).toEqual(shown(order));
      const request = { pathParameters: { id } };
      const events = await call(
        createListOrderEvents({ repository, callers: callersOf() }),
        request,
      );
      expect(events.body.data.map((event: Item) => [event.sequence, event.published])).toEqual(
        order.events.map(({ sequence, publishedAt }: Item) => [
          sequence,
          publishedAt !== undefined,
        ]),
      );
      const list = await until('the index to hold it', async () => {
        const found = await call(createListByCustomer({ repository, callers: callersOf() }), {
          pathParameters: { customerId },
        });
        return found.body.data.length > 0 ? found.body.data : undefined;
      });
      expect(list).toEqual([shown(order)]);

      const again = await call(createCreateOrder(deps), {
        method: 'POST',
        headers: { 'idempotency-key': `key of ${customerId}` },
        body: { customerId, items, currency, ...(contact && { contact }) },
      });
      expect([customerId, again.status, again.body.data?.id]).toEqual([customerId, 201, id]);
      expect(again.headers['idempotent-replay']).toBe('true');
    }
  },
);

test.each(releases())(
  'pending events in orders of %s are published, in sequence',
  async (release) => {
    const { deps, orders, told, read } = await ordersOf(release);
    await until('all events', async () => {
      await createRelayOutbox(deps)({}, lambdaContext());
      return orders.every(({ id, version }) => told(id).length >= version) || undefined;
    });
    for (const { id, version } of orders) {
      expect([...new Set(told(id))]).toEqual(sequencesTo(version));
    }
    await until('nothing to wait', async () => {
      const { oldest, refusedOrders } = await deps.repository.backlog.summary();
      return (oldest === undefined && refusedOrders === 0) || undefined;
    });
    for (const order of orders) expect((await read(order.id)).data).toEqual(shown(order));
  },
);

test.each(releases())('orders of %s move on, each event in its turn', async (release) => {
  const { deps, orders, told, read } = await ordersOf(release);
  const next: Record<string, string> = {
    pending: 'confirmed',
    confirmed: 'shipped',
    shipped: 'delivered',
  };
  for (const { id, status, version } of orders) {
    const wanted = next[status];
    const body = { status: wanted ?? 'pending', expectedVersion: version };
    const reply = await call(createUpdateStatus(deps), {
      method: 'PUT',
      pathParameters: { id },
      body,
    });
    expect([status, reply.status]).toEqual([status, wanted ? 200 : 409]);
    const now = wanted ? version + 1 : version;
    expect((await read(id)).data).toMatchObject({ status: wanted ?? status, version: now });
    if (!wanted) continue;
    await until(`events to ${now}`, () => told(id).includes(now) || undefined);
    expect([...new Set(told(id))]).toEqual(sequencesTo(now));
  }
});

test.each(releases())('events of %s are published again with the same bytes', async (release) => {
  const { deps, orders, topic } = await ordersOf(release);
  const published = orders.flatMap(({ events }) =>
    events.filter(({ publishedAt }: Item) => publishedAt),
  );
  await topic.atLeast(published.length);
  const times = orders.map(({ createdAt }) => Date.parse(createdAt));
  const period = {
    from: new Date(Math.min(...times)),
    to: deps.clock.now(),
  };
  const report = await replay(deps, period, { publish: true, found: () => undefined });
  expect(report).toMatchObject({ orders: orders.length, events: published.length });
  const records = await topic.atLeast(2 * published.length);
  for (const { id, value, headers } of published) {
    const twice = records.filter(({ headers: { ce_id } }) => ce_id === id);
    expect(twice).toMatchObject([
      { value, headers },
      { value, headers },
    ]);
  }
});
