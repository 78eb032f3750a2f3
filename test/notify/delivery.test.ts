import { expect, test } from '@jest/globals';
import { newOrder, openShop, type Shop, START, TOPIC } from './shop.ts';

const DAY_MS = 86_400_000;

/** The times of the attempts, in seconds since the first one. */
function timesOf(shop: Shop): number[] {
  const starts = shop.source.invocations('notify').map(({ startedAt }) => startedAt);
  return starts.map((start) => (start - (starts[0] ?? 0)) / 1000);
}

test('ten failures are followed by retries after growing pauses, and the event is sent once', async () => {
  await using shop = await openShop();
  const order = newOrder();
  shop.database.react(() =>
    shop.source.invocations('notify').length <= 10 ? 'throttled' : 'answered',
  );
  await shop.publish(order.event());
  await shop.source.drain();
  const invocations = shop.source.invocations('notify');
  expect(invocations.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  for (const { outcome, error } of invocations.slice(0, 10)) {
    expect([outcome, error]).toEqual([
      'functionError',
      expect.stringContaining('1 of 1 records failed'),
    ]);
  }
  expect(timesOf(shop)).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5, 121.5, 151.5]);
  expect(shop.told(order.id)).toHaveLength(2);
  expect(await shop.letters()).toEqual([]);
});

test('an event that fails until it is six days old goes to the dead letters, and the next one is sent', async () => {
  await using shop = await openShop();
  const [old, next] = [newOrder(), newOrder()];
  shop.source.fail('notify', { record: { key: old.id } });
  const fiveDaysAgo = Date.parse(START) - 5 * DAY_MS;
  const record = { key: old.id, value: old.event(), partition: 0, timestamp: fiveDaysAgo };
  await shop.source.produce(TOPIC, record);
  await shop.clock.advance('23 hours');
  expect(await shop.letters()).toEqual([]);
  await shop.source.produce(TOPIC, { key: next.id, value: next.event(), partition: 0 });
  await shop.source.drain();
  const letters = await shop.letters();
  expect(letters).toMatchObject([{ key: old.id, condition: 'RecordAgeExceeded' }]);
  // Its age is looked at before each attempt, and the attempts are half a minute apart.
  const at = (letters[0]?.at ?? 0) - Date.parse(START);
  expect(at).toBeGreaterThanOrEqual(DAY_MS);
  expect(at).toBeLessThanOrEqual(DAY_MS + 30_000);
  expect(shop.told(old.id)).toEqual([]);
  expect(shop.told(next.id)).toHaveLength(2);
});

test('only the records of orders that fail are delivered again, each order in its sequence', async () => {
  await using shop = await openShop();
  const [good, bad, other] = [newOrder(), newOrder(), newOrder()];
  let isAway = true;
  shop.database.react(({ key }) =>
    isAway && key === `CUSTOMER#${bad.customerId}` ? 'throttled' : 'answered',
  );
  const records = [
    { key: good.id, value: good.event() },
    { key: bad.id, value: bad.event() },
    { key: other.id, value: other.event() },
    { key: bad.id, value: bad.event('ORDER_SHIPPED') },
    { key: good.id, value: good.event('ORDER_SHIPPED') },
  ];
  await shop.source.produce(
    TOPIC,
    records.map((record) => ({ ...record, partition: 1 })),
  );
  await shop.source.idle();
  const [first] = shop.source.invocations('notify');
  expect(first?.answer).toEqual({
    batchItemFailures: [1, 3].map((offset) => ({
      itemIdentifier: { partition: `${TOPIC}-1`, offset },
    })),
  });
  expect(shop.told(bad.id)).toEqual([]);
  expect(shop.told(good.id)).toHaveLength(4);
  await shop.clock.advance('1 s');
  isAway = false;
  await shop.source.drain();
  for (const offset of shop.batches().slice(1).flat()) expect([1, 3]).toContain(offset);
  expect(shop.providers.taken).toHaveLength(10);
  const subjects = shop.told(bad.id).filter((words) => words.startsWith('email'));
  expect(subjects).toEqual([
    expect.stringContaining('received'),
    expect.stringContaining('on its way'),
  ]);
});

