/** The page over a store with very many records: each view is bounded, whatever the store has. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { recordsKey, toEventRecord, toPayload } from '../../event.ts';
import { storeFile } from '../../recorder/schema.ts';
import { Writer } from '../../recorder/writer.ts';
import { Bench } from './bench.ts';
import { inBrowser, openPage, type Reader } from './console-page.ts';
import { type PageService, startPage } from './console-service.ts';

/** `npm run test:page-million` has a million. */
const RECORDS = Number(process.env.PAGE_RECORDS ?? 20_000);
const BATCH = 1_000;
/** One invocation with as many records as a batch may have. */
const LARGEST = 10_000;
/** Attempts of one record. */
const ATTEMPTS = 3_000;
const SEARCH_MS = 120_000;

/** The most bytes of one answer. */
const LIST_BYTES = 100_000;
const LIFE_BYTES = 500_000;
/** Lambda's own limit of 6 MB for an event, and the places of its records. */
const INVOCATION_BYTES = 9_000_000;

const source = { eventSource: 'SelfManagedKafka', bootstrapServers: 'broker:9092' } as const;

let bench: Bench;
let service: PageService;
let reader: Reader;
let page: Page;
let mapping: string;

/** Writes the records as the recorder does, without its limits. */
function fill(file: string): void {
  const { topic } = bench;
  const options = { file, maxBytes: 4 * 1024 ** 3, maxAgeMs: 86_400_000, private: [] };
  const writer = new Writer(options);
  const where = { mapping, topicId: 'first' };
  const jsonOf = (offset: number) => {
    const value = JSON.stringify({ orderId: `order-${offset}`, text: 'x'.repeat(200) });
    const headers = offset === 7 ? { rare: Buffer.from('yes') } : {};
    const key = Buffer.from(`key-${offset}`);
    const facts = { timestamp: String(Date.now()), offset: String(offset), headers };
    return JSON.stringify(toEventRecord(topic, 0, { key, value: Buffer.from(value), ...facts }));
  };
  const invoke = (id: string, from: number, count: number, attempt = 1, isGood = true) => {
    const last = from + count - 1;
    const spans = [{ partition: 0, count, ranges: [[from, last]] as const }];
    const at = Date.now();
    const rows = Array.from({ length: count }, (_, index) => jsonOf(from + index));
    const answer = { at, durationMs: 5, failed: isGood ? [] : spans };
    const outcome = isGood
      ? ({ state: 'succeeded', answer: 'null', failedState: 'done' } as const)
      : ({ state: 'failed', error: 'Unhandled: boom', failedState: 'retrying' } as const);
    writer.write(
      [
        {
          ...{ op: 'invocation', ...where, id, at, attempt, spans, call: {} },
          ...(attempt === 1 && { payload: toPayload(source, [[recordsKey(topic, 0), rows]]) }),
          answer: { ...answer, ...outcome },
        },
      ],
      false,
    );
  };
  const facts = { uuid: mapping, name: `notify (${topic})`, functionKey: 'notify', topic };
  writer.write([{ op: 'mapping', ...facts, source, filters: [] }], false);
  const plain = RECORDS - LARGEST;
  for (let from = 0; from < plain; from += BATCH) invoke(`batch-${from}`, from, BATCH);
  invoke('largest', plain, LARGEST);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    invoke(`attempt-${attempt}`, RECORDS, 1, attempt, false);
  }
  writer.close();
}

inBrowser('the page', {
  async open(use) {
    bench = use(new Bench());
    await bench.createTopic();
    const lambda = await bench.lambda();
    const folder = await mkdtemp(join(tmpdir(), 'kes-volume-'));
    use({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) });
    const options = { folder, options: { recorder: { maxMegabytes: 4_000 } } };
    {
      await using first = await startPage(bench, lambda, options);
      const { mappings } = (await (await first.api('/api/mappings')).json()) as {
        mappings: { uuid: string }[];
      };
      mapping = mappings[0]?.uuid ?? '';
    }
    fill(storeFile(folder, 'local'));
    service = use(await startPage(bench, lambda, options));
    reader = use(await openPage(service));
    page = reader.page;
    return reader;
  },
  tests: defineTests,
  openMs: 600_000,
});

