import { randomUUID } from 'node:crypto';
import { afterEach, expect, test } from '@jest/globals';
import { createHandler as createGetPreferences } from '../../../functions/getPreferences/handler.ts';
import { createHandler as createPutPreferences } from '../../../functions/putPreferences/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createDeferred } from '../../../lib/notification/ledger/deferred.ts';
import { resend } from '../../../lib/notification/ledger/resend.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { type Item, loadItems, releases } from '../../items/load.ts';
import { callersOf } from '../../support/callers.ts';
import { call } from '../../support/http.ts';
import { createOrderBench } from '../../support/orders.ts';
import { createInbox, createNotifyBench } from '../notify/bench.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The notifications of a release in a table of their own, and the functions that act on them. */
async function notificationsOf(release: string) {
  const mark = randomUUID().slice(0, 8);
  const orders = await createOrderBench(undefined, mark);
  const bench = await createNotifyBench(mark);
  closing.push(orders.close, bench.close);
  const { items, later } = await loadItems(orders, release);
  const events = items.flatMap(({ events: stored = [] }) =>
    stored.map(({ value }: Item): OrderEvent => JSON.parse(value)),
  );
  const records = items.filter(({ sk }) => sk.startsWith('NOTIFICATION#'));
  return { bench, items, later, events: events as OrderEvent[], records };
}

/** The provider took it, may have taken it, or never will: nobody calls it again. */
function isClosed({ status, passing }: Item): boolean {
  return status === 'failed' ? !passing : !['claimed', 'deferred'].includes(status);
}

const nameOf = ({ eventId, channel, to = null }: Item) => `${eventId} ${channel} ${to}`;

test.each(releases())('notifications of %s are listed as they stand', async (release) => {
  const { bench, records, later } = await notificationsOf(release);
  const shown: Record<string, string> = { claimed: 'failed', sending: 'unknown' };
  for (const [customerId, own = []] of Map.groupBy(records, (record) => record.customerId)) {
    const { status, body } = await bench.list({ customerId }, later(MINUTE));
    expect([customerId, status]).toEqual([customerId, 200]);
    const key = ({ eventId, channel, status: stands }: Item) =>
      `${eventId} ${channel} ${shown[stands] ?? stands}`;
    expect(body.data.map(key).toSorted()).toEqual(own.map(key).toSorted());
  }
});

test.each(releases())(
  'closed notifications of %s are never sent again, open ones are sent once',
  async (release) => {
    const { bench, events, records, later } = await notificationsOf(release);
    const inbox = createInbox();
    const names = new Map(events.map(({ data }) => [data.orderId, data.customerId]));
    /** A minute before the next midnight the nights of all customers are over. */
    const midnight = 24 * HOUR - (later(0).now().getTime() % (24 * HOUR));
    const notify = bench.notify({ sender: inbox, clock: later(5 * MINUTE) });
    const sendDeferred = (ms: number) =>
      bench.sendDeferred({ sender: inbox, clock: later(midnight - MINUTE / 2 + ms) });

    for (const event of events) expect(await notify(event)).toEqual(bench.failed());
    await sendDeferred(0);
    await resend(
      {
        deferred: createDeferred({ ...bench, clock: systemClock }),
        clock: later(midnight - MINUTE / 2),
      },
      'all',
      {
        put: true,
      },
    );
    for (const day of [0, 1, 2]) await sendDeferred(day * 24 * HOUR);
    for (const event of events) expect(await notify(event)).toEqual(bench.failed());

    const sent = inbox.sent.map(({ orderId, channel }) => `${names.get(orderId)} ${channel}`);
    const ofRecord = ({ customerId, channel }: Item) => `${customerId} ${channel}`;
    const known = new Set(records.map(ofRecord));
    const told = sent.filter((name) => known.has(name)).toSorted();
    expect(told).toEqual(
      records
        .filter((one) => !isClosed(one))
        .map(ofRecord)
        .toSorted(),
    );
    expect(new Set(sent).size).toBe(sent.length);
    const isSent = new Set(records.filter(({ status }) => status === 'sent').map(nameOf));
    const listed = (await allListed(bench, records)).filter((one) => isSent.has(nameOf(one)));
    expect(listed.map(({ status }) => status)).toEqual([...isSent].map(() => 'sent'));
  },
);

test.each(releases())('preferences of %s are read, and saved at their version', async (release) => {
  const { bench, items } = await notificationsOf(release);
  const stored = items.filter(({ sk }) => sk === 'PREFERENCES');
  expect(stored.length).toBeGreaterThan(0);
  for (const { pk, version, preferences } of stored) {
    const pathParameters = { customerId: pk.slice('CUSTOMER#'.length) };
    const found = await call(
      createGetPreferences({ customers: bench.customers, callers: callersOf() }),
      { pathParameters },
    );
    expect([found.status, found.headers.etag]).toEqual([200, `"${version}"`]);
    expect(found.body.data).toMatchObject(preferences);
    const saved = await call(
      createPutPreferences({ customers: bench.customers, callers: callersOf() }),
      {
        method: 'PUT',
        pathParameters,
        headers: { 'if-match': `"${version}"` },
        body: { ...preferences, language: 'de' },
      },
    );
    expect([saved.status, saved.headers.etag]).toEqual([200, `"${version + 1}"`]);
    expect(saved.body.data).toMatchObject({ ...preferences, language: 'de' });
  }
});

async function allListed(
  bench: Awaited<ReturnType<typeof createNotifyBench>>,
  records: Item[],
): Promise<Item[]> {
  const customers = new Set(records.map(({ customerId }): string => customerId));
  const lists = await Promise.all(
    [...customers].map(async (customerId) => (await bench.list({ customerId })).body.data),
  );
  return lists.flat();
}
