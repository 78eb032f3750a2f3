import { expect, test } from '@jest/globals';
import { type Access, type Asked, cookieOf, newAccess, refusalOf } from './guard.ts';

const access = newAccess({ names: ['devbox'] });
const HOST = 'localhost:3004';
const SDK = '/2015-03-31/event-source-mappings';

function asked(path: string, headers: Asked['headers'], method = 'GET', query = ''): Asked {
  const given = { host: HOST, ...headers };
  return { method, path, query: new URLSearchParams(query), headers: given };
}

/** The status and code of the refusal; undefined if there is none. */
function refused(request: Asked, own: Access = access) {
  const refusal = refusalOf(request, own);
  if (!refusal) return undefined;
  const { error } = refusal.body as { error: { code: string } };
  return [refusal.status, error.code];
}

test.each([
  'localhost',
  'localhost:3004',
  'LOCALHOST:1',
  'kafka.localhost:3004',
  '127.0.0.1:3004',
  '192.168.0.7:3004',
  '[::1]:3004',
  'host.docker.internal:3004',
  'devbox:3004',
])('the Host %s is this machine', (host) => {
  expect(refused(asked('/', { host }))).toBeUndefined();
});

test.each([
  undefined,
  '',
  'evil.example',
  'evil.example:3004',
  'localhost.evil.example',
  'localhost@evil.example',
  'notlocalhost',
  '127.0.0.1.evil.example',
  'evil.example:127.0.0.1',
])('the Host %s is refused, whatever the path', (host) => {
  for (const path of ['/', '/page.js', '/api/mappings', SDK, '/kafka-event-source/status']) {
    expect(refused(asked(path, { host }))).toEqual([403, 'HostRefused']);
  }
});

test.each([
  ['of another site', { origin: 'https://evil.example' }],
  ['of another port', { origin: 'http://localhost:5173' }],
  ['of https', { origin: 'https://localhost:3004' }],
  ['that is opaque', { origin: 'null' }],
  ['of a picture on another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ['of a picture on another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
  [
    'of a frame',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ],
])("a request %s is refused, also at AWS's paths and with the token", (_, headers) => {
  const own = { ...headers, authorization: `Bearer ${access.token}` };
  for (const path of ['/', '/api/mappings', SDK]) {
    for (const method of ['GET', 'POST']) {
      expect(refused(asked(path, own, method))).toEqual([403, 'OriginRefused']);
    }
  }
});

test("a program at AWS's paths needs neither Origin nor token; the page's own requests pass", () => {
  expect(refused(asked(SDK, {}, 'PUT'))).toBeUndefined();
  expect(refused(asked(SDK, { origin: 'http://localhost:3004' }, 'PUT'))).toBeUndefined();
  expect(refused(asked('/', { 'sec-fetch-site': 'none' }))).toBeUndefined();
  const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  expect(refused(asked('/', { 'sec-fetch-site': 'cross-site', ...link }))).toBeUndefined();
  const post = asked('/api/records', { 'sec-fetch-site': 'cross-site', ...link }, 'POST');
  expect(refused(post)).toEqual([403, 'OriginRefused']);
});

test('/api opens to the token as a bearer or as the cookie, and to no other', () => {
  const [cookie = ''] = cookieOf(access).split(';');
  const given = [
    { authorization: `Bearer ${access.token}` },
    { cookie },
    { cookie: `other=1; ${cookie}; more=2` },
  ];
  for (const headers of given) expect(refused(asked('/api/records', headers))).toBeUndefined();
  const wrong = [
    {},
    { authorization: access.token },
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${access.token}x` },
    { cookie: `${cookie}x` },
    { cookie: cookie.replace('kafka', 'Kafka') },
    { cookie: cookieOf(newAccess()) },
    { cookie, authorization: 'Bearer wrong' },
  ];
  for (const headers of wrong) {
    expect(refused(asked('/api/records', headers))).toEqual([401, 'TokenMissing']);
  }
});

test('the cookie is for no script and no other site', () => {
  expect(cookieOf(access)).toMatch(/; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
});

test('without allowChanges /api reads, and says what a change would do, but changes nothing', () => {
  const own = { ...access, allowChanges: false };
  const headers = { authorization: `Bearer ${access.token}` };
  expect(refused(asked('/api/records', headers), own)).toBeUndefined();
  expect(refused(asked('/api/records', headers, 'POST', 'dryRun=true'), own)).toBeUndefined();
  for (const query of ['', 'dryRun=false', 'dryRun', 'dryRun=1', 'dryRun=false&dryRun=true']) {
    const change = asked('/api/records', headers, 'POST', query);
    expect(refused(change, own)).toEqual([403, 'ChangesNotAllowed']);
  }
});

test("AWS's API takes changes of other machines only with allowChanges", () => {
  const shared = { ...access, isShared: true };
  for (const path of [SDK, '/2015-03-31/functions/notify/invocations']) {
    for (const query of ['', 'dryRun=true']) {
      const change = asked(path, {}, 'POST', query);
      expect(refused(change, { ...shared, allowChanges: false })).toEqual([
        403,
        'ChangesNotAllowed',
      ]);
      expect(refused(change, shared)).toBeUndefined();
      // From this machine, as ever.
      expect(refused(change, { ...access, allowChanges: false })).toBeUndefined();
    }
  }
  expect(refused(asked(SDK, {}), { ...shared, allowChanges: false })).toBeUndefined();
  expect(refused(asked('/mcp', {}, 'POST'), { ...shared, allowChanges: false })).toBeUndefined();
});
