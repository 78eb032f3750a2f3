import { expect, test } from '@jest/globals';
import { Bench, counting, until, values } from './bench.ts';

test.each([
  ['two services', 1],
  ['three services, two of them with one topic', 2],
])(
  'one group with two topics, %s: each member gets partitions of its own topic',
  async (_, more) => {
    await using orders = new Bench();
    await using mails = new Bench();
    const { groupId } = orders;
    await orders.createTopic(2);
    await mails.createTopic(3);
    const [ofOrders, ofMails] = [await orders.lambda(), await mails.lambda()];
    orders.poll(ofOrders);
    for (let member = 0; member < more; member += 1) mails.poll(ofMails, { groupId });
    for (const partition of [0, 1]) await orders.produceCount(20, { partition });
    for (const partition of [0, 1, 2]) await mails.produceCount(20, { from: 100, partition });
    const seen = () => [...orders.log, ...mails.log].slice(-10);
    await until('all orders', () => new Set(values(ofOrders)).size === 20, { seen });
    for (const partition of [0, 1]) {
      await until('orders', () => values(ofOrders, partition).length >= 20, { seen });
      expect([...new Set(values(ofOrders, partition))]).toEqual(counting(0, 20));
    }
    for (const partition of [0, 1, 2]) {
      await until('mails', () => new Set(values(ofMails, partition)).size === 20, { seen });
      expect([...new Set(values(ofMails, partition))]).toEqual(counting(100, 120));
    }
  },
);

/** Polls the topic of each bench, with one partition, by the group of `orders`. */
async function pollBoth(orders: Bench, mails: Bench) {
  const { groupId } = orders;
  await orders.createTopic();
  await mails.createTopic();
  const [ofOrders, ofMails] = [await orders.lambda(), await mails.lambda()];
  orders.poll(ofOrders);
  mails.poll(ofMails, { groupId });
  return [ofOrders, ofMails] as const;
}

test('one group with two topics: a partition that is added to either is read', async () => {
  await using orders = new Bench();
  await using mails = new Bench();
  const [ofOrders, ofMails] = await pollBoth(orders, mails);
  for (const bench of [orders, mails]) {
    await until('polling', () => bench.log.some((line) => /polling .* partitions 0$/.test(line)));
    await bench.addPartitions(2);
    await bench.produceCount(5, { partition: 1 });
  }
  const withinMs = 40_000;
  const seen = () => [...orders.log, ...mails.log].slice(-10);
  await until('orders', () => values(ofOrders, 1).length >= 5, { withinMs, seen });
  await until('mails', () => values(ofMails, 1).length >= 5, { withinMs, seen });
});

test('one group with two topics: a topic that is gone does not hold up the other one', async () => {
  await using orders = new Bench();
  await using mails = new Bench();
  const [ofOrders] = await pollBoth(orders, mails);
  const lines = (bench: Bench) => bench.log.some((line) => /polling .* partitions 0$/.test(line));
  await until('polling', () => lines(orders) && lines(mails));
  await mails.admin.deleteTopics({ topics: [mails.topic] });
  await orders.produceCount(5);
  await until('orders', async () => (await orders.committed()) === 5, { withinMs: 40_000 });
  expect([...new Set(values(ofOrders))]).toEqual(counting(0, 5));
});
