import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import type { Operation } from '../../lib/http/operation.ts';
import { eventOf } from '../../lib/order/events.ts';
import { firstVersion, newOrderSchema } from '../../lib/order/order.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { startOffline } from '../support/sls.ts';
import { environmentOf, post } from '../support/system.ts';
import { until } from '../support/until.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const UNKNOWN = '0192f0c1-2345-7abc-8def-000000000000';
const EXAMPLE = OPERATIONS['POST /api/orders'];

/** Other reads come first, so that they find what their examples show; these show what writes have made. */
const AFTER_WRITES = ['getPreferences', 'health', 'listNotifications', 'listOrderEvents'];

/** Their examples depend on the other work of the system. */
const SHAPE_ALONE = ['listNotifications', 'listOrderEvents'];

let bench: OrderBench;
let offline: Awaited<ReturnType<typeof startOffline>>;
// biome-ignore lint/suspicious/noExplicitAny: a test reads any member of the document
let document: any;
let ajv: Ajv2020;

beforeAll(async () => {
  bench = await createOrderBench();
  offline = await startOffline(environmentOf(bench));
  const { contact, ...order } = newOrderSchema.parse(EXAMPLE.request.body);
  const { data } = EXAMPLE.answer.example as { data: { id: string; createdAt: string } };
  const placed = firstVersion(data.id, { ...order, contact }, new Date(data.createdAt));
  const event = eventOf(placed, { id: UNKNOWN, traceparent: '', contact });
  await bench.repository.insert({ order: placed, contact, events: [event] });
  document = (await send('GET', '/api/openapi.json')).body;
  ajv = new Ajv2020({ strict: false, validateFormats: false, multipleOfPrecision: 6 });
  ajv.addSchema({ ...document, $id: 'api:/' });
}, 120_000);

afterAll(async () => {
  await offline?.stop();
  await bench?.close();
});

type Sent = { headers?: Record<string, string>; body?: unknown };

async function send(method: string, path: string, { headers, body }: Sent = {}) {
  const answer = await fetch(offline.url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  return {
    status: answer.status,
    type,
    headers: answer.headers,
    body: type.includes('json') ? JSON.parse(text) : text,
  };
}

/** The faults of an answer against what the served document says of its route and status. */
function faultsOf(
  route: string,
  { status, type, headers, body }: Awaited<ReturnType<typeof send>>,
) {
  const [method = '', path = ''] = route.split(' ');
  const response = document.paths[path][method.toLowerCase()].responses[status];
  if (!response) return `${status} is not documented`;
  const media = type.split(';')[0] ?? '';
  if (!response.content[media]) return `${media} is not documented for ${status}`;
  for (const name of Object.keys(response.headers ?? {})) {
    const { required, schema } = document.components.headers[name];
    const value = headers.get(name);
    if (value === null && required) return `${name} is missing`;
    if (value !== null && !ajv.validate(schema, value)) return `${name} is "${value}"`;
  }
  const { schema } = response.content[media];
  if (!schema) return null;
  const text = JSON.stringify(schema).replaceAll('"#/', '"api:/#/');
  return ajv.validate(JSON.parse(text), body) ? null : ajv.errorsText();
}

function requestOf(route: string, { request }: Operation) {
  const [method = '', path = ''] = route.split(' ');
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => request.path?.[name] ?? '');
  const query = request.query ? `?${new URLSearchParams(request.query)}` : '';
  const { headers = {}, body } = request;
  return [method, filled + query, { headers, body }] as const;
}

/** Each answer has ids, times and latencies of its own; only a laptop says that it asks for no tokens. */
function masked(body: unknown): unknown {
  const text = JSON.stringify(body)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>')
    .replaceAll(/"latencyMs":\d+/g, '"latencyMs":0')
    .replaceAll(/,"oldestPendingEventSeconds":\d+/g, '')
    .replaceAll('"auth":"off",', '');
  return JSON.parse(text);
}

const inOrder = Object.entries(OPERATIONS).toSorted((a, b) => rank(a) - rank(b));

function rank([route, { id }]: [string, Operation]): number {
  if (AFTER_WRITES.includes(id)) return 2;
  return route.startsWith('GET ') ? 0 : 1;
}

test.each(inOrder)('%s answers its example as documented', async (route, operation) => {
  const { id, answer } = operation;
  const reply = await until(id, async () => {
    const now = await send(...requestOf(route, operation));
    const lags = id === 'listByCustomer' && now.body.data?.length === 0;
    return lags ? undefined : now;
  });
  expect([reply.status, reply.body.errors]).toEqual([answer.status, undefined]);
  expect(faultsOf(route, reply)).toBeNull();
  if (answer.example !== undefined && !SHAPE_ALONE.includes(id)) {
    expect(masked(reply.body)).toEqual(masked(answer.example));
  }
});

