/** One order's whole path on the emulator's page, in a real browser and on a running system. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { v7 as uuidV7 } from 'uuid';
import { eventOf } from '../../lib/order/events.ts';
import type { Order } from '../../lib/order/order.ts';
import { takeScreenshot } from '../../local/screenshots.ts';
import { freePort } from '../../plugins/kafka-event-source/broker/ports.ts';
import {
  inBrowser,
  openPage,
  type Reader,
} from '../../plugins/kafka-event-source/test/integration/console-page.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf, post } from '../support/system.ts';
import { until } from '../support/until.ts';

let bench: OrderBench;
let offline: Awaited<ReturnType<typeof startOffline>>;
let address: string;
let reader: Reader;
let page: Page;

inBrowser('the path', {
  async open(use) {
    bench = await createOrderBench();
    use({ [Symbol.asyncDispose]: () => bench.close() });
    const port = await freePort();
    offline = await startOffline({
      ...environmentOf(bench),
      EMULATOR_PORT: String(port),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    });
    use({ [Symbol.asyncDispose]: () => offline.stop() });
    address = await until('the address of the page', () => {
      return /http:\S+token=\S+/.exec(offline.printed())?.[0];
    });
    reader = use(await openPage({ url: address, origin: new URL(address).origin }));
    page = reader.page;
    return reader;
  },
  tests: defineTests,
  openMs: 120_000,
});

async function put(path: string, body: object): Promise<void> {
  await until('an answer', async () => {
    const answer = await fetch(`${offline.url}${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return answer.status === 200 || undefined;
  });
}

const stepOf = (title: string | RegExp) => page.locator('.step', { hasText: title });

function defineTests() {
  test('an order is found by its id: each step, and the messages as its customer sees them', async () => {
    const events = { ORDER_SHIPPED: { sms: false } };
    await put('/api/customers/ada/preferences', { language: 'de', events });
    const contact = { email: 'ada.private@example.org', phone: '+15550123456' };
    const { body } = await post(offline.url, { customerId: 'ada', contact });
    const { id } = body.data;
    await put(`/api/orders/${id}/status`, { status: 'shipped' });
    await reader.show('panels/orders', 'Orders');
    await page.getByLabel('Order id').fill(id);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { level: 1, name: `Order ${id}` }).waitFor();

    const created = page.getByRole('region', { name: '1 · ORDER_CREATED' });
    const shipped = page.getByRole('region', { name: '2 · ORDER_SHIPPED' });
    await created
      .locator('.step', { hasText: 'SMS to' })
      .getByText('sent', { exact: true })
      .waitFor();
    await shipped.locator('.step', { hasText: 'SMS to' }).getByText('skipped').waitFor();
    await shipped.getByText('the customer has switched this kind of event off').waitFor();
    await shipped.getByText('succeeded').first().waitFor();
    const titles = await created.locator('.step h3').allTextContents();
    // On a busy machine the relay may publish an event again.
    const steps = new Set(
      titles.map((text) => text.replace(/(\d\d:){2}.*$/, '').replace(/\d:\d+/, 'n')),
    );
    expect([...steps]).toEqual([
      'POST /api/ordersaccepted',
      'Item, version 1stored',
      'Event ORDER_CREATEDpublished',
      `${bench.topic} ndone`,
      'Invocation of notifysucceeded',
      'Email to a***@example.orgsent',
      'SMS to +*********56sent',
    ]);
    // The email of the newest event is open, in the customer's language.
    const email = shipped.frameLocator('iframe');
    await email.getByText(id).first().waitFor();
    expect(await email.locator('html').getAttribute('lang')).toBe('de');
    await created.getByText('SMS', { exact: true }).click();
    expect(await created.locator('.bubble').textContent()).toContain(id);
    expect(await page.content()).not.toMatch(/ada\.private|5550123456/);
    await reader.look('order');
  });

  test('a click on a record leads to its order, and a customer to all of theirs', async () => {
    await stepOf(/^order-events/)
      .first()
      .getByRole('link')
      .click();
    const main = page.getByRole('main');
    await main.getByRole('link', { name: 'Orders', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: /^Order 0/ }).waitFor();
    await page.getByLabel('Order id').fill('');
    await page.getByLabel('Customer id').fill('ada');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { level: 1, name: 'Orders of ada' }).waitFor();
    await page.getByRole('table').getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: /^Order 0/ }).waitFor();
    await reader.show('panels/orders', 'Orders');
    await page.getByText('Orders of the newest records').waitFor();
    await page.goto(`${new URL(address).origin}/#/panels/orders?order=none`);
    await page.getByText('No order has this id.').waitFor();
  });

  test('an order whose event Kafka refuses says since when, why, and that it waits', async () => {
    const at = new Date().toISOString();
    const order: Order = {
      id: uuidV7(),
      customerId: 'grace',
      items: [{ productId: 'p', quantity: 1, price: 5 }],
      totalAmount: 5,
      currency: 'USD',
      status: 'pending',
      version: 1,
      createdAt: at,
      updatedAt: at,
    };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const event = eventOf(order, { id: uuidV7(), traceparent });
    const refusal = { since: at, at, attempts: 2, reason: 'MESSAGE_TOO_LARGE' };
    const { repository } = bench;
    await repository.insert({ order, events: [event] });
    const next = new Date(Date.now() + 3_600_000).toISOString();
    await repository.backlog.putOff(order.id, 1, refusal, next);
    await page.goto(`${new URL(address).origin}/#/panels/orders?order=${order.id}`);
    await stepOf('Event ORDER_CREATED').getByText('refused', { exact: true }).waitFor();
    await page.getByText('MESSAGE_TOO_LARGE').waitFor();
  });

  test("an order's trace goes from the request through the record to its notifications", async () => {
    const { body } = await post(offline.url, { customerId: 'ada' });
    await page.goto(`${new URL(address).origin}/#/panels/orders?order=${body.data.id}`);
    await page.getByRole('link', { name: /^[\da-f]{32}$/ }).click();
    await page
      .getByRole('heading', { level: 1, name: /^Trace orders-local-createOrder/ })
      .waitFor();
    const path = page.getByRole('list', { name: 'Path of the trace' });
    // The record's span is sent at the end of its invocation, whose function writes to the ledger.
    await path
      .locator('summary', { hasText: /^\s*record/ })
      .first()
      .waitFor();
    await path
      .locator('summary', { hasText: /^\s*Kafka/ })
      .first()
      .waitFor();
    // The spans come before the answer, which tells the recorder the request id.
    await path.getByText('succeeded').first().waitFor();
    const lines = await path.locator('.waterfall-name').allTextContents();
    const found = lines.map((line) => line.replace(/\s+/g, ' ').trim());
    expect(found[0]).toBe('orders-local-createOrder orders');
    expect(found).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^DynamoDB.* orders$/),
        expect.stringMatching(new RegExp(`^Record ${bench.topic} \\d:\\d+ done$`)),
        'Invocation of notify succeeded',
        'record orders',
      ]),
    );
    expect(found.indexOf('record orders')).toBeGreaterThan(
      found.indexOf('Invocation of notify succeeded'),
    );
    await reader.look('order-trace');
    await path.getByRole('link', { name: 'Invocation of notify' }).first().click();
    await page.getByRole('heading', { level: 2, name: 'Waited for' }).waitFor();
    await page
      .getByRole('list', { name: 'Spans of the invocation' })
      .getByText('orders-local-notify')
      .waitFor();
  });

  test('the picture of the README is taken on a running system', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orders-picture-'));
    const file = join(folder, 'order.png');
    await takeScreenshot(offline.url, address, file);
    expect((await stat(file)).size).toBeGreaterThan(20_000);
    await rm(folder, { recursive: true });
  });
}
