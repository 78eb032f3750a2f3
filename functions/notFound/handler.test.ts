import { expect, test } from '@jest/globals';
import { AppError } from '../../lib/errors.ts';
import { callersOf } from '../../test/support/callers.ts';
import { call } from '../../test/support/http.ts';
import { createHandler, handler } from './handler.ts';

test.each(['/nowhere', '/api/orders/', '/api/orders//status', '/api/openapi_json'])(
  'nothing is at %s',
  async (path) => {
    const reply = await call(handler, { path });
    expect([reply.status, reply.body.code]).toEqual([404, 'ROUTE_NOT_FOUND']);
  },
);

test.each([
  ['DELETE', '/api/orders', 'POST, OPTIONS'],
  ['POST', '/api/orders/abc', 'GET, OPTIONS'],
  ['GET', '/api/orders/abc/status', 'PUT, OPTIONS'],
  ['DELETE', '/api/orders/customer/status', 'GET, PUT, OPTIONS'],
  ['DELETE', '/api/orders/customer/events', 'GET, OPTIONS'],
  ['HEAD', '/api/orders/customer/abc', 'GET, OPTIONS'],
  ['POST', '/api/customers/c/preferences', 'GET, PUT, OPTIONS'],
])('%s %s gets the methods that the address takes', async (method, path, allow) => {
  const reply = await call(handler, { method, path });
  expect([reply.status, reply.headers.allow, reply.body.code]).toEqual([
    405,
    allow,
    'METHOD_NOT_ALLOWED',
  ]);
});

test('a preflight request of a browser is answered', async () => {
  const reply = await call(handler, { method: 'OPTIONS', path: '/api/orders' });
  expect(reply.status).toBe(204);
  expect(reply.headers['access-control-allow-methods']).toBe('POST, OPTIONS');
  expect(reply.headers['access-control-allow-headers']).toContain('idempotency-key');
});

test('where tokens are demanded, a caller without one learns nothing of addresses and methods', async () => {
  const demand = () => Promise.reject(new AppError('TOKEN_MISSING', 'None.'));
  const refusing = createHandler({ ...callersOf(), areDemanded: true, demand });
  for (const request of [{ path: '/nowhere' }, { method: 'DELETE', path: '/api/orders' }]) {
    const reply = await call(refusing, request);
    expect([reply.status, reply.headers.allow]).toEqual([401, undefined]);
  }
  const preflight = await call(refusing, { method: 'OPTIONS', path: '/api/orders' });
  expect(preflight.status).toBe(204);
  expect(preflight.headers['access-control-allow-headers']).toContain('authorization');
  const known = createHandler(callersOf({ kind: 'customer', customerId: 'c' }));
  expect((await call(known, { path: '/nowhere' })).status).toBe(404);
});