test('throttles delay the records and are no attempts', async () => {
  await using shop = await openShop();
  const order = newOrder();
  shop.source.throttle('notify', { times: 3 });
  await shop.publish(order.event());
  await shop.source.drain();
  const outcomes = shop.source
    .invocations('notify')
    .map(({ outcome, attempt }) => [outcome, attempt]);
  expect(outcomes).toEqual([
    ['throttled', 1],
    ['throttled', 1],
    ['throttled', 1],
    ['ok', 1],
  ]);
  expect(shop.told(order.id)).toHaveLength(2);
});

test.each(['timeout', 'crash', 'fail'] as const)(
  'a batch whose answer is lost by a %s after the work comes again, and tells nobody twice',
  async (fault) => {
    await using shop = await openShop();
    const orders = [newOrder(), newOrder(), newOrder()];
    shop.source[fault]('notify', { after: true, times: 2 });
    await shop.publish(...orders.map((order) => order.event()));
    await shop.source.drain();
    const invocations = shop.source.invocations('notify');
    expect(invocations.length).toBeGreaterThan(2);
    expect(invocations.at(-1)?.outcome).toBe('ok');
    expect(shop.providers.calls).toHaveLength(6);
  },
);

test('a record that ends the function again and again is alone in the end: those before it are sent, and those behind it wait', async () => {
  await using shop = await openShop();
  const orders = Array.from({ length: 9 }, () => newOrder());
  const bad = orders[4];
  if (!bad) throw new Error('nine orders');
  shop.source.crash('notify', { record: { key: bad.id }, after: false, times: 12 });
  await shop.source.produce(
    TOPIC,
    orders.map((order) => ({ key: order.id, value: order.event(), partition: 2 })),
  );
  await shop.clock.advance('10 s');
  expect(shop.batches().at(-1)).toEqual([4]);
  const counts = () => orders.map(({ id }) => shop.told(id).length);
  expect(counts()).toEqual([2, 2, 2, 2, 0, 0, 0, 0, 0]);
  await shop.source.drain();
  expect(counts()).toEqual(orders.map(() => 2));
  expect(await shop.letters()).toEqual([]);
});

test('an event that is on the topic twice is sent once', async () => {
  await using shop = await openShop();
  const created = newOrder().event();
  await shop.publish(created, created);
  await shop.source.idle();
  await shop.publish(created);
  await shop.source.idle();
  expect(shop.providers.calls).toHaveLength(2);
});

test('an id that comes again with another body is sent with the first body only', async () => {
  await using shop = await openShop();
  const order = newOrder();
  const first = order.event();
  await shop.publish(first, { ...first, type: 'ORDER_CANCELLED' });
  await shop.source.idle();
  expect(shop.told(order.id).toSorted()).toEqual([
    expect.stringContaining('received'),
    expect.stringContaining('Thank'),
  ]);
});

test('everything delivered once more, days later, tells nobody, and changes no record', async () => {
  await using shop = await openShop();
  const orders = Array.from({ length: 5 }, () => newOrder());
  const life = ['ORDER_CREATED', 'ORDER_UPDATED', 'ORDER_SHIPPED', 'ORDER_DELIVERED'] as const;
  for (const type of life) {
    await shop.publish(...orders.map((order) => order.event(type)));
    await shop.source.idle();
  }
  expect(shop.providers.calls).toHaveLength(5 * 4 * 2);
  const records = () => Promise.all(orders.map(({ id }) => shop.notifications(id)));
  const before = await records();
  await shop.clock.advance('3 days');
  await shop.source.redeliverEverything();
  expect(shop.source.invocations('notify').flatMap((one) => one.records)).toHaveLength(2 * 20);
  expect(shop.providers.calls).toHaveLength(5 * 4 * 2);
  expect(await records()).toEqual(before);
});

test('rebalances and restarts between batches lose no event and send none twice', async () => {
  await using shop = await openShop();
  const orders = Array.from({ length: 12 }, () => newOrder());
  for (const [i, order] of orders.entries()) {
    await shop.publish(order.event(), order.event('ORDER_SHIPPED'));
    if (i % 3 === 0) await shop.source.rebalance();
    if (i % 5 === 0) await shop.source.restart();
  }
  await shop.source.drain('1 hour');
  for (const { id } of orders) expect(shop.told(id)).toHaveLength(4);
});
