/** A browser with the page, for the tests of the page. Its pictures are in .local/screenshots. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { ROOT } from '../support/root.ts';
import type { PageService } from './console-service.ts';

const PICTURES = join(ROOT, '.local/screenshots');
const TIMEOUT_MS = 15_000;

/** A reader of the page: a browser that has opened the printed address. */
export interface Reader extends AsyncDisposable {
  readonly browser: Browser;
  readonly context: BrowserContext;
  readonly page: Page;
  /** The requests to other hosts. A test that expects some takes them out. */
  readonly foreign: string[];
  /** The complaints of the browser. A test that expects some takes them out. */
  readonly said: string[];
  /** Opens another page, which is watched, too. */
  open(own: BrowserContext): Promise<Page>;
  show(path: string, heading: string): Promise<void>;
  confirm(verb: string): Promise<void>;
  /** Forgets what a test before has left: an open dialog, and the complaints. */
  beginAnew(): Promise<void>;
  look(name: string, fullPage?: boolean): Promise<void>;
}

/** Ends the given thing after the last test; the thing that was given last ends first. */
type Use = <T extends AsyncDisposable>(thing: T) => T;

interface Suite {
  /** Begins before the first test. The things that it uses end also when it fails midway. */
  open(use: Use): Promise<Reader>;
  /** Defines the tests. */
  tests(): void;
  readonly openMs?: number;
}

/**
 * Defines the tests of a suite, each of which asks no other host, and lets the browser complain of nothing.
 * Without a Chromium, one test says that they are not run.
 */
export function inBrowser(subject: string, { open, tests, openMs }: Suite): void {
  if (!findChromium()) {
    test(`${subject} is not looked at, because this machine has no Chromium`, () => {
      expect(findChromium()).toBeUndefined();
    });
    return;
  }
  const used: AsyncDisposable[] = [];
  const use: Use = (thing) => {
    used.push(thing);
    return thing;
  };
  let reader: Reader;
  beforeAll(async () => {
    reader = await open(use);
  }, openMs);
  beforeEach(() => reader.beginAnew());
  afterEach(() => {
    expect([reader.foreign, reader.said]).toEqual([[], []]);
  });
  afterAll(async () => {
    for (const thing of used.toReversed()) await thing[Symbol.asyncDispose]();
  });
  tests();
}

export async function openPage(service: Pick<PageService, 'url' | 'origin'>): Promise<Reader> {
  mkdirSync(PICTURES, { recursive: true });
  const browser = await launchChromium();
  const foreign: string[] = [];
  const said: string[] = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });

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

  const page = await open(context);
  await page.goto(service.url);

  /** Shows a view, and waits for its heading. */
  async function show(path: string, heading: string): Promise<void> {
    await page.goto(`${service.origin}/#/${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  }

  /**
   * Presses the dialog's button as soon as the dialog has said what it will do.
   *
   * @throws Error with the dialog's text if it lets nobody press the button, or stays open
   */
  async function confirm(verb: string): Promise<void> {
    const dialog = page.getByRole('dialog');
    try {
      await dialog.getByRole('button', { name: verb, exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
    } catch (error) {
      const text = (await dialog.allInnerTexts()).join(' | ') || 'there is none';
      throw new Error(`The dialog was not confirmed with "${verb}": ${text}`, { cause: error });
    }
  }

  async function beginAnew(): Promise<void> {
    const open = page.locator('dialog[open]');
    for (const one of await open.all()) {
      await one.evaluate((element) => (element as unknown as { close(): void }).close());
    }
    await open.waitFor({ state: 'detached' });
    foreign.splice(0);
    said.splice(0);
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

  /** The faults that axe calls serious or critical. */
  async function faultsOfAxe(): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(),
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  return {
    browser,
    context,
    page,
    foreign,
    said,
    open,
    show,
    confirm,
    beginAnew,
    look,
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
