// The rows of "Laptop and cloud differ" in docs/laptop.md: each title is a row's first column.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROOT } from '../support/root.ts';
import { createService } from '../support/service.ts';
import { startOffline } from '../support/sls.ts';

const FUNCTIONS = {
  shows: 'export const handler = async (event: unknown) => event;',
  throws: `export const handler = async () => { throw 'a text'; };`,
};

const YML = `
service: probe
plugins:
  - serverless-offline
  - ./plugins/build/index.ts
provider: { name: aws, runtime: nodejs24.x, stage: local }
functions:
  shows: { handler: dist/shows/handler.handler, events: [ { httpApi: GET /shows } ] }
  throws: { handler: dist/throws/handler.handler, events: [ { httpApi: GET /throws } ] }
`;

let service: Awaited<ReturnType<typeof createService>>;
let offline: Awaited<ReturnType<typeof startOffline>>;

beforeAll(async () => {
  service = await createService('laptop', YML, FUNCTIONS);
  offline = await startOffline({}, service.folder);
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await service?.remove();
});

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(offline.url + path, { headers, signal: AbortSignal.timeout(20_000) });

const ROWS: Record<string, () => Promise<void>> = {
  'a handler throws a value that is no Error': async () => {
    const answer = await get('/throws');
    expect([answer.status, await answer.text()]).toEqual([200, 'a text']);
  },
  'headers of 20 000 bytes': async () => {
    expect((await get('/shows', { 'x-long': 'a'.repeat(20_000) })).status).toBe(200);
  },
  '`requestContext` of an event': async () => {
    const { requestContext } = (await (await get('/shows')).json()) as {
      requestContext: Record<string, string>;
    };
    for (const name of ['accountId', 'apiId', 'domainName', 'requestId']) {
      expect(requestContext[name]).toMatch(/^offlineContext_/);
    }
  },
  '`apigw-requestid` of an answer': async () => {
    expect((await get('/shows')).headers.has('apigw-requestid')).toBe(false);
  },
};

test.each(Object.entries(ROWS))('%s', (_, difference) => difference());

test('the page has these rows, and no others', async () => {
  const page = await readFile(join(ROOT, 'docs/laptop.md'), 'utf8');
  const [, table = ''] = page.split('## Laptop and cloud differ');
  const rows = [...table.matchAll(/^\| (?!\| |-)(.+?) \|/gm)].map(([, row]) => row);
  expect(rows.slice(1)).toEqual(Object.keys(ROWS));
});
