import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { unsubscribeLink } from '../../lib/notification/preferences/unsubscribe.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf } from '../support/system.ts';

let bench: OrderBench;
let system: Awaited<ReturnType<typeof startOffline>>;

beforeAll(async () => {
  bench = await createOrderBench();
  system = await startOffline(environmentOf(bench));
}, 120_000);

afterAll(async () => {
  await system?.stop();
  await bench?.close();
});

function linkOf(customerId: string): string {
  const config = {
    url: `${system.url}/api/unsubscribe/`,
    secrets: ['for-this-laptop-alone'],
  } as const;
  return unsubscribeLink({ customerId, channel: 'email' }, config);
}

/** Node's own client: unlike `fetch` it adds nothing to the headers that it is given. */
async function send(method: string, url: string, type = '', body = '') {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = type ? { 'content-type': type } : {};
  const sent = request(url, { method, headers, timeout: 10_000 }, (response) => {
    let text = '';
    response.on('data', (chunk) => {
      text += chunk;
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

async function isOff(customerId: string): Promise<boolean> {
  const url = `${system.url}/api/customers/${encodeURIComponent(customerId)}/preferences`;
  const { text } = await send('GET', url);
  return JSON.parse(text).data.events.ORDER_SHIPPED.email === false;
}

const boundary = 'a-boundary';
const multipart = [
  `--${boundary}`,
  'Content-Disposition: form-data; name="List-Unsubscribe"',
  '',
  'One-Click',
  `--${boundary}--`,
  '',
].join('\r\n');

test.each([
  ['form', 'application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
  [
    'form-charset',
    'application/x-www-form-urlencoded; charset=UTF-8',
    'List-Unsubscribe=One-Click',
  ],
  ['multipart', `multipart/form-data; boundary=${boundary}`, multipart],
  ['text', 'text/plain', 'List-Unsubscribe=One-Click'],
  ['json', 'application/json', '{}'],
  ['bad-json', 'application/json', '{'],
  ['binary', 'application/octet-stream', '\0\x01'],
  ['none', '', ''],
])('a post of %s unsubscribes', async (name, type, body) => {
  const customerId = `post-${name}@x:1`;
  const { status } = await send('POST', linkOf(customerId), type, body);
  expect([status, await isOff(customerId)]).toEqual([200, true]);
});

test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('%s changes nothing', async (method) => {
  const customerId = `only-${method}`;
  const { status } = await send(method, linkOf(customerId));
  expect(status).toBeLessThan(500);
  expect(await isOff(customerId)).toBe(false);
});
