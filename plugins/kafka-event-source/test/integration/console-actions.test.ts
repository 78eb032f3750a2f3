/** The page's actions on records, invocations and dead letters, each pressed in a real browser. */
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Bench, ENDLESS_MS, type Lambda, success, until } from './bench.ts';
import { inBrowser, openPage, type Reader } from './console-page.ts';
import {
  billsOf,
  charging,
  type PageService,
  POISON,
  refusePoison,
  startPage,
  untilLetters,
} from './console-service.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

let bench: Bench;
let lambda: Lambda;
let service: PageService;
let reader: Reader;
let page: Page;

const bills = () => billsOf(bench);
const invocationsOf = (name: string) =>
  lambda.invocations.filter(({ path }) => path.endsWith(`${name}/invocations`));

inBrowser('the page', {
  async open(use) {
    bench = use(new Bench());
    await bench.createTopic();
    lambda = await bench.lambda(refusePoison);
    service = use(
      await startPage(bench, lambda, {
        event: { batchSize: 4, maximumBatchingWindow: ENDLESS_MS / 1_000 },
        functions: { charge: charging(bench) },
        options: { createTopics: true },
      }),
    );
    reader = use(await openPage(service));
    page = reader.page;
    return reader;
  },
  tests: defineTests,
});

function defineTests() {
  test('a batch runs again as it was, edited, with one record alone, and without it', async () => {
    const messages = ['a', 'b', 'c', 'd'].map((value) => ({ key: `key-${value}`, value }));
    await bench.produce(messages);
    await until('the commit', async () => (await bench.committed()) === 4);
    const [original] = invocationsOf('notify');
    await reader.show('invocations', 'Invocations');
    await page
      .getByRole('row', { name: /notify.*succeeded/ })
      .getByRole('link')
      .click();
    const heading = page.getByRole('heading', { level: 1, name: 'Invocation of notify' });
    await heading.waitFor();
    const address = page.url();
    const offsets = () =>
      invocationsOf('notify')
        .at(-1)
        ?.records.map(({ offset }) => offset);
    const again = async (mode: string, choose: () => Promise<unknown> = async () => undefined) => {
      const count = invocationsOf('notify').length;
      await page.getByRole('button', { name: 'Run again…' }).click();
      await page.getByLabel('What to run').selectOption(mode);
      await choose();
      await reader.confirm('Run');
      await page.getByText('Run again by hand from').waitFor();
      await page.locator('.head .state', { hasText: 'succeeded' }).waitFor();
      expect(invocationsOf('notify')).toHaveLength(count + 1);
      await page.getByRole('link', { name: 'another invocation' }).click();
      await page.waitForURL(address);
      await heading.waitFor();
    };
    await again('same');
    expect(invocationsOf('notify').at(-1)?.body).toBe(original?.body);
    const third = () =>
      page.getByLabel('Record', { exact: true }).selectOption(`${bench.topic} 0:2`);
    await again('record', third);
    expect(offsets()).toEqual([2]);
    await again('without', third);
    expect(offsets()).toEqual([0, 1, 3]);
    await again('edited', async () => {
      const event = await page.getByLabel('Event').inputValue();
      await page.getByLabel('Event').fill(event.replace(base64('b'), base64('edited')));
    });
    expect(
      invocationsOf('notify')
        .at(-1)
        ?.records.map(({ value }) => value),
    ).toEqual(['a', 'edited', 'c', 'd'].map(base64));
    expect(await bench.committed()).toBe(4);
  });

  test('a copy of a record is written with its key, value and headers', async () => {
    const headers = { source: 'shop', trace: 'a-1' };
    await bench.produce([{ key: 'bill-1', value: '{"total":7}', headers }], bills());
    await until('the record', () => invocationsOf('charge').length === 1);
    await reader.show('records?key=bill-1', 'Records');
    await page.getByRole('table').getByRole('link').click();
    await page.getByRole('link', { name: 'Copy to Produce' }).click();
    await page.getByText('A copy of').waitFor();
    await page.getByRole('button', { name: 'Produce…', exact: true }).click();
    await reader.confirm('Produce');
    await page.getByText(/It is on partition \d at offset 1\./).waitFor();
    await until('the copy', () => invocationsOf('charge').length === 2);
    const [first, second] = invocationsOf('charge').map(({ records: [record] }) => record);
    const { key, value, headers: own, partition } = first ?? {};
    expect(second).toMatchObject({ key, value, headers: own, partition, offset: 1 });
  });

  test('letters go back one by one, as a selection, and by a filter', async () => {
    const keys = ['bill-3', 'bill-4', 'bill-5', 'bill-6', 'bill-7'];
    await bench.produce(
      keys.map((key) => ({ key, value: POISON })),
      bills(),
    );
    await untilLetters(service, keys.length);
    lambda.handle(() => success);
    const done = invocationsOf('charge').length;
    const cameBack = () =>
      invocationsOf('charge')
        .slice(done)
        .map(({ records: [record] }) => Buffer.from(record?.key ?? '', 'base64').toString())
        .sort();
    await reader.show('letters', 'Dead letters');
    const row = (key: string) => page.getByRole('row', { name: new RegExp(key) });
    await row('bill-3')
      .getByRole('button', { name: /^Redrive the letter/ })
      .click();
    await page.getByRole('dialog').getByText('Puts 1 letter').waitFor();
    expect(cameBack()).toEqual([]);
    await reader.confirm('Put back');
    await page.getByText('Put back 1 letter.').waitFor();
    await row('bill-3').getByText('put back before').waitFor();
    await until('the first letter', () => cameBack().join() === 'bill-3');

    await row('bill-4').getByRole('checkbox').check();
    await row('bill-5').getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Redrive 2 chosen…' }).click();
    await reader.confirm('Put back');
    await page.getByText('Put back 2 letters.').waitFor();
    await until('two letters', () => cameBack().join() === 'bill-3,bill-4,bill-5');

    await page.getByRole('button', { name: 'Redrive by filter…' }).click();
    await page.getByLabel('Key of the record').fill('bill-6');
    await page.getByRole('dialog').getByText('Puts 1 letter').waitFor();
    await reader.confirm('Put back');
    await row('bill-6').getByText('put back before').waitFor();
    await until('the filtered letter', () => cameBack().at(-1) === 'bill-6');
    await row('bill-7')
      .getByRole('button', { name: /^Redrive the letter/ })
      .waitFor();
    expect(cameBack()).toHaveLength(4);
  });
}
