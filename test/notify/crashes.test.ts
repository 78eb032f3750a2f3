import { expect, test } from '@jest/globals';
import { DEFAULTS, type Preferences } from '../../lib/notification/preferences/preferences.ts';
import { newOrder, openShop, type Shop } from './shop.ts';

/** Each message was taken at most once, and the record of each says so, or that nobody knows. */
async function expectAtMostOnce(shop: Shop, orderId: string) {
  const records = await shop.notifications(orderId);
  expect(records.map(({ channel }) => channel).toSorted()).toEqual(['email', 'sms']);
  for (const { channel, status } of records) {
    const taken = shop.providers.taken.filter(
      (one) => one.orderId === orderId && one.channel === channel,
    );
    expect(['sent', 'unknown']).toContain(status);
    if (status === 'sent') expect(taken).toHaveLength(1);
    else expect(taken.length).toBeLessThanOrEqual(1);
  }
  const before = shop.providers.taken.length;
  await shop.source.redeliverEverything();
  await shop.sendDeferred('1 hour');
  expect(shop.providers.taken).toHaveLength(before);
}

const isWrite = ({ action }: { action: string }) => action === 'UpdateItem';

/** Counts up to the write with this number. */
function nth(number: number) {
  let writes = 0;
  return (request: { action: string }) => {
    if (isWrite(request)) writes += 1;
    return isWrite(request) && writes === number;
  };
}

const CASES = [1, 2, 3, 4, 5].flatMap((write) =>
  (['before', 'after'] as const).map((when) => [when, write] as const),
);

test.each(CASES)(
  'notify that dies %s its write %i tells nobody twice, and leaves nothing open',
  async (when, write) => {
    await using shop = await openShop();
    const order = newOrder();
    const died = shop.database.killAt(when, nth(write));
    shop.source.crash('notify', { during: died });
    await shop.publish(order.event());
    await shop.source.drain('1 hour');
    expect(shop.source.invocations('notify')[0]?.outcome).toBe('functionError');
    await expectAtMostOnce(shop, order.id);
  },
);

test('a message is not sent again when the process dies after the provider took it, and before the outcome is noted', async () => {
  await using shop = await openShop();
  const order = newOrder({ contact: { email: 'ada@example.com' } });
  const created = order.event();
  const died = shop.database.killAt('before', ({ status }) => status === 'sent');
  shop.source.crash('notify', { during: died });
  await shop.publish(created);
  await shop.source.idle();
  expect(shop.told(order.id)).toHaveLength(1);
  // Its lease still runs: the next attempts leave the notification alone.
  await shop.clock.advance('5 s');
  const last = shop.source.invocations('notify').at(-1);
  expect(last?.error).toContain('Another invocation is sending the email');
  await shop.source.drain('1 hour');
  const reason = 'the invocation ended during the call to the provider';
  expect(await shop.recorded(created)).toMatchObject({
    email: { status: 'unknown', reason, attempts: 1 },
  });
  expect(await shop.storedStatuses(order.id)).toContain('unknown');
  await shop.source.redeliverEverything();
  expect(shop.providers.calls).toHaveLength(1);
});

test('an invocation that times out while the provider does not answer leaves the notification unknown', async () => {
  await using shop = await openShop();
  const order = newOrder({ contact: { phone: '+15550123' } });
  const created = order.event();
  const [called, over] = [Promise.withResolvers<void>(), Promise.withResolvers<'taken'>()];
  shop.providers.react(() => {
    shop.database.kill(String(shop.instances.at(-1)));
    called.resolve();
    return over.promise;
  });
  await shop.publish(created);
  await shop.clock.advance('500 ms', { whileRunning: true });
  await called.promise;
  await shop.clock.advance('60 s', { whileRunning: true });
  expect(shop.source.invocations('notify')[0]).toMatchObject({
    outcome: 'functionError',
    error: expect.stringContaining('Task timed out after 60.00 seconds'),
  });
  over.resolve('taken');
  await shop.source.drain('1 hour');
  expect(await shop.recorded(created)).toMatchObject({ sms: { status: 'unknown', attempts: 1 } });
  expect(shop.providers.calls).toHaveLength(1);
});

test('while one invocation is sending, a second one leaves the notification for later', async () => {
  await using shop = await openShop();
  const order = newOrder();
  const [called, over] = [Promise.withResolvers<void>(), Promise.withResolvers<'taken'>()];
  shop.providers.react(() => {
    if (shop.providers.calls.length === 2) called.resolve();
    return over.promise;
  });
  // Lambda loses the invocation, whose work goes on: the record comes again at the same time.
  shop.source.crash('notify', { during: called.promise });
  await shop.publish(order.event());
  await shop.source.idle();
  await shop.clock.advance('2 s');
  const [, ...others] = shop.source.invocations('notify');
  expect(others.length).toBeGreaterThan(0);
  for (const { error } of others) expect(error).toContain('Another invocation is sending the');
  over.resolve('taken');
  await shop.source.drain('1 hour');
  expect(shop.providers.calls).toHaveLength(2);
  await expectAtMostOnce(shop, order.id);
});

const off = { ...DEFAULTS.events, ORDER_CREATED: { ...DEFAULTS.events.ORDER_CREATED, sms: false } };
const CHANGES: Partial<Preferences>[] = [{}, { contact: { phone: '+15550177' } }, { events: off }];

// A run makes four writes at most: for the order, for the lease, for the outcome, and for an address left.
test.each(CASES.filter(([, write]) => write < 5))(
  'a run of sendDeferred that dies %s its write %i sends an SMS at most once, and leaves none open',
  async (when, write) => {
    await using shop = await openShop();
    for (const [i, change] of CHANGES.entries()) {
      const order = newOrder();
      const to = new Date(shop.clock.now + 3_600_000).toISOString().slice(11, 16);
      const quietHours = { from: '00:00', to };
      await shop.prefer(order.customerId, { quietHours });
      await shop.publish(order.event());
      await shop.source.idle();
      await shop.prefer(order.customerId, { quietHours, ...change });
      await shop.clock.advance('61 minutes');
      await shop.replaceSendDeferred();
      const instance = shop.instances.at(-1);
      const isMeant = nth(write);
      const died = shop.database.killAt(
        when,
        (request) => request.instance === instance && isMeant(request),
      );
      const run = shop.sendDeferred().catch(() => undefined);
      await Promise.race([run, died]);
      // The time limit of the run is over, and with it the process.
      await shop.clock.advance('1 minute');
      await run;
      await shop.replaceSendDeferred();
      for (const after of ['5 minutes', '62 minutes'] as const) await shop.sendDeferred(after);
      const records = await shop.notifications(order.id);
      const states = records.filter(({ channel }) => channel === 'sms').map((one) => one.status);
      const told = shop.told(order.id).filter((words) => words.startsWith('sms')).length;
      expect(states).not.toContain('deferred');
      expect(states).not.toContain('failed');
      expect(told).toBeLessThanOrEqual(i === 2 ? 0 : 1);
      expect(told === 1 || states.includes('unknown') || i === 2).toBe(true);
      if (states.includes('sent')) expect(told).toBe(1);
    }
  },
);
