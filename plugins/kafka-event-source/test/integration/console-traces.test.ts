/** Traces on the page, in a real browser. */
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Bench, type Lambda, until } from './bench.ts';
import { inBrowser, openPage, type Reader } from './console-page.ts';
import { type PageService, startPage } from './console-service.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const BATCH = '1af7651916cd43dd8448eb211c80319c';
const REQUEST = 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef';
const HARM = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

let bench: Bench;
let lambda: Lambda;
let service: PageService;
let reader: Reader;
let page: Page;

inBrowser('the page', {
  async open(use) {
    bench = use(new Bench());
    await bench.createTopic();
    lambda = await bench.lambda(() => ({ body: 'null', requestId: REQUEST }));
    service = use(await startPage(bench, lambda));
    reader = use(await openPage(service));
    page = reader.page;
    return reader;
  },
  tests: defineTests,
});

interface Sent {
  readonly name: string;
  readonly spanId: string;
  /** Milliseconds after the begin of the path. */
  readonly at: number;
  readonly ms: number;
  readonly more?: object;
}

/** Sends spans as an exporter does: without the page's token. */
async function send(name: string, begin: number, spans: readonly Sent[]): Promise<void> {
  const nanos = (ms: number) => `${BigInt(begin + ms) * 1_000_000n}`;
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: name } }] };
  const request = {
    resourceSpans: [
      {
        resource,
        scopeSpans: [
          {
            spans: spans.map(({ at, ms, more, ...span }) => ({
              traceId: TRACE,
              startTimeUnixNano: nanos(at),
              endTimeUnixNano: nanos(at + ms),
              ...span,
              ...more,
            })),
          },
        ],
      },
    ],
  };
  const answer = await fetch(`${service.origin}/v1/traces`, {
    method: 'POST',
    body: gzipSync(JSON.stringify(request)),
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  });
  expect([answer.status, await answer.text()]).toEqual([200, '{}']);
}

