import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { callersOf } from '../../test/support/callers.ts';
import { call, httpEvent, lambdaContext } from '../../test/support/http.ts';
import { AppError } from '../errors.ts';
import { NOBODY } from '../identity/caller.ts';
import type { Callers } from '../identity/callers.ts';
import { tooMany } from '../limits/limit.ts';
import { ok } from './answer.ts';
import { httpHandler } from './handler.ts';
import type { Schemas } from './input.ts';

const open = <S extends Schemas>(input: S) => ({ rule: 'open' as const, input });
const body = z.strictObject({ name: z.string(), size: z.number() });
const echo = httpHandler({ operation: open({ body }) }, async (input) => ok(input.body));
const json = (text: string) => ({ method: 'POST', body: text });

test('a checked body reaches the handler, and its answer becomes JSON', async () => {
  const reply = await call(echo, { method: 'POST', body: { name: 'a', size: 1 } });
  expect(reply.body).toEqual({ success: true, data: { name: 'a', size: 1 } });
  expect(reply.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*',
  });
});

test.each([
  ['no body', { method: 'POST' }, 400, 'BODY_MISSING'],
  ['an empty body', json(''), 400, 'BODY_MISSING'],
  ['broken JSON', json('{"name":'), 400, 'BODY_NOT_JSON'],
  ['two documents', json('{} {}'), 400, 'BODY_NOT_JSON'],
  ['a text', { ...json('hello'), headers: { 'content-type': 'text/plain' } }, 415, 'CONTENT_TYPE'],
  ['over 1 MB', json(`"${'a'.repeat(1024 * 1024)}"`), 413, 'BODY_TOO_LARGE'],
  ['over 1 MB in UTF-8', json(`"${'ä'.repeat(600_000)}"`), 413, 'BODY_TOO_LARGE'],
  ['an array', json('[]'), 422, 'VALIDATION'],
  ['null', json('null'), 422, 'VALIDATION'],
  ['a forbidden key', json('{"__proto__":{"a":1}}'), 422, 'VALIDATION'],
])('%s is refused', async (_, request, status, code) => {
  const reply = await call(echo, request);
  expect([reply.status, reply.body.code]).toEqual([status, code]);
  expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(reply.body).toMatchObject({
    success: false,
    type: expect.stringMatching(/^\/api\/docs#[a-z-]+$/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    instance: expect.stringMatching(/^urn:uuid:/),
  });
});

test.each([
  ['application/json;charset=utf-8', 200],
  ['application/json ; charset=utf-8', 200],
  ['Application/JSON\t;charset=utf-8', 200],
  ['application/vnd.api+json ;v=1', 200],
  ['application/json x', 415],
  ['application/json,application/json', 415],
  ['application/jsonx', 415],
  ['text/json', 415],
  ['', 415],
])('a body of the type "%s" is answered %i', async (type, status) => {
  const headers = { 'content-type': type };
  const reply = await call(echo, { method: 'POST', headers, body: { name: 'a', size: 1 } });
  expect(reply.status).toBe(status);
  expect(reply.body.code).toBe(status === 415 ? 'CONTENT_TYPE' : undefined);
});

test('every fault is named at once, each with its path', async () => {
  const reply = await call(echo, { method: 'POST', body: { size: 'x', colour: 1, shape: 2 } });
  const paths = reply.body.errors.map(({ path }: { path: string }) => path);
  expect(paths).toEqual(['name', 'size', 'colour', 'shape']);
});

test('a body in base64 is decoded', async () => {
  const event = { ...httpEvent({ method: 'POST', body: { name: 'ü', size: 1 } }) };
  const encoded = Buffer.from(event.body ?? '').toString('base64');
  const reply = await echo({ ...event, body: encoded, isBase64Encoded: true }, lambdaContext());
  expect(JSON.parse(reply.body ?? '').data.name).toBe('ü');
});

test.each([false, 0])(
  'the document %j is refused also where it arrives parsed',
  async (document) => {
    const event = { ...httpEvent({ method: 'POST', body: '{}' }), body: document };
    const reply = await call((_, context) => echo(event as never, context));
    expect([reply.status, reply.body.code]).toEqual([422, 'VALIDATION']);
  },
);

test('a body that a hand-made event holds as an object counts as its text', async () => {
  const event = { ...httpEvent({ method: 'POST', body: '{}' }), body: { name: 'a', size: 1 } };
  const reply = await call((_, context) => echo(event as never, context));
  expect([reply.status, reply.body.data]).toEqual([200, { name: 'a', size: 1 }]);
});

test('headers are found however their names are written', async () => {
  const headers = z.object({ 'if-match': z.string() });
  const shown = httpHandler({ operation: open({ headers }) }, async (input) =>
    ok(input.headers['if-match']),
  );
  const reply = await call(shown, { headers: { 'If-Match': '"9"' } });
  expect([reply.status, reply.body.data]).toEqual([200, '"9"']);
});

test.each([
  [null, 'no HTTP request'],
  ['x', 'no HTTP request'],
  [1, 'no HTTP request'],
  [[], 'no HTTP request'],
  [{ httpMethod: 'GET', path: '/', headers: null, body: null }, 'format 1.0'],
])('the refusal of the event %j names its kind', async (event, part) => {
  const reply = await call((_, context) => echo(event as never, context));
  expect([reply.status, reply.body.code]).toEqual([500, 'CONFIG']);
  expect(reply.body.detail).toContain(part);
});

test('a refusal says each broken rule in our own words', async () => {
  const reply = await call(echo, { method: 'POST', body: { size: 'a' } });
  expect(reply.body.errors).toEqual([
    { path: 'name', message: 'is missing' },
    { path: 'size', message: 'must be a number' },
  ]);
});

test('of faults without end so many are named that the answer stays small', async () => {
  const unknown = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 1]));
  const reply = await call(echo, { method: 'POST', body: { name: 'a', size: 1, ...unknown } });
  expect([reply.status, reply.body.code]).toEqual([422, 'VALIDATION']);
  expect(reply.body.errors).toHaveLength(1000);
  expect(reply.body.detail).toContain('50000 fields');
});

