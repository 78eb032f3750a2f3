import { expect, test } from '@jest/globals';
import { kafkaEventSource } from './testing.ts';

interface Order {
  readonly id: string;
  readonly sequence: number;
}

/** The state of a small shop, and what it has done to the world. */
interface Shop {
  readonly seen: Set<string>;
  readonly last: Map<string, number>;
  readonly mails: string[];
  readonly totals: Map<string, number>;
}

type Handle = (order: Order, shop: Shop, key: string) => void;

const eventOf = ({ id, sequence }: Order) => `${id} ${sequence}`;
const add = (totals: Map<string, number>, id: string) => totals.set(id, (totals.get(id) ?? 0) + 1);

/** Sends each mail and counts each order once, in the order of the events. */
const right: Handle = (order, { seen, last, mails, totals }) => {
  if (seen.has(eventOf(order))) return;
  seen.add(eventOf(order));
  last.set(order.id, order.sequence);
  mails.push(eventOf(order));
  add(totals, order.id);
};

/** Faults that show only when a record comes again. */
const FAULTS: Readonly<Record<string, Handle>> = {
  'sends again': (order, { mails, totals, seen }) => {
    mails.push(eventOf(order));
    if (seen.has(eventOf(order))) return;
    seen.add(eventOf(order));
    add(totals, order.id);
  },
  'counts again': (order, shop) => {
    add(shop.totals, order.id);
    if (!shop.mails.includes(eventOf(order))) shop.mails.push(eventOf(order));
  },
  'remembers before the work of the first event only': (order, shop, key) => {
    if (order.sequence === 1) right(order, shop, key);
    else FAULTS['counts again']?.(order, shop, key);
  },
  'remembers the last event of all orders': (order, { seen, mails, totals }) => {
    if (seen.has(eventOf(order))) return;
    seen.clear();
    seen.add(eventOf(order));
    mails.push(eventOf(order));
    add(totals, order.id);
  },
  'remembers the last event of each order only': (order, { last, mails, totals }) => {
    if (last.get(order.id) === order.sequence) return;
    last.set(order.id, order.sequence);
    mails.push(eventOf(order));
    add(totals, order.id);
  },
  'forgets all after ten events': (order, shop, key) => {
    if (shop.seen.size > 10) shop.seen.clear();
    right(order, shop, key);
  },
  'makes another key for each delivery': (order, { seen, mails, totals }) => {
    const key = `${eventOf(order)} ${seen.size}`;
    seen.add(key);
    mails.push(eventOf(order));
    add(totals, order.id);
  },
  'takes the number of calls for the sequence': (order, { last, mails, totals }) => {
    const sequence = (last.get(order.id) ?? 0) + 1;
    last.set(order.id, sequence);
    mails.push(`${order.id} ${sequence}`);
    add(totals, order.id);
  },
  'sends only if it is newer, and counts always': (order, { last, mails, totals }) => {
    add(totals, order.id);
    if (order.sequence <= (last.get(order.id) ?? 0)) return;
    last.set(order.id, order.sequence);
    mails.push(eventOf(order));
  },
  'takes an older event for a correction': (order, { last, mails, totals }) => {
    const newest = last.get(order.id) ?? 0;
    if (order.sequence === newest) return;
    if (order.sequence > newest) add(totals, order.id);
    last.set(order.id, Math.max(newest, order.sequence));
    mails.push(`${eventOf(order)}${order.sequence < newest ? ' corrected' : ''}`);
  },
};

/** The shop after two deliveries of all records, the first with random crashes; if it is calm, after one. */
async function shopOf(
  handle: Handle,
  { isCalm = false } = {},
): Promise<{ mails: string[]; totals: object }> {
  const shop: Shop = { seen: new Set(), last: new Map(), mails: [], totals: new Map() };
  await using source = await kafkaEventSource({
    functions: {
      notify: async ({
        records,
      }: {
        records: Record<string, { key: string; value: string }[]>;
      }) => {
        for (const { key, value } of Object.values(records).flat()) {
          handle(JSON.parse(Buffer.from(value, 'base64').toString()), shop, key);
        }
      },
    },
    mappings: { notify: { topic: 'orders', batchSize: 5 } },
    ...(!isCalm && { seed: 3 }),
  });
  const orders = [1, 2, 3].flatMap((sequence) =>
    Array.from({ length: 8 }, (_, id) => ({ id: `order-${id}`, sequence })),
  );
  await source.produce(
    'orders',
    orders.map((value) => ({ key: value.id, value })),
  );
  await source.drain();
  if (!isCalm) await source.redeliverEverything();
  return { mails: shop.mails.toSorted(), totals: Object.fromEntries([...shop.totals].toSorted()) };
}

test('a random run and a second delivery pass a handler that does its work once', async () => {
  const { mails, totals } = await shopOf(right);
  expect(mails).toHaveLength(24);
  expect(new Set(Object.values(totals))).toEqual(new Set([3]));
});

test.each(Object.keys(FAULTS))('they find a handler that %s', async (name) => {
  const fault = FAULTS[name];
  if (!fault) throw new Error(`no fault ${name}`);
  const wanted = await shopOf(right, { isCalm: true });
  expect(await shopOf(fault, { isCalm: true })).toEqual(wanted);
  expect(await shopOf(fault)).not.toEqual(wanted);
});

test('redeliverEverything begins with the first record that each mapping has read', async () => {
  const values: (string | null)[][] = [];
  await using source = await kafkaEventSource({
    functions: { notify: async () => undefined },
    mappings: { notify: { topic: 'orders', startingPosition: 'LATEST' } },
    records: { orders: [{ value: 'before' }] },
    topics: { orders: 1 },
  });
  await source.produce('orders', { value: 'after' });
  await source.drain();
  await source.redeliverEverything();
  for (const { records } of source.invocations('notify')) {
    values.push(records.map(({ value }) => value));
  }
  expect(values).toEqual([['after'], ['after']]);
});
