// The work of an HTTP API before and after the function; docs/laptop.md has the rest.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf, post } from '../support/system.ts';

const ORDER = JSON.stringify({
  customerId: 'c',
  items: [{ productId: 'p', quantity: 1, price: 5 }],
});

let bench: OrderBench;
let offline: Awaited<ReturnType<typeof startOffline>>;
let order: string;
let unfinished: ReturnType<typeof ask>;

beforeAll(async () => {
  bench = await createOrderBench();
  offline = await startOffline(environmentOf(bench));
  unfinished = askWithoutEnd(`${offline.url}/api/orders`);
  const { body } = await post(offline.url);
  order = `/api/orders/${body.data.id}`;
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await bench?.close();
});

/** By node:http, which adds no header of its own but `host` and `connection`. */
function ask(
  url: string,
  method: string,
  headers: Record<string, string | string[]> = {},
  body?: string,
) {
  return new Promise<{ status?: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const sent = request(url, { method, headers, timeout: 20_000 }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => {
          resolve({ status: answer.statusCode, headers: answer.headers, text });
        });
      });
      sent.on('error', reject).on('timeout', () => sent.destroy(new Error('no answer')));
      sent.end(body);
    },
  );
}

/** A request whose body is shorter than it says, on a connection that stays open. */
async function askWithoutEnd(url: string): ReturnType<typeof ask> {
  const headers = { 'content-type': 'application/json', 'content-length': 2 * ORDER.length };
  const sent = request(url, { method: 'POST', headers });
  sent.write(ORDER);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, text: await textOf(answer) };
}

const codeOf = (text: string) => JSON.parse(text).code as string;

test.each([
  ['no content type', undefined],
  ['an empty content type', ''],
  ['a content type that is none', 'json'],
  ['two content types in one line', 'application/json, text/plain'],
  ['parts without a boundary', 'multipart/form-data'],
  ['a text', 'text/plain'],
])('an order with %s is refused by the function: 415', async (_, type) => {
  const headers = {
    'content-length': String(ORDER.length),
    ...(type !== undefined && { 'content-type': type }),
  };
  const {
    status,
    headers: answered,
    text,
  } = await ask(`${offline.url}/api/orders`, 'POST', headers, ORDER);
  expect([status, codeOf(text)]).toEqual([415, 'CONTENT_TYPE']);
  expect(answered['content-type']).toContain('application/problem+json');
});

test.each(['false', '0', 'null', '""'])(
  'the document %s reaches the function as it is',
  async (body) => {
    const type = { 'content-type': 'application/json' };
    const { status, text } = await ask(`${offline.url}/api/orders`, 'POST', type, body);
    expect([status, codeOf(text)]).toEqual([422, 'VALIDATION']);
  },
);

test('HEAD has no route of its own, so notFound answers it: 405', async () => {
  for (const path of ['/api/health', order]) {
    const { status, headers, text } = await ask(offline.url + path, 'HEAD');
    expect([status, headers.allow, text]).toEqual([405, expect.stringMatching(/^GET\b/), '']);
  }
  expect((await ask(`${offline.url}/api/nothing`, 'HEAD')).status).toBe(404);
});

test.each([
  ['if-none-match', '"1"'],
  ['if-modified-since', new Date(Date.now() + 86_400_000).toUTCString()],
  ['range', 'bytes=0-9'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['cookie', 'a="not closed; =;'],
  ['host', 'shop.example'],
  ['host', '<>'],
  ['host', 'localhost:port'],
  ['host', 'localhost/elsewhere?a=b'],
])('%s changes nothing: the whole order with 200', async (name, value) => {
  const { status, headers, text } = await ask(offline.url + order, 'GET', { [name]: value });
  expect([status, headers.etag, JSON.parse(text).success]).toEqual([200, '"1"', true]);
  expect(headers).not.toHaveProperty('content-encoding');
  expect(headers).not.toHaveProperty('accept-ranges');
});

test('host does not reach the query', async () => {
  const url = `${offline.url}/api/orders/customer/c`;
  const { status, text } = await ask(url, 'GET', { host: 'localhost?limit=0' });
  expect([status, JSON.parse(text).success]).toEqual([200, true]);
});

test('a long answer is not compressed either', async () => {
  const url = `${offline.url}/api/openapi.json`;
  const { headers, text } = await ask(url, 'GET', { 'accept-encoding': 'gzip' });
  expect(headers).not.toHaveProperty('content-encoding');
  expect(JSON.parse(text)).toHaveProperty('openapi');
});

test("a browser's preflight is answered by notFound alone: 204, without credentials", async () => {
  const { status, headers } = await ask(`${offline.url}/api/orders`, 'OPTIONS', {
    origin: 'https://shop.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-anything',
  });
  expect(status).toBe(204);
  expect(headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': expect.stringMatching(/^authorization, content-type, /),
    'access-control-max-age': '600',
  });
  expect(headers).not.toHaveProperty('access-control-allow-credentials');
});

test('nor has an answer to another origin credentials', async () => {
  const { headers } = await ask(offline.url + order, 'GET', { origin: 'https://shop.example' });
  expect(headers['access-control-allow-origin']).toBe('*');
  expect(headers).not.toHaveProperty('access-control-allow-credentials');
});

test.each([
  ['GET', () => `${order}/`],
  ['GET', () => '/api/health/'],
  ['GET', () => '/api/health/?a=1'],
  ['POST', () => '/api/orders/'],
  ['GET', () => '/api/orders/customer/'],
])('%s of an address with a slash at its end is another address: 404', async (method, path) => {
  const { status, text } = await ask(offline.url + path(), method);
  expect([status, codeOf(text)]).toEqual([404, 'ROUTE_NOT_FOUND']);
});

test('the values of a header that is sent more than once are joined by commas', async () => {
  const json = { 'content-type': 'application/json' };
  const move = (tags: string[]) =>
    ask(
      `${offline.url}${order}/status`,
      'PUT',
      { ...json, 'if-match': tags },
      '{"status":"shipped"}',
    );
  expect((await move(['"8"', '"9"'])).status).toBe(412);
  expect((await move(['"1"', '"9"'])).status).toBe(200);
  const keys = { 'idempotency-key': ['a'.repeat(200), 'b'.repeat(200)] };
  const placed = await ask(`${offline.url}/api/orders`, 'POST', { ...json, ...keys }, ORDER);
  expect([placed.status, codeOf(placed.text)]).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
});

test('refusals by the server itself read like those of an HTTP API', async () => {
  const broken = await ask(`${offline.url}/api/orders/%zz`, 'GET');
  expect([broken.status, broken.text]).toEqual([400, '{"message":"Bad Request"}']);
  const json = { 'content-type': 'application/json' };
  const large = await ask(`${offline.url}/api/orders`, 'POST', json, ' '.repeat(11 * 2 ** 20));
  expect([large.status, large.text]).toEqual([413, '{"message":"Request Entity Too Large"}']);
});

test('a request whose body does not come to its end is answered 400', async () => {
  const { status, text } = await unfinished;
  expect([status, JSON.parse(text)]).toEqual([400, { message: 'Bad Request' }]);
}, 60_000);
