/** The page's records, invocations and dead letters in a real browser. */
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Random } from '../../testing/random.ts';
import { Bench, until } from './bench.ts';
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

const bills = () => billsOf(bench);

const SCRIPTS = [
  '<script>document.title="harmed"</script>',
  '<img src=x onerror=alert(1)>',
  '"><b>bold</b><iframe src="javascript:alert(1)"></iframe>',
  '</title><object data="https://evil.example/x"></object>',
];

/** The number of records of a topic that the recorder has. */
async function recorded(topic: string): Promise<number> {
  let [count, cursor] = [0, ''];
  do {
    const asked = `/api/records?topic=${topic}&limit=200${cursor && `&cursor=${cursor}`}`;
    const { items, next = '' } = (await (await service.api(asked)).json()) as {
      items: unknown[];
      next?: string;
    };
    count += items.length;
    cursor = encodeURIComponent(next);
  } while (cursor);
  return count;
}

/** A value that would harm a page that takes it for markup, or random bytes. */
function harmful(index: number, random: Random): Buffer {
  const script = SCRIPTS[index % 5];
  if (script) return Buffer.from(`${script} ${index}`);
  return Buffer.from(Array.from({ length: 64 }, () => random.between(0, 255)));
}

let bench: Bench;
let service: PageService;
let reader: Reader;
let page: Page;

inBrowser('the page', {
  async open(use) {
    bench = use(new Bench());
    await bench.createTopic(3);
    const lambda = await bench.lambda(refusePoison);
    service = use(
      await startPage(bench, lambda, {
        event: { batchSize: 4 },
        functions: {
          charge: charging(bench),
          swallow: {
            events: [{ kafka: { topic: `${bench.topic}-harmful`, consumerGroupId: bench.topic } }],
          },
        },
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
  test('a dead letter is shown with its reason, and goes back', async () => {
    const topic = bills();
    await bench.produce(
      ['poison', 'paid', 'poison'].map((value) => ({ key: 'bill-7', value })),
      topic,
    );
    await untilLetters(service, 2);
    await reader.show('letters', 'Dead letters');
    await page.getByText('RetriesExhausted').first().waitFor();
    await page.getByRole('checkbox').first().check();
    await reader.look('letters');
    await page.getByRole('button', { name: 'Redrive 1 chosen…' }).click();
    await reader.confirm('Put back');
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
    await reader.show('records', 'Records');
    await page.getByLabel('Key', { exact: true }).fill('bill-8');
    await page.getByLabel('State').selectOption('dead-lettered');
    // A record that comes meanwhile does not undo what is typed.
    await bench.produce([{ key: 'bill-10', value: 'paid' }], bills());
    await page.getByRole('table').getByText('bill-10').waitFor();
    await page.getByRole('button', { name: 'Search' }).click();
    const found = page.getByRole('table').getByRole('link');
    await until('the one record', async () => (await found.count()) === 1, {
      withinMs: 15_000,
      seen: () => page.url(),
    });
    await page.getByRole('table').getByText('dead-lettered').waitFor();
    expect(await page.getByLabel('State').inputValue()).toBe('deadLettered');
    await page.getByRole('link', { name: 'Show all', exact: true }).click();
    await page.getByText('order-9').first().waitFor();
    await reader.look('records');
    await page
      .getByRole('row', { name: /bill-8/ })
      .getByRole('link')
      .click();
    await page.getByRole('heading', { level: 2, name: 'Life' }).waitFor();
    await page.getByRole('link', { name: /^Attempt 1/ }).waitFor();
    await reader.look('record');
    await page.getByRole('button', { name: 'Value as Hex' }).click();
    await page.getByText('70 6f 69 73 6f 6e').waitFor();
    await page.getByRole('link', { name: /Attempt 1/ }).click();
    await page.getByRole('button', { name: 'Run again…' }).waitFor();
    await reader.look('invocation');
    const before = page.url();
    await page.getByRole('button', { name: 'Run again…' }).click();
    await page.getByLabel('What to run').selectOption('edited');
    const event = await page.getByLabel('Event').inputValue();
    await page.getByLabel('Event').fill(event.replace(btoa(POISON), btoa('mended')));
    await reader.confirm('Run');
    await page.waitForURL((url) => url.href !== before);
    await page.getByText('Run again by hand from').waitFor();
    await page.getByText('succeeded').waitFor();
    await page.getByRole('link', { name: 'another invocation' }).click();
    await page.waitForURL(before);
    await reader.show('invocations', 'Invocations');
    await page.getByLabel('State').selectOption('failed');
    await page.getByText('Unhandled: thrown by the test').first().waitFor();
    await reader.look('invocations');
  });

  test('a search that finds nothing says why', async () => {
    await reader.show('records?topic=other&partition=0&offset=3', 'Records');
    await page.getByText('No mapping of this service reads other.').waitFor();
    await reader.show(`records?topic=${bills()}&partition=0&offset=9999`, 'Records');
    await page.getByText('cannot be read: the partition ends at').waitFor();
    await reader.look('why-none');
  });

  test('a dead letter leads to its record', async () => {
    await reader.show('letters', 'Dead letters');
    await page
      .getByRole('link', { name: new RegExp(`^${bills()} `) })
      .first()
      .click();
    await page.getByRole('table', { name: 'Records' }).getByText('dead-lettered').waitFor();
  });

  test('a record whose time is beyond all calendars is shown', async () => {
    await page.route('**/api/records/*/*/*/*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), timestamp: 1.7e18 } });
    });
    await reader.show('records?key=order-9', 'Records');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByText('1700000000000000000 ms since 1970').waitFor();
    await page.unrouteAll();
  });

  test('marks of direction are shown, and cannot turn the order of what is read', async () => {
    const [key, value] = ['\u202eevil\u202c', '{"name":"\u2067txet","next":"שלום"}'];
    await bench.produce([{ key, value, partition: 0 }]);
    await reader.show(`records?key=${encodeURIComponent(key)}`, 'Records');
    const table = page.getByRole('table', { name: 'Records' });
    await table.getByText('\\u202eevil\\u202c', { exact: true }).waitFor();
    await table.getByText('"\\u2067txet"').waitFor();
    await table.getByRole('link').first().click();
    await page.getByText('"name": "\\u2067txet",').waitFor();
    await page.getByRole('link', { name: 'Copy to Produce' }).click();
    await page.getByText('A copy of').waitFor();
    const copied = page.getByLabel('Key', { exact: true });
    await until('the copy', async () => (await copied.inputValue()) === key);
  });

  test('a record is copied to Produce, and produced once more', async () => {
    await reader.show('records?key=order-9', 'Records');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('link', { name: 'Copy to Produce' }).click();
    await page.getByText('A copy of').waitFor();
    const value = page.getByLabel('Value', { exact: true });
    await until('the copy', async () => (await value.inputValue()).includes('order-9'));
    expect(await page.getByLabel('Key', { exact: true }).inputValue()).toBe('order-9');
  });

  test('1 000 records of random bytes and scripts are shown as text', async () => {
    const random = new Random(7);
    const values = Array.from({ length: 1_000 }, (_, index) => harmful(index, random));
    const topic = `${bench.topic}-harmful`;
    await bench.produce(
      values.map((value) => ({ key: value, value, headers: { h: value } })),
      topic,
    );
    await until('all records', async () => (await recorded(topic)) === values.length);
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await reader.show(`records?topic=${topic}`, 'Records');
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
}
