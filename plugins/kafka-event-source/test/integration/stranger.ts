/** A reader who does not know the page, and looks for the reason why a record does not come. */
import type { Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { until } from './bench.ts';

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface Stranger extends AsyncDisposable {
  /**
   * Opens the address and follows what is in sight: the view that opens, then the record in the list of all
   * records, or the search for it.
   *
   * @returns undefined if the words are found by three clicks at most; else what was clicked and seen
   */
  look(address: string, place: Place, words: RegExp): Promise<string | undefined>;
}

const MOST_CLICKS = 3;
const STEP_MS = 15_000;
/** A reader waits this long for a record to appear in the list. */
const PATIENCE_MS = 3_000;

export async function createStranger(): Promise<Stranger> {
  const browser = await launchChromium();
  let turn: Promise<unknown> = Promise.resolve();
  /** One page at a time, since all together take the time that one may take. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  return {
    look: (address, place, words) =>
      inTurn(async () => {
        const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
        const page = await context.newPage();
        page.setDefaultTimeout(STEP_MS);
        const look = new Look(page, words);
        try {
          await page.goto(address);
          await look.go(place);
          return look.clicks.length > MOST_CLICKS ? `too many clicks: ${look.clicks}` : undefined;
        } catch (error) {
          return `${error}; clicked: ${look.clicks}; seen: ${await look.text()}`;
        } finally {
          await context.close();
        }
      }),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

class Look {
  readonly clicks: string[] = [];
  readonly #page: Page;
  readonly #words: RegExp;

  constructor(page: Page, words: RegExp) {
    this.#page = page;
    this.#words = words;
  }

  /** The text in sight, in one line. */
  async text(): Promise<string> {
    const texts = await this.#page.locator('body').allInnerTexts();
    return texts.join(' ').replaceAll(/\s+/g, ' ');
  }

  async go({ topic, partition, offset }: Place): Promise<void> {
    const page = this.#page;
    await page.locator('main .card').first().waitFor();
    if (await this.#isSeen()) return;
    await this.#click(page.getByRole('link', { name: 'Records', exact: true }));
    await page.locator('main table, main .empty').first().waitFor();
    const row = page.getByRole('link', { name: `${topic} ${partition}:${offset}`, exact: true });
    const isThere = await row.waitFor({ timeout: PATIENCE_MS }).then(
      () => true,
      () => false,
    );
    if (isThere) await this.#click(row);
    else {
      await this.#click(page.getByText('More fields'));
      await page.getByLabel('Topic').fill(topic);
      await page.getByLabel('Partition').fill(String(partition));
      await page.getByLabel('Offset').fill(String(offset));
      await this.#click(page.getByRole('button', { name: 'Search' }));
    }
    await until(String(this.#words), () => this.#isSeen(), { withinMs: STEP_MS });
  }

  async #isSeen(): Promise<boolean> {
    return this.#words.test(await this.text());
  }

  async #click(target: ReturnType<Page['locator']>): Promise<void> {
    this.clicks.push((await target.allInnerTexts()).join(' '));
    await target.click();
  }
}
