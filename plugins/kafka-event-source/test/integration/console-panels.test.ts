/** A service's own panel in a real browser: the example of docs/panels.md, with hostile values. */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Bench, type Lambda, success } from './bench.ts';
import { inBrowser, openPage, type Reader } from './console-page.ts';
import { type PageService, refusePoison, startPage } from './console-service.ts';

const MODULE = join(import.meta.dirname, 'service/panel.mjs');

/** It would change the page's title, or ask another host, if any of it ran. */
const HOSTILE =
  `<b>2 books</b><script>top.document.title = 'run'</script>` +
  `<img src="https://example.com/a.png" onerror="top.document.title = 'run'">`;

let bench: Bench;
let lambda: Lambda;
let service: PageService;
let reader: Reader;
let page: Page;

inBrowser('the panel', {
  async open(use) {
    bench = use(new Bench());
    await bench.createTopic(1);
    lambda = await bench.lambda(refusePoison);
    const panel = { module: MODULE, settings: { topic: bench.topic } };
    const options = { console: { panels: [panel, { module: './gone.mjs' }] } };
    service = use(await startPage(bench, lambda, { event: { batchSize: 1 }, options }));
    reader = use(await openPage(service));
    page = reader.page;
    return reader;
  },
  tests: defineTests,
});

function defineTests() {
  test('a click on a record leads to the panel, which shows the previews and runs nothing', async () => {
    await bench.produce([{ key: 'basket-1', value: HOSTILE, partition: 0 }]);
    await reader.show('records', 'Records');
    await page.getByRole('link', { name: `${bench.topic} 0:0` }).click();
    await page.getByRole('link', { name: 'Baskets', exact: true }).nth(1).click();
    await page.getByRole('heading', { level: 1, name: 'Basket basket-1' }).waitFor();
    await page.locator('.step .state', { hasText: 'done' }).waitFor();
    const receipt = page.frameLocator('iframe[title="Receipt"]');
    const sum = receipt.getByText('2 books');
    await sum.waitFor();
    // A mail has styles of its own, which the page's policy would not let be.
    const colour = await sum.evaluate((one) => {
      const { defaultView } = one.ownerDocument;
      return defaultView?.getComputedStyle(one).color;
    });
    expect(colour).toBe('rgb(0, 128, 128)');
    expect(await page.locator('.bubble').textContent()).toContain('<script>');
    expect(await page.title()).toBe('Baskets · Kafka event source');
    // The browser reports the script, the handler and the picture that the frame's policy has refused.
    const refused = reader.said.splice(0);
    expect(refused.filter((text) => !/Content Security Policy|sandboxed/.test(text))).toEqual([]);
    expect(reader.foreign.splice(0).filter((url) => !url.endsWith('/a.png'))).toEqual([]);
  });

  test('the panel follows its record while the record waits', async () => {
    await bench.produce([{ key: 'basket-2', value: 'poison', partition: 0 }]);
    await reader.show('panels/baskets', 'Baskets');
    await page.getByLabel('Basket id').fill('basket-2');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('heading', { level: 1, name: 'Basket basket-2' }).waitFor();
    await page.getByText('Waits for: an answer of the function.').waitFor();
    await page.frameLocator('iframe[title="Receipt"]').getByText('poison').waitFor();
    await reader.look('panel');
    lambda.handle(() => success);
    await page.locator('.step .state', { hasText: 'done' }).waitFor();
    await page.getByRole('link', { name: `${bench.topic} 0:1` }).click();
    await page.getByRole('heading', { level: 1, name: `${bench.topic} 0:1` }).waitFor();
  });

  test('a panel that is not there says so, and other views go on', async () => {
    await reader.show('panels/other', 'Not found');
    expect(await (await service.api('/api/panels/other')).json()).toMatchObject({
      error: { code: 'NotFound' },
    });
    expect(await (await service.api('/api/panels')).json()).toHaveLength(1);
    await reader.show('', 'Now');
  });
}