function defineTests() {
  test('each view and search has a bounded answer, whatever the store has', async () => {
    const sizes = new Map<string, number>();
    page.on('response', async (response) => {
      const { pathname } = new URL(response.url());
      if (!pathname.startsWith('/api/') || pathname === '/api/events') return;
      const kind = pathname.split('/').slice(0, 4).join('/');
      const body = await response.body().catch(() => Buffer.of());
      sizes.set(kind, Math.max(sizes.get(kind) ?? 0, body.length));
    });
    const times: string[] = [];
    const open = async (path: string, seen: ReturnType<Page['locator']>) => {
      const begin = performance.now();
      await page.goto(`${service.origin}/#/${path}`);
      await seen
        .first()
        .waitFor({ timeout: SEARCH_MS })
        .catch(async (error: unknown) => {
          const texts = await page.locator('main').allInnerTexts();
          throw new Error(`${path} shows ${texts.join(' ').slice(0, 500)}`, { cause: error });
        });
      times.push(`${path || 'now'}: ${Math.round(performance.now() - begin)} ms`);
    };
    const rows = page.locator('main tbody tr');
    const row = (offset: number) =>
      page.getByRole('link', { name: `${bench.topic} 0:${offset}`, exact: true });
    const nothing = page.getByText('No record fits');
    await open('', page.getByRole('region', { name: /^notify/ }));
    await open('records', row(RECORDS));
    expect(await rows.count()).toBe(50);
    for (let count = 1; count <= 3; count += 1) {
      await page.getByRole('link', { name: 'Older →' }).click();
      await row(RECORDS - 50 * count).waitFor();
      expect(await rows.count()).toBe(50);
    }
    await open('records?key=key-3', row(3));
    await open('records?key=none', nothing);
    await open('records?text=order-11%22', row(11));
    await open('records?text=none', nothing);
    await open('records?state=retrying', row(RECORDS));
    await open('records?state=dropped', nothing);
    await open('records?offset=5', row(5));
    const older = page.getByRole('link', { name: 'Older →' });
    await open('records?header=rare', row(7).or(older));
    while (!(await row(7).isVisible())) {
      const { hash } = new URL(page.url());
      await older.click();
      await page.waitForURL((url) => url.hash !== hash);
      await row(7).or(older).waitFor({ timeout: SEARCH_MS });
    }
    await open(`records/${mapping}/${bench.topic}/0/5`, page.getByText('Put into a batch'));
    await open(`records/${mapping}/${bench.topic}/0/${RECORDS}`, page.getByText('are not shown'));
    await open('invocations', page.getByRole('cell', { name: 'failed' }));
    expect(await rows.count()).toBe(50);
    await open('invocations/batch-0', page.getByRole('region', { name: 'Payload' }));
    await open('invocations/largest', page.getByRole('region', { name: 'Payload' }));
    await open('letters', page.getByText('No dead letter'));
    await open('produce', page.getByLabel('Topic'));
    await open('faults', page.getByText('No fault is set'));
    console.info(`${RECORDS} records\n${times.join('\n')}\n${JSON.stringify([...sizes])}`);
    const largest = (...kinds: string[]) =>
      Math.max(...[...sizes].filter(([kind]) => kinds.includes(kind)).map(([, size]) => size));
    expect(largest('/api/records', '/api/invocations', '/api/mappings')).toBeLessThan(LIST_BYTES);
    expect(largest(`/api/records/${mapping}`)).toBeLessThan(LIFE_BYTES);
    expect(largest('/api/invocations/largest')).toBeLessThan(INVOCATION_BYTES);
  }, 600_000);
}
