/** The page in a real browser. Its pictures are in .local/screenshots. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { ROOT } from '../support/root.ts';
import { Bench, failure, type Lambda, success } from './bench.ts';
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

/** Takes the picture of a view in both widths and colours, and asks axe about each. */
async function look(name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 400]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      const path = join(PICTURES, `${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
      const root = page.locator(':root');
      const overflow = await root.evaluate((one) => one.scrollWidth - one.clientWidth);
      expect([name, width, overflow]).toEqual([name, width, 0]);
      expect([name, width, colorScheme, await faultsOfAxe()]).toEqual([
        name,
        width,
        colorScheme,
        [],
      ]);
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
    service = await startPage(bench, lambda, { event: { batchSize: 4 } });
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

  test('nothing was asked of another host, and the browser complained of nothing', () => {
    expect(foreign).toEqual([]);
    expect(said).toEqual([]);
  });
}