function defineTests() {
  test('a trace shows the whole path: spans of all services, the record and its invocation', async () => {
    const begin = Date.now();
    const spanOf = (digit: string) => digit.repeat(16);
    const parent = (digit: string) => ({ parentSpanId: spanOf(digit) });
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    await reader.show('traces', 'Traces');
    await page.getByText('No span has come yet').waitFor();
    await bench.produce([
      { key: 'order-1', value: '{}', headers: { traceparent: `00-${TRACE}-${spanOf('2')}-01` } },
    ]);
    await until('the invocation', () => lambda.invocations.length === 1);
    const after = Date.now() - begin;
    await send('shop', begin, [
      { name: 'POST /orders', spanId: spanOf('1'), at: 0, ms: 40, more: { kind: 2 } },
      {
        name: 'orders send',
        spanId: spanOf('2'),
        at: 4,
        ms: 30,
        more: { kind: 4, ...parent('1') },
      },
      { name: HARM, spanId: spanOf('3'), at: 1, ms: 3, more: parent('1') },
    ]);
    await send('mailer', begin, [
      {
        name: 'notify',
        spanId: spanOf('4'),
        at: after,
        ms: 50,
        more: { traceId: BATCH, attributes: [text('faas.invocation_id', REQUEST)] },
      },
      {
        name: 'process order',
        spanId: spanOf('5'),
        at: after + 5,
        ms: 40,
        more: { kind: 5, ...parent('2'), links: [{ traceId: BATCH, spanId: spanOf('4') }] },
      },
      {
        name: 'DynamoDB Query',
        spanId: spanOf('6'),
        at: after + 10,
        ms: 20,
        more: {
          kind: 3,
          ...parent('5'),
          status: { code: 2, message: 'throttled' },
          attributes: [text('db.system', HARM), { key: 'tries', value: { intValue: '3' } }],
          events: [{ timeUnixNano: `${BigInt(begin + after + 12) * 1_000_000n}`, name: 'retry' }],
        },
      },
    ]);
    // The list is live.
    await page.getByRole('table').getByText('POST /orders').waitFor();
    await page.getByRole('table').getByText('mailer, shop').waitFor();
    await reader.look('traces');
    await page
      .getByRole('row', { name: /POST \/orders/ })
      .getByRole('link')
      .click();
    await page.getByRole('heading', { level: 1, name: 'Trace POST /orders' }).waitFor();
    expect(page.url()).toBe(`${service.origin}/#/trace/${TRACE}`);
    expect(
      await page.getByRole('link', { name: 'Traces', exact: true }).getAttribute('aria-current'),
    ).toBe('page');
    const path = page.getByRole('list', { name: 'Path of the trace' });
    await path.getByRole('link', { name: 'Invocation of notify' }).waitFor();
    // The answer tells the recorder the request id, by which the spans are joined.
    await path.getByText('succeeded').waitFor();
    const lines = await path.locator('.waterfall-name').allTextContents();
    expect(lines.map((line) => line.replace(/\s+/g, ' ').trim())).toEqual([
      'POST /orders shop',
      `${HARM} shop`,
      'orders send shop',
      expect.stringMatching(`^Record ${bench.topic} 0:0`),
      expect.stringMatching('^Invocation of notify'),
      'process order mailer',
      expect.stringMatching('^DynamoDB Query mailer ?error$'),
    ]);
    await path.getByText('DynamoDB Query').click();
    await path.getByText('error: throttled').waitFor();
    await path.getByText('retry').waitFor();
    await path.getByText(HARM, { exact: true }).last().waitFor();
    expect(await page.locator('main').locator('img, script').count()).toBe(0);
    expect(await page.title()).toBe('Traces · Kafka event source');
    await reader.look('trace');
  });

  test('an invocation shows what it waited for, and leads to the trace; a record does, too', async () => {
    await reader.show(`trace/${TRACE}`, 'Trace POST /orders');
    await page.getByRole('link', { name: 'Invocation of notify' }).click();
    await page.getByRole('heading', { level: 2, name: 'Waited for' }).waitFor();
    const spans = page.getByRole('list', { name: 'Spans of the invocation' });
    const lines = await spans.locator('.waterfall-name').allTextContents();
    expect(lines.map((line) => line.split(' mailer')[0])).toEqual([
      'notify',
      'process order',
      'DynamoDB Query',
    ]);
    await reader.look('invocation-spans');
    await page.getByRole('link', { name: 'The whole trace of process order' }).waitFor();
    await page.getByRole('link', { name: `${bench.topic} 0:0` }).click();
    await page.getByRole('link', { name: 'Trace', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Trace POST /orders' }).waitFor();
    // By the keyboard a line is opened as by a click.
    await page.locator('summary', { hasText: 'orders send' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('producer', { exact: true }).waitFor();
    await page.getByLabel('Views').getByRole('link', { name: 'Traces' }).click();
    await page.getByLabel('Status').selectOption('error');
    await page.getByRole('table').getByText('POST /orders').waitFor();
    expect(await page.getByRole('table').getByText('notify').count()).toBe(0);
  });

  test('what happens between the first reading and the connection for news is shown', async () => {
    await reader.show('traces', 'Traces');
    const late = await reader.open(reader.context);
    const held = Promise.withResolvers<void>();
    await late.route('**/api/events', async (route) => {
      await held.promise;
      await route.continue();
    });
    await late.goto(`${service.origin}/#/traces`);
    await late.getByRole('table').getByText('POST /orders').waitFor();
    const traceId = '2af7651916cd43dd8448eb211c80319c';
    const span = { name: 'unheard', spanId: '7'.repeat(16), at: 0, ms: 1, more: { traceId } };
    await send('shop', Date.now(), [span]);
    await page.getByRole('table').getByText('unheard').waitFor();
    held.resolve();
    await late.getByRole('table').getByText('unheard').waitFor();
    await late.close();
  });

  test('an unknown trace is said to be unknown', async () => {
    await reader.show('trace/none', 'Trace');
    await page.getByText('The recorder has no span or record of the trace none').waitFor();
    // The browser reports the answer 404.
    reader.said.splice(0);
  });
}
