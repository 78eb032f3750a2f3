/** The page in a real browser. Its pictures are in .local/screenshots. */
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../../broker/ports.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { Random } from '../support/random.ts';
import { ROOT } from '../support/root.ts';
import { Bench, failure, type Lambda, success, until } from './bench.ts';
import { type PageService, startPage } from './console-service.ts';

const PICTURES = join(ROOT, '.local/screenshots');
const TIMEOUT_MS = 15_000;
/** A record with this value makes the function fail; as base64, which the event has. */
const POISON = Buffer.from('poison').toString('base64');

let bench: Bench;
let lambda: Lambda;
let service: PageService;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** The requests to other hosts, and the complaints of the browser. */
const foreign: string[] = [];
const said: string[] = [];

const bills = () => `${bench.topic}-bills`;

const SCRIPTS = [
  '<script>document.title="harmed"</script>',
  '<img src=x onerror=alert(1)>',
  '"><b>bold</b><iframe src="javascript:alert(1)"></iframe>',
  '</title><object data="https://evil.example/x"></object>',
];

/** A value that would harm a page that takes it for markup, or random bytes. */
function harmful(index: number, random: Random): Buffer {
  const script = SCRIPTS[index % 5];
  if (script) return Buffer.from(`${script} ${index}`);
  return Buffer.from(Array.from({ length: 64 }, () => random.between(0, 255)));
}

/** Opens another page of the browser that has the token. */
async function open(own: BrowserContext): Promise<Page> {
  const opened = await own.newPage();
  opened.setDefaultTimeout(TIMEOUT_MS);
  opened.on('request', (request) => {
    if (new URL(request.url()).origin !== service.origin) foreign.push(request.url());
  });
  opened.on('console', (message) => {
    if (message.type() === 'error') said.push(message.text());
  });
  opened.on('pageerror', (error) => said.push(error.message));
  return opened;
}

/** Shows a view, and waits for its heading. */
async function show(path: string, heading: string): Promise<void> {
  await page.goto(`${service.origin}/#/${path}`);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

/** Presses the dialog's button as soon as the dialog has said what it will do. */
async function confirm(verb: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: verb, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** Takes the picture of a view in both widths and colours, and asks axe about each. */
async function look(name: string, fullPage = true): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 400]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      const path = join(PICTURES, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage });
      const root = page.locator(':root');
      const overflow = await root.evaluate((one) => one.scrollWidth - one.clientWidth);
      expect([name, width, overflow]).toEqual([name, width, 0]);
      // Two of the four have each colour and each layout.
      if ((width === 1280) === (colorScheme === 'light')) {
        expect([name, width, await faultsOfAxe()]).toEqual([name, width, []]);
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** What axe finds serious or critical. */
async function faultsOfAxe(): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

if (findChromium()) {
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    bench = new Bench();
    await bench.createTopic(3);
    lambda = await bench.lambda(({ body }) => (body.includes(POISON) ? failure : success));
    const charged = {
      topic: bills(),
      consumerGroupId: `${bench.groupId}-bills`,
      batchSize: 1,
      provisionedPollers: { min: 1, max: 1 },
      maximumRetryAttempts: 0,
      onFailureDestination: `kafka://${bench.topic}-letters`,
    };
    service = await startPage(bench, lambda, {
      event: { batchSize: 4 },
      functions: {
        charge: { events: [{ kafka: charged }] },
        swallow: {
          events: [{ kafka: { topic: `${bench.topic}-harmful`, consumerGroupId: bench.topic } }],
        },
      },
      options: { createTopics: true },
    });
    browser = await launchChromium();
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    page = await open(context);
    await page.goto(service.url);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.[Symbol.asyncDispose]();
    await bench?.[Symbol.asyncDispose]();
  });
  defineTests();
} else {
  test('the page is not looked at, because this machine has no Chromium', () => {
    expect(findChromium()).toBeUndefined();
  });
}