const ORDERS = 'POST /api/orders';
const ORDER_OF_ID = 'GET /api/orders/{id}';
const LIST = 'GET /api/orders/customer/{customerId}';
const STATUS = 'PUT /api/orders/{id}/status';
const good = EXAMPLE.request.body;
const asText = { 'content-type': 'text/plain' };

test.each<[string, string, string, Sent, number, string]>([
  [ORDERS, 'no body', '/api/orders', {}, 400, 'BODY_MISSING'],
  [ORDERS, 'half a document', '/api/orders', { body: '{"a":' }, 400, 'BODY_NOT_JSON'],
  [ORDERS, 'no JSON', '/api/orders', { headers: asText, body: 'a' }, 415, 'CONTENT_TYPE'],
  [
    ORDERS,
    'too much',
    '/api/orders',
    { body: `"${'a'.repeat(1_100_000)}"` },
    413,
    'BODY_TOO_LARGE',
  ],
  [ORDERS, 'faults', '/api/orders', { body: { customerId: '' } }, 422, 'VALIDATION'],
  [ORDERS, 'the document false', '/api/orders', { body: 'false' }, 422, 'VALIDATION'],
  [
    ORDERS,
    'a key that is none',
    '/api/orders',
    { headers: { 'idempotency-key': 'ä' }, body: good },
    400,
    'IDEMPOTENCY_KEY_INVALID',
  ],
  [ORDER_OF_ID, 'an unknown id', `/api/orders/${UNKNOWN}`, {}, 404, 'ORDER_NOT_FOUND'],
  [ORDER_OF_ID, 'an id of 40 KB', `/api/orders/${'a'.repeat(40_000)}`, {}, 404, 'ORDER_NOT_FOUND'],
  [LIST, 'a limit of 0', '/api/orders/customer/c?limit=0', {}, 422, 'VALIDATION'],
  [LIST, 'an unknown parameter', '/api/orders/customer/c?a=b', {}, 422, 'VALIDATION'],
  [
    STATUS,
    'an unknown id',
    `/api/orders/${UNKNOWN}/status`,
    { body: { status: 'shipped' } },
    404,
    'ORDER_NOT_FOUND',
  ],
])('%s with %s is refused as documented', async (route, _, path, sent, status, code) => {
  const [method = ''] = route.split(' ');
  const reply = await send(method, path, sent);
  expect([reply.status, reply.body.code, reply.type]).toEqual([status, code, PROBLEM_TYPE]);
  expect(faultsOf(route, reply)).toBeNull();
});

test('a mail program unsubscribes by posting its form', async () => {
  const route = 'POST /api/unsubscribe/{token}';
  const [method, path] = requestOf(route, OPERATIONS[route]);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const reply = await send(method, path, { headers, body: 'List-Unsubscribe=One-Click' });
  expect([reply.status, reply.type]).toEqual([200, 'text/html; charset=utf-8']);
  const { body } = await send('GET', '/api/customers/customer-2/preferences');
  expect(body.data).toMatchObject({
    version: 1,
    events: { ORDER_SHIPPED: { email: false, sms: true }, ORDER_CANCELLED: { email: true } },
  });
});

test('the refusals of a move are as documented', async () => {
  const { body } = await post(offline.url);
  const path = `/api/orders/${body.data.id}/status`;
  const move = async (sent: object, headers = {}) => {
    const reply = await send('PUT', path, { body: sent, headers });
    expect(faultsOf(STATUS, reply)).toBeNull();
    return [reply.status, reply.body.code];
  };
  expect(await move({ status: 'delivered' })).toEqual([409, 'MOVE_NOT_ALLOWED']);
  expect(await move({ status: 'shipped', expectedVersion: 7 })).toEqual([412, 'VERSION_MISMATCH']);
  expect(await move({ status: 'shipped', expectedVersion: 1 }, { 'if-match': '"2"' })).toEqual([
    422,
    'VERSIONS_DIFFER',
  ]);
});

test('an idempotency key is answered as documented: a replay, and another body', async () => {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  const first = await send('POST', '/api/orders', { headers, body: good });
  const again = await send('POST', '/api/orders', { headers, body: good });
  const other = await send('POST', '/api/orders', { headers, body: { ...good, currency: 'USD' } });
  expect([again.status, again.type, again.headers.get('idempotent-replay')]).toEqual([
    201,
    JSON_TYPE,
    'true',
  ]);
  expect(again.body).toEqual(first.body);
  expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  for (const reply of [first, again, other]) expect(faultsOf(ORDERS, reply)).toBeNull();
});

test.each(Object.entries(OPERATIONS))(
  'the address of %s refuses another method',
  async (route, of) => {
    const path = requestOf(route, of)[1];
    const reply = await send('DELETE', path);
    const methods = Object.keys(document.paths[route.split(' ')[1] ?? '']);
    expect([reply.status, reply.body.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    const allow = [...methods.map((method) => method.toUpperCase()), 'OPTIONS'].join(', ');
    expect(reply.headers.get('allow')).toBe(allow);
  },
);
