import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { CHANNELS } from '../../lib/notification/channels/channels.ts';
import { PAGE, previewPage, previews } from '../../local/preview.ts';
import { launchChromium } from '../../plugins/kafka-event-source/test/support/chromium.ts';

const FOLDER = join(PAGE, '..');

let browser: Browser;
/** Everything that a page asked for or complained of. */
const asked: string[] = [];
const said: string[] = [];

before(async () => {
  browser = await launchChromium();
  await mkdir(FOLDER, { recursive: true });
  await writeFile(PAGE, previewPage());
});

after(() => browser?.close());

async function open(width: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  page.setDefaultTimeout(20_000);
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  return page;
}

for (const [name, width] of [
  ['wide', 1280],
  ['phone', 390],
] as const) {
  test(`the page shows every message, whole, at ${width} pixels`, async () => {
    const page = await open(width);
    await page.goto(pathToFileURL(PAGE).href);
    // Chromium paints no frame that is out of sight.
    const height = await page.locator(':root').evaluate((root) => root.scrollHeight);
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(FOLDER, `${name}.png`), timeout: 20_000 });
    const emails = previews().filter(({ message }) => message.channel === 'email');
    const texts = await page.locator('pre').allInnerTexts();
    const frames = page.frames().slice(1);
    equal(frames.length, emails.length);
    for (const [i, { message }] of emails.entries()) {
      if (message.channel !== 'email') throw new Error('not an email');
      ok(texts.includes(message.body));
      const frame = frames[i];
      // biome-ignore lint/performance/useDomNodeTextContent: what a reader sees, not what is there
      const shown = (await frame?.locator('body').innerText()) ?? '';
      const words = (text: string) =>
        text
          .replaceAll(/[:\s]+/g, ' ')
          .split(' ')
          .filter(Boolean);
      // The parts say the same: items and facts stand in another order.
      deepEqual(words(shown).toSorted(), words(message.body).toSorted());
      deepEqual(await overflowing(frame ?? page), []);
    }
    deepEqual(await overflowing(page), []);
    await page.close();
    deepEqual(said, []);
    deepEqual(
      asked.filter((url) => !/^(file|about):/.test(url)),
      [],
    );
  });
}

test('a label is one line', async () => {
  const page = await open(390);
  await page.goto(pathToFileURL(PAGE).href);
  for (const frame of page.frames().slice(1)) {
    const lines = await frame.locator('tr td:first-child:not(:last-child)').evaluateAll((cells) =>
      cells.map((cell) => {
        const range = cell.ownerDocument.createRange();
        range.selectNodeContents(cell);
        return range.getClientRects().length;
      }),
    );
    ok(lines.length >= 2);
    deepEqual([...new Set(lines)], [1]);
  }
  await page.close();
});

test('harmful values in a message stay text in a real browser', async () => {
  const page = await open(600);
  const productId =
    '"><img src=https://evil.example/x onerror=alert(1)><script>document.title="harmed"</script></td>';
  const event = {
    id: 'e1',
    type: 'ORDER_CREATED',
    timestamp: '2026-11-20T10:00:00.000Z',
    sequence: 1,
    schemaVersion: 1,
    data: {
      orderId: '</title><script>document.title="harmed"</script>',
      customerId: 'ada',
      totalAmount: 1,
      currency: 'EUR',
      status: 'pending',
      items: [{ productId, quantity: 1, price: 1 }],
    },
  } as const;
  const data = { ...event.data, items: [...event.data.items] };
  const message = CHANNELS.email.compose({
    event: { ...event, data },
    to: 'ada@example.com',
    locale: { language: 'en', timeZone: 'UTC' },
  });
  let dialogs = 0;
  page.on('dialog', (dialog) => {
    dialogs += 1;
    return dialog.dismiss();
  });
  asked.length = 0;
  await page.setContent(message.html);
  equal(await page.locator('img, script, a, iframe, form, svg').count(), 0);
  const item = await page.locator('li').first().textContent();
  ok(item?.includes('<img src=https://evil.example/x'));
  ok((await page.title()).startsWith("We've received your order </title>"));
  equal(dialogs, 0);
  deepEqual(asked, []);
  await page.close();
});

/** The elements that are larger than their window, so that a reader would have to scroll. */
async function overflowing(where: Pick<Page, 'locator'>): Promise<string[]> {
  return where.locator(':root').evaluate((root) => {
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = root;
    const fits = scrollWidth <= clientWidth && scrollHeight <= clientHeight;
    return fits ? [] : [`${scrollWidth}x${scrollHeight} in ${clientWidth}x${clientHeight}`];
  });
}