function defineTests() {
  test('the printed address opens the page, and the token is in no address afterwards', async () => {
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    expect(page.url()).toBe(`${service.origin}/`);
    const stranger = await browser.newContext();
    const other = await open(stranger);
    await other.goto(service.origin);
    await other.getByText('The page needs the token').waitFor();
    await other.getByLabel('Token, or the printed address').fill(service.url);
    await other.getByRole('button', { name: 'Open' }).click();
    await other.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    await stranger.close();
    // The browser reports the refused request of the stranger.
    said.splice(0);
  });

  test('the mappings are shown live, with the reason for a failure', async () => {
    for (const partition of [0, 2]) await bench.produceCount(40, { partition });
    await bench.produce([{ value: 'poison', partition: 1 }]);
    await bench.produceCount(40, { partition: 1 });
    await page.getByText('Partition 1 is blocked by offset 0').waitFor();
    await page.getByRole('link', { name: 'offset 0' }).waitFor();
    await page.getByText('40', { exact: true }).first().waitFor();
    await look('now');
  });

  test('a mapping is paused and goes on, each after the page has said what that does', async () => {
    await show('', 'Now');
    const card = page.getByRole('region', { name: /^notify/ });
    await card.getByRole('button', { name: /^Pause/ }).click();
    await page
      .getByRole('dialog')
      .getByText(/^(?!Asking).*notify/)
      .last()
      .waitFor();
    await look('dialog', false);
    await confirm('Pause');
    await card.getByRole('button', { name: /^Resume/ }).waitFor();
    await card.getByText('It is disabled').waitFor();
    await card.getByRole('button', { name: /^Resume/ }).click();
    await confirm('Resume');
    await card.getByRole('button', { name: /^Pause/ }).waitFor();
  });

  test('the batch size changes, and the group moves to an offset', async () => {
    await show('', 'Now');
    const card = page.getByRole('region', { name: /^notify/ });
    await card.locator('.state', { hasText: 'Enabled' }).waitFor();
    await card.getByRole('button', { name: /batch size/ }).click();
    await page.getByLabel('Records in a batch').fill('20000');
    await page.getByRole('dialog').locator('.problem').waitFor();
    // The browser reports that the server has refused this.
    said.splice(0);
    await page.getByLabel('Records in a batch').fill('7');
    await confirm('Change');
    await card.locator('.state', { hasText: 'Enabled' }).waitFor();
    await card.getByText('Settings and last result').click();
    await card.getByText('7', { exact: true }).first().waitFor();
    await card.getByRole('button', { name: /^Move/ }).click();
    await page.getByLabel('Move to').selectOption('offset');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Partition').fill('1');
    await dialog.getByLabel('Offset').fill('1');
    await confirm('Move');
    // The record that blocked the partition is passed.
    await card.getByText('There is nothing new').waitFor();
  });

  test('a record is produced by hand, and one from the canned events', async () => {
    await show('produce', 'Produce');
    await page.getByLabel('Topic').fill(bench.topic);
    await page.getByLabel('Key', { exact: true }).fill('order-1');
    await page.getByLabel('Value', { exact: true }).fill('{"orderId":"order-1","total":39.8}');
    await page.getByLabel('Headers', { exact: true }).fill('traceparent: 00-1-2-01\nsource: page');
    await look('produce');
    await page.getByRole('button', { name: 'Produce…', exact: true }).click();
    await confirm('Produce');
    await page.getByText(/It is on partition \d at offset \d+/).waitFor();
    await page.getByRole('button', { name: /tombstone/ }).click();
    await confirm('Produce');
    const keys = () => lambda.invocations.flatMap(({ records }) => records.map(({ key }) => key));
    await until('the record', () => keys().includes(Buffer.from('order-1').toString('base64')));
  });

  test('a fault shows in a banner on each view until it is ended', async () => {
    await show('faults', 'Faults');
    await page.getByText('No fault is set').waitFor();
    await page.getByRole('button', { name: 'Set a fault…' }).click();
    await page.getByLabel('For how many calls').fill('3');
    await confirm('Set');
    await look('faults');
    await show('', 'Now');
    await page.getByText('1 fault on purpose.').waitFor();
    await page.getByRole('link', { name: 'See and end' }).click();
    await page.getByRole('button', { name: /^End the fault/ }).click();
    await confirm('End');
    await page.getByText('No fault is set').waitFor();
  });

  test('a dead letter is shown with its reason, and goes back', async () => {
    const topic = bills();
    await bench.produce(
      ['poison', 'paid', 'poison'].map((value) => ({ key: 'bill-7', value })),
      topic,
    );
    await until('the letters', async () => {
      const { items } = (await (await service.api('/api/letters')).json()) as { items: unknown[] };
      return items.length === 2;
    });
    await show('letters', 'Dead letters');
    await page.getByText('RetriesExhausted').first().waitFor();
    await page.getByRole('checkbox').first().check();
    await look('letters');
    await page.getByRole('button', { name: 'Redrive 1 chosen…' }).click();
    await confirm('Put back');
    await page.getByText('Put back 1 letter.').waitFor();
    await page.getByRole('button', { name: 'Redrive by filter…' }).click();
    await page.getByLabel('Text in the reason').fill('no such reason');
    await page
      .getByText(/0 letter|nothing|no letter/i)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
  });

  test('a record is found by its key, and its life has each attempt and the way to run it again', async () => {
    await bench.produce(
      [{ key: 'order-9', value: '{"orderId":"order-9","note":"poison"}' }],
      bills(),
    );
    await bench.produce(
      [{ key: 'bill-8', value: 'poison', headers: { source: 'shop', trace: 'a-1' } }],
      bills(),
    );
    await show('records', 'Records');
    await page.getByLabel('Key', { exact: true }).fill('bill-8');
    await page.getByRole('button', { name: 'Search' }).click();
    const found = page.getByRole('table').getByRole('link');
    await until('the one record', async () => (await found.count()) === 1);
    await page.getByRole('table').getByText('dead-lettered').waitFor();
    await page.getByRole('link', { name: 'Show all', exact: true }).click();
    await page.getByText('order-9').first().waitFor();
    await look('records');
    await page
      .getByRole('row', { name: /bill-8/ })
      .getByRole('link')
      .click();
    await page.getByRole('heading', { level: 2, name: 'Life' }).waitFor();
    await page.getByText('Attempt 1').waitFor();
    await look('record');
    await page.getByRole('button', { name: 'Value as Hex' }).click();
    await page.getByText('70 6f 69 73 6f 6e').waitFor();
    await page.getByRole('link', { name: /Attempt 1/ }).click();
    await page.getByRole('button', { name: 'Run again…' }).waitFor();
    await look('invocation');
    const before = page.url();
    await page.getByRole('button', { name: 'Run again…' }).click();
    await page.getByLabel('What to run').selectOption('edited');
    const event = await page.getByLabel('Event').inputValue();
    await page.getByLabel('Event').fill(event.replace(POISON, btoa('mended')));
    await confirm('Run');
    await page.waitForURL((url) => url.href !== before);
    await page.getByText('Run again by hand from').waitFor();
    await page.getByText('succeeded').waitFor();
    await page.getByRole('link', { name: 'another invocation' }).click();
    await page.waitForURL(before);
    await show('invocations', 'Invocations');
    await page.getByLabel('State').selectOption('failed');
    await page.getByText('Unhandled: thrown by the test').first().waitFor();
    await look('invocations');
  });

  test('a record is copied to Produce, and produced once more', async () => {
    await show('records?key=order-1', 'Records');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('link', { name: 'Copy to Produce' }).click();
    await page.getByText('A copy of').waitFor();
    const value = page.getByLabel('Value', { exact: true });
    await until('the copy', async () => (await value.inputValue()).includes('order-1'));
    expect(await page.getByLabel('Headers', { exact: true }).inputValue()).toContain(
      'source: page',
    );
  });

  test('1 000 records of random bytes and scripts are shown as text', async () => {
    const random = new Random(7);
    const values = Array.from({ length: 1_000 }, (_, index) => harmful(index, random));
    const topic = `${bench.topic}-harmful`;
    await bench.produce(
      values.map((value) => ({ key: value, value, headers: { h: value } })),
      topic,
    );
    const asked = `/api/records?topic=${topic}&limit=200`;
    await until('the records', async () => {
      const { items } = (await (await service.api(asked)).json()) as { items: unknown[] };
      return items.length === 200;
    });
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await show(`records?topic=${topic}`, 'Records');
    let shown = 0;
    for (;;) {
      await page.getByRole('table').waitFor();
      shown += await page.getByRole('table').getByRole('link').count();
      expect(await page.locator('main').locator('img, script, iframe, object, b').count()).toBe(0);
      const older = page.getByRole('link', { name: 'Older →' });
      if ((await older.count()) === 0) break;
      const first = await page.getByRole('table').getByRole('link').first().textContent();
      await older.click();
      const now = page.getByRole('table').getByRole('link').first();
      await until('the next page', async () => (await now.textContent()) !== first);
    }
    expect(shown).toBe(1_000);
    for (const offset of [0, 1, 2, 3, 997]) {
      const { items } = (await (
        await service.api(`/api/records?topic=${topic}&offset=${offset}&partition=0`)
      ).json()) as { items: { mapping: string }[] };
      const [one] = items;
      if (!one) continue;
      await page.goto(`${service.origin}/#/records/${one.mapping}/${topic}/0/${offset}`);
      await page.getByRole('heading', { level: 2, name: 'Life' }).waitFor();
      expect(await page.locator('main').locator('img, script, iframe, object, b').count()).toBe(0);
    }
    expect(await page.title()).not.toContain('harmed');
    expect(dialogs).toEqual([]);
  });

  test('a lost connection is said, and the page goes on by itself when the emulator is back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kes-page-'));
    await using own = new Bench();
    await own.createTopic();
    const apiPort = await freePort();
    const options = { folder, options: { apiPort } };
    const first = await startPage(own, lambda, options);
    const tab = await context.newPage();
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
    await show('', 'Now');
    await page.reload();
    await page.getByRole('region', { name: /^notify/ }).waitFor();
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const focused = () => page.locator(':focus');
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
    expect(await focused().textContent()).toBe('Skip to the content');
    await tabTo(/^Faults$/);
    await press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Faults' }).waitFor();
    expect(await focused().textContent()).toBe('Faults');
    await tabTo(/^Set a fault/);
    await press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The dialog gives the focus back.
    expect(await focused().textContent()).toBe('Set a fault…');
    await press('Enter');
    await page.getByRole('dialog').getByText('The next invocation of').waitFor();
    await tabTo(/^Set$/);
    await press('Enter');
    await page.getByText('1 fault on purpose.').waitFor();
    await tabTo(/^End the fault/);
    await press('Enter');
    await page.getByRole('dialog').getByText('Ends this fault').waitFor();
    await tabTo(/^End$/);
    await press('Enter');
    await page.getByText('No fault is set').waitFor();
  });

  test('nothing was asked of another host, and the browser complained of nothing', () => {
    expect(foreign).toEqual([]);
    expect(said).toEqual([]);
  });
}
