import { expect, test } from '@jest/globals';
import { newOrder, openShop } from './shop.ts';

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