test('an unexpected error shows nothing of the inside', async () => {
  const failing = httpHandler({ operation: open({}) }, async () => {
    throw new Error('table orders at 10.0.0.1');
  });
  const reply = await call(failing);
  expect([reply.status, reply.body.code]).toEqual([500, 'INTERNAL']);
  expect(JSON.stringify(reply)).not.toContain('10.0.0.1');
});

test('a failure that passes says when to come back', async () => {
  const away = httpHandler({ operation: open({}) }, async () => {
    throw new AppError('DATABASE_AWAY', 'away');
  });
  expect((await call(away)).headers['retry-after']).toBe('5');
});

test.each([{}, ''])('the event %j counts as a request with nothing in it', async (event) => {
  const reply = await call((_, context) => echo(event as never, context));
  expect([reply.status, reply.body.code]).toEqual([400, 'BODY_MISSING']);
});

const rule = { scope: 'orders:write', owner: 'body' } as const;
const owned = z.strictObject({ customerId: z.string() });

/** A handler for the caller, and how often it was reached. */
function guarded(callers: Callers) {
  const reached: string[] = [];
  const handler = httpHandler(
    { operation: { rule, input: { body: owned } }, callers },
    async ({ body: { customerId } }, { caller }) => {
      reached.push(customerId);
      return ok(caller.kind);
    },
  );
  return { handler, reached };
}

const refusing = (error: AppError): Callers => ({
  ...callersOf(),
  demand: () => Promise.reject(error),
});

test('the caller is checked before the body is looked at, and the answer says how to sign in', async () => {
  const { handler, reached } = guarded(refusing(new AppError('TOKEN_MISSING', 'None.')));
  for (const request of [{ method: 'POST' }, json('{'), json('{"customerId":1}')]) {
    const reply = await call(handler, request);
    expect([reply.status, reply.body.code]).toEqual([401, 'TOKEN_MISSING']);
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="orders"');
    expect(reply.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
  }
  expect(reached).toEqual([]);
});

test('the refusal of a program names the missing scope, before its body is read', async () => {
  const { handler, reached } = guarded(callersOf({ kind: 'machine', scopes: ['orders:read'] }));
  const reply = await call(handler, json('{'));
  expect([reply.status, reply.body.code]).toEqual([403, 'SCOPE_MISSING']);
  expect(reply.body.scope).toBe('orders:write');
  expect(reply.headers['www-authenticate']).toContain('scope="orders:write"');
  expect(reached).toEqual([]);
});

test('a customer reaches a request in their own name alone; others reach all', async () => {
  const customer = guarded(callersOf({ kind: 'customer', customerId: 'ada' }));
  const own = await call(customer.handler, { method: 'POST', body: { customerId: 'ada' } });
  expect([own.status, own.body.data]).toEqual([200, 'customer']);
  for (const customerId of ['bob', 'Ada', '']) {
    const reply = await call(customer.handler, { method: 'POST', body: { customerId } });
    expect([reply.status, reply.body.code]).toEqual([403, 'NOT_YOURS']);
  }
  expect(customer.reached).toEqual(['ada']);
  const machine = guarded(callersOf({ kind: 'machine', scopes: ['orders:write'] }));
  for (const { handler } of [machine, guarded(callersOf({ kind: 'operator' }))]) {
    expect((await call(handler, { method: 'POST', body: { customerId: 'bob' } })).status).toBe(200);
  }
});

test('the answer to too many requests says after which time to repeat them', async () => {
  const { handler } = guarded(refusing(tooMany(17, 'Too many.')));
  const reply = await call(handler, { method: 'POST', body: { customerId: 'ada' } });
  expect([reply.status, reply.headers['retry-after']]).toEqual([429, '17']);
  expect(reply.body).not.toHaveProperty('retryAfter');
});

test('an open operation answers whoever calls, and a guarded one without callers is a fault', async () => {
  const callers = { ...refusing(new AppError('TOKEN_INVALID', 'no')), ask: async () => NOBODY };
  const asking = httpHandler({ operation: open({}), callers }, async (_, { caller }) => ok(caller));
  expect((await call(asking)).body.data).toEqual(NOBODY);
  const unguarded = httpHandler({ operation: { rule, input: {} } }, async () => ok(1));
  expect((await call(unguarded)).body.code).toBe('INTERNAL');
});
