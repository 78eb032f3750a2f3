import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { unsubscribeLink } from '../../../lib/notification/preferences/unsubscribe.ts';
import { until } from '../../support/until.ts';
import { NOTIFYING } from './notifications.ts';
import type { World } from './world.ts';

/** One way through a function, with its expected result. */
export type Sample = (world: World) => Promise<unknown>;
export type Samples = Record<string, Sample>;

export const UNSUBSCRIBE = {
  url: 'https://api.example.com/api/unsubscribe/',
  secrets: ['a secret of sixteen or more'],
} as const;

/** The quota of createOrder, more than its other samples need. */
export const ORDERS_PER_MINUTE = 20;

const UNKNOWN = '0192f0c1-2345-7abc-8def-000000000000';
const body = { customerId: 'c', items: [{ productId: 'p', quantity: 1, price: 5 }] };

/** DynamoDB throttles every request: 503, and no other way out. */
const throttled =
  (
    ...change: Parameters<World['request']> extends [number, ...infer Rest] ? Rest : never
  ): Sample =>
  ({ proxy, request }) =>
    proxy.during('throttled', () => request(503, ...change));

/** Places or moves orders until the function itself has marked an event as published. */
async function untilPublished(world: World, change: () => Promise<string>): Promise<void> {
  await until('an event that the function has published', async () => {
    const stored = await world.bench.repository.get(await change());
    return stored?.events.at(-1)?.publishedAt;
  });
}

const preferencesOf = (customerId: string) => ({ path: { customerId }, body: { language: 'de' } });
const clickOf = (customerId: string) => {
  const link = unsubscribeLink({ customerId, channel: 'email' }, UNSUBSCRIBE);
  return { path: { token: link.slice(UNSUBSCRIBE.url.length) } };
};

/** The sample of a function without samples of its own: it reads one order. */
export const READS_ORDER: Samples = {
  'an order': async ({ request, placeOrder }) =>
    request(200, { path: { id: (await placeOrder()).id } }),
  'an unknown id': ({ request }) => request(404, { path: { id: UNKNOWN } }),
  'a malformed id': ({ request }) => request(404, { path: { id: 'x' } }),
  throttled: throttled({ path: { id: UNKNOWN } }),
};

/** The ways of a function, by its key. A new way of a function is one more line here. */
export const SAMPLES: Record<string, Samples> = {
  createOrder: {
    'an order, published': (world) =>
      untilPublished(world, async () => (await world.request(201, { body })).body.data.id),
    'an order with a key, repeated, and the key with another order': async ({ request }) => {
      const headers = { 'idempotency-key': randomUUID() };
      await request(201, { headers, body });
      const again = await request(201, { headers, body });
      expect(again.headers).toMatchObject({ 'idempotent-replay': 'true' });
      await request(422, { headers, body: { ...body, customerId: 'other' } });
    },
    'an order that is refused': ({ request }) => request(422, { body: {} }),
    throttled: throttled({ body }),
    'with a key, throttled': throttled({ body, headers: { 'idempotency-key': 'k' } }),
    // More than two minutes' quotas, since the minute may end in between.
    'a repeat beyond the quota': async ({ request }) => {
      const headers = { 'idempotency-key': randomUUID() };
      for (let n = 0; n <= 2 * ORDERS_PER_MINUTE; n += 1) await request(201, { headers, body });
    },
  },
  listByCustomer: {
    'two pages, by status too': async ({ request, placeOrder }) => {
      const { customerId } = await placeOrder();
      await placeOrder(customerId);
      const path = { customerId };
      const first = await request(200, { path, query: { limit: '1' } });
      await request(200, { path, query: { limit: '1', cursor: first.body.nextCursor } });
      await request(200, { path, query: { status: 'pending' } });
    },
    'a customer without orders': ({ request }) =>
      request(200, { path: { customerId: randomUUID() } }),
    throttled: throttled({}),
  },
  updateStatus: {
    'a move, published': (world) =>
      untilPublished(world, async () => {
        const { id } = await world.placeOrder();
        await world.request(200, { path: { id }, body: { status: 'confirmed' } });
        return id;
      }),
    'the same status, a move that is not allowed, another version': async ({
      request,
      placeOrder,
    }) => {
      const { id } = await placeOrder();
      const to = (status: string, headers = {}) => ({ path: { id }, headers, body: { status } });
      await request(200, to('pending'));
      await request(409, to('delivered'));
      await request(412, to('confirmed', { 'if-match': '"7"' }));
      await request(200, to('confirmed', { 'if-match': '"1"' }));
    },
    'an unknown id': ({ request }) => request(404, { path: { id: UNKNOWN } }),
    throttled: throttled({ path: { id: UNKNOWN } }),
  },
  getPreferences: {
    'a customer who has said nothing, and one who has': async ({ request, prefer }) => {
      const path = { customerId: randomUUID() };
      await request(200, { path });
      await prefer(path.customerId, {});
      await request(200, { path });
    },
    throttled: throttled({}),
  },
  putPreferences: {
    'whatever is there': ({ request }) => request(200, preferencesOf(randomUUID())),
    'by version': async ({ request }) => {
      const change = preferencesOf(randomUUID());
      const at = (version: string) => ({ ...change, headers: { 'if-match': version } });
      await request(412, at('"1"'));
      await request(200, at('"0"'));
      await request(200, at('"1"'));
      await request(412, at('"1"'));
      await request(200, at('*'));
    },
    throttled: throttled(preferencesOf('c')),
    'by version, throttled': throttled({ ...preferencesOf('c'), headers: { 'if-match': '"1"' } }),
  },
  unsubscribe: {
    'the page, the click, and the click again': async ({ request }) => {
      const click = clickOf(randomUUID());
      await request(200, { ...click, method: 'GET' });
      await request(200, { ...click, method: 'POST' });
      await request(200, { ...click, method: 'POST' });
    },
    'a customer with preferences': async ({ request, prefer }) => {
      const customerId = randomUUID();
      await prefer(customerId, {});
      await request(200, { ...clickOf(customerId), method: 'POST' });
    },
    'a forged link': ({ request }) => request(404, { path: { token: 'x.y' } }),
    throttled: throttled(clickOf('c')),
  },
  docs: { 'the page': ({ request }) => request(200) },
  notFound: { 'an unknown address': ({ request }) => request(404) },
  health: {
    'all that there is': async ({ request }) => {
      await until('Kafka to be known', async () => {
        const { body: report } = await request(200);
        return report.dependencies.kafka.state === 'up' ? true : undefined;
      });
    },
    throttled: throttled(),
  },
  relayOutbox: {
    'a pending order, and one that Kafka has refused before': async (world) => {
      const { placeOrder, bench, invoke, sample } = world;
      const [pending, refused] = [await placeOrder(), await placeOrder()];
      const since = refused.createdAt;
      const refusal = { since, at: since, attempts: 1, reason: 'RECORD_TOO_LARGE' };
      await bench.repository.backlog.putOff(refused.id, 1, refusal, since);
      for (const { id } of [pending, refused]) {
        await until(`${id} on the topic`, async () => {
          await world.lambda.invoke(await sample());
          return (await bench.repository.get(id))?.events[0]?.publishedAt;
        });
      }
      await invoke(await sample());
    },
    throttled: async ({ proxy, lambda, sample }) =>
      expect(
        await proxy.during('throttled', async () => lambda.invoke(await sample())),
      ).toMatchObject({
        error: { errorMessage: expect.stringContaining('DynamoDB') },
      }),
  },
  ...NOTIFYING,
};
