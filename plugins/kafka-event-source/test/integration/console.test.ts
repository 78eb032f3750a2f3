/** The page's mappings, changes and faults in a real browser. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import { freePort } from '../../broker/ports.ts';
import { Bench, type Lambda, until } from './bench.ts';
import { inBrowser, openPage, type Reader } from './console-page.ts';
import { type PageService, refusePoison, startPage } from './console-service.ts';

let bench: Bench;
let lambda: Lambda;
let service: PageService;
let reader: Reader;
let page: Page;

inBrowser('the page', {
  async open(use) {
    bench = use(new Bench());
    await bench.createTopic(3);
    lambda = await bench.lambda(refusePoison);
    service = use(await startPage(bench, lambda, { event: { batchSize: 4 } }));
    reader = use(await openPage(service));
    page = reader.page;
    return reader;
  },
  tests: defineTests,
});

function defineTests() {
  test('the printed address opens the page, and the token is in no address afterwards', async () => {
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    expect(page.url()).toBe(`${service.origin}/`);
    const stranger = await reader.browser.newContext();
    const other = await reader.open(stranger);
    await other.goto(service.origin);
    await other.getByText('The page needs the token').waitFor();
    await other.getByLabel('Token, or the printed address').fill(service.url);
    await other.getByRole('button', { name: 'Open' }).click();
    await other.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    await stranger.close();
    // The browser reports the refused request of the stranger.
    reader.said.splice(0);
  });

  test('the mappings are shown live, with the reason for a failure', async () => {
    for (const partition of [0, 2]) await bench.produceCount(40, { partition });
    await bench.produce([{ value: 'poison', partition: 1 }]);
    await bench.produceCount(40, { partition: 1 });
    await page.getByText('Partition 1 is blocked by offset 0').waitFor();
    await page.getByRole('link', { name: 'offset 0' }).waitFor();
    await page.getByText('40', { exact: true }).first().waitFor();
    await reader.look('now');
  });

  test('a mapping is paused and goes on, each after the page has said what that does', async () => {
    await reader.show('', 'Now');
    const card = page.getByRole('region', { name: /^notify/ });
    await card.getByRole('button', { name: /^Pause/ }).click();
    await page
      .getByRole('dialog')
      .getByText(/^(?!Asking).*notify/)
      .last()
      .waitFor();
    await reader.look('dialog', false);
    await reader.confirm('Pause');
    await card.getByRole('button', { name: /^Resume/ }).waitFor();
    await card.getByText('It is disabled').waitFor();
    await card.getByRole('button', { name: /^Resume/ }).click();
    await reader.confirm('Resume');
    await card.getByRole('button', { name: /^Pause/ }).waitFor();
  });

  test('the way back closes the dialog of the view that it leaves', async () => {
    await reader.show('', 'Now');
    await reader.show('faults', 'Faults');
    await page.getByRole('button', { name: 'Set a fault…' }).click();
    await page.getByRole('dialog').waitFor();
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('the batch size changes, and the group moves to an offset', async () => {
    await reader.show('', 'Now');
    const card = page.getByRole('region', { name: /^notify/ });
    await card.locator('.state', { hasText: 'Enabled' }).waitFor();
    await card.getByRole('button', { name: /batch size/ }).click();
    await page.getByLabel('Records in a batch').fill('20000');
    await page.getByRole('dialog').locator('.problem').waitFor();
    // The browser reports that the server has refused this.
    reader.said.splice(0);
    await page.getByLabel('Records in a batch').fill('7');
    await reader.confirm('Change');
    await card.locator('.state', { hasText: 'Enabled' }).waitFor();
    await card.getByText('Settings and last result').click();
    await card.getByText('7', { exact: true }).first().waitFor();
    await card.getByRole('button', { name: /^Move/ }).click();
    await page.getByLabel('Move to').selectOption('offset');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Partition').fill('1');
    await dialog.getByLabel('Offset').fill('1');
    await reader.confirm('Move');
    // The record that blocked the partition is passed.
    await card.getByText('There is nothing new').waitFor();
  });

  test('a record is produced by hand, and one from the canned events', async () => {
    await reader.show('produce', 'Produce');
    await page.getByLabel('Topic').fill(bench.topic);
    await page.getByLabel('Key', { exact: true }).fill('order-1');
    await page.getByLabel('Value', { exact: true }).fill('{"orderId":"order-1","total":39.8}');
    await page.getByLabel('Headers', { exact: true }).fill('traceparent: 00-1-2-01\nsource: page');
    await reader.look('produce');
    await page.getByRole('button', { name: 'Produce…', exact: true }).click();
    await reader.confirm('Produce');
    await page.getByText(/It is on partition \d at offset \d+/).waitFor();
    await page.getByRole('button', { name: /tombstone/ }).click();
    await reader.confirm('Produce');
    const keys = () => lambda.invocations.flatMap(({ records }) => records.map(({ key }) => key));
    await until('the record', () => keys().includes(Buffer.from('order-1').toString('base64')));
  });

  test('an answer that comes late changes nothing that is typed meanwhile', async () => {
    const asked = Promise.withResolvers<void>();
    await reader.show('records', 'Records');
    const late = async (route: Route) => {
      await asked.promise;
      await route.continue();
    };
    await page.route('**/api/mappings', late, { times: 1 });
    await reader.show('produce', 'Produce');
    const field = page.getByLabel('Topic');
    const chosen = field.selectText();
    await Promise.race([chosen, page.getByText('Loading…').waitFor()]);
    asked.resolve();
    await chosen;
    await page.locator('#topics option').waitFor({ state: 'attached' });
    await page.keyboard.insertText('other');
    expect(await field.inputValue()).toBe('other');
  });

  test('a fault shows in a banner on each view until it is ended', async () => {
    await reader.show('faults', 'Faults');
    await page.getByText('No fault is set').waitFor();
    await page.getByRole('button', { name: 'Set a fault…' }).click();
    await page.getByLabel('For how many calls').fill('3');
    await reader.confirm('Set');
    await reader.look('faults');
    await reader.show('', 'Now');
    await page.getByText('1 fault on purpose.').waitFor();
    await page.getByRole('link', { name: 'See and end' }).click();
    await page.getByRole('button', { name: /^End the fault/ }).click();
    await reader.confirm('End');
    await page.getByText('No fault is set').waitFor();
  });

  test('a lost connection is said, and the page goes on by itself when the emulator is back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kes-page-'));
    await using own = new Bench();
    await own.createTopic();
    const apiPort = await freePort();
    const options = { folder, options: { apiPort } };
    const first = await startPage(own, lambda, options);
    const tab = await reader.context.newPage();
    await tab.goto(first.url);
    await tab.getByText('Live', { exact: true }).waitFor();
    await first[Symbol.asyncDispose]();
    await tab.getByText('The connection is lost. Trying again…').waitFor();
    const again = await startPage(own, lambda, options);
    await tab.getByText('Live', { exact: true }).waitFor();
    await tab
      .getByRole('region', { name: /^notify/ })
      .getByText('Enabled')
      .first()
      .waitFor();
    await tab.close();
    await again[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('by the keyboard alone a reader goes to a view, and sets a fault and ends it', async () => {
    await reader.show('', 'Now');
    await page.reload();
    await page.getByRole('region', { name: /^notify/ }).waitFor();
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    // The page moves the focus after it has shown the view.
    const untilFocused = (hasText: RegExp) => page.locator(':focus', { hasText }).waitFor();
    const tabTo = async (name: RegExp, key = 'Tab') => {
      for (let count = 0; count < 40; count += 1) {
        await page.keyboard.press(key);
        const said = await page
          .locator(':root')
          .evaluate(({ ownerDocument: { activeElement } }) => {
            return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent;
          });
        if (name.test(said ?? '')) return;
      }
      throw new Error(`No Tab came to ${name}`);
    };
    await press('Tab');
    await untilFocused(/^Skip to the content$/);
    await tabTo(/^Faults$/);
    await press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Faults' }).waitFor();
    await untilFocused(/^Faults$/);
    await tabTo(/^Set a fault/);
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The dialog gives the focus back.
    await untilFocused(/^Set a fault…$/);
    await press('Enter');
    await page.getByRole('dialog').getByText('The next invocation of').waitFor();
    await tabTo(/^Set$/);
    await press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^End the fault/ }).waitFor();
    await tabTo(/^End the fault/);
    await press('Enter');
    await page.getByRole('dialog').getByText('Ends this fault').waitFor();
    await tabTo(/^End$/);
    await press('Enter');
    await page.getByText('No fault is set').waitFor();
  });

  test('a dialog that is opened at the end of another one stays open', async () => {
    await reader.show('faults', 'Faults');
    const button = page.getByRole('button', { name: /^Set a fault/ });
    await button.click();
    await page.getByRole('dialog').waitFor();
    // The browser tells the end of a dialog in a later task.
    await button.evaluate((element) => {
      element.ownerDocument.querySelector('dialog')?.close();
      element.dispatchEvent(new Event('click'));
    });
    await page.getByRole('dialog').getByText('The next invocation of').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
}
