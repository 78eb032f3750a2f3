import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { fetchKeys } from '../../../lib/identity/fetch-keys.ts';
import { createKeys, type Keys } from '../../../lib/identity/keys.ts';
import { createTokens } from '../../../lib/identity/token.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { createSigner, customerClaims, NOW, SETTINGS } from '../../support/tokens.ts';

type Reply = (response: import('node:http').ServerResponse) => void;

const [first, second] = await Promise.all([createSigner(), createSigner()]);
const LIMIT = 400;

let server: Server;
let issuer: string;
let calls: string[];
let replies: Record<string, Reply>;

const json =
  (body: unknown, status = 200): Reply =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? '';
    calls.push(url);
    (replies[url] ?? json('{}', 404))(response);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/shop`;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

beforeEach(() => {
  calls = [];
  replies = {
    '/shop/.well-known/openid-configuration': json({ issuer, jwks_uri: `${issuer}/keys` }),
    '/shop/keys': json({ keys: [first.jwk] }),
  };
});

function readerOf(keys: Keys) {
  const settings = { ...SETTINGS, issuer };
  const read = createTokens({ settings, keys, clock: { now: () => NOW } });
  return async (signer: typeof first) =>
    read(`Bearer ${await signer.sign(customerClaims({ iss: issuer }))}`);
}

const customer = { kind: 'customer', customerId: 'customer-1' };

test('keys are found by the metadata of the issuer, with and without a slash at its end', async () => {
  expect(await fetchKeys({ issuer }, LIMIT)).toEqual({ keys: [first.jwk] });
  expect(calls).toEqual(['/shop/.well-known/openid-configuration', '/shop/keys']);
  const slashed = `${issuer}/`;
  replies['/shop/.well-known/openid-configuration'] = json({
    issuer: slashed,
    jwks_uri: `${issuer}/keys`,
  });
  expect(await fetchKeys({ issuer: slashed }, LIMIT)).toEqual({ keys: [first.jwk] });
});

test('with an address of the keys nothing else is asked', async () => {
  await fetchKeys({ issuer: 'https://issuer.example', url: `${issuer}/keys` }, LIMIT);
  expect(calls).toEqual(['/shop/keys']);
});

describe('keys of no use are told with their address:', () => {
  const endless: Reply = (response) => {
    response.writeHead(200);
    const part = 'x'.repeat(64 * 1024);
    const more = () => {
      while (!response.destroyed && response.write(part));
    };
    response.on('drain', more);
    more();
  };
  const slow: Reply = (response) => {
    response.writeHead(200);
    response.write('{"keys":');
  };
  const redirect: Reply = (response) => {
    response.writeHead(302, { location: `${issuer}/elsewhere` }).end();
  };

  test.each<[string, Reply, RegExp]>([
    ['an error', json('{}', 500), /it answers 500/],
    ['a redirect, which is not followed', redirect, /it answers 302/],
    ['no JSON', json('<html>'), /JSON/],
    ['nothing', json(''), /JSON/],
    ['another document', json({ error: 'none' }), /keys/],
    ['no key', json({ keys: [] }), /keys/],
    ['a list', json([first.jwk]), /expected object/],
    ['a key that is no object', json({ keys: ['x'] }), /keys\[0\]/],
    ['a private key', json({ keys: [{ ...first.jwk, d: 'x' }] }), /a public key only/],
    ['an endless answer', endless, /longer than 262144 bytes/],
    ['an answer that never begins', () => undefined, /did not answer in time/],
    ['an answer that never ends', slow, /did not answer in time/],
    ['a connection that is cut', (response) => response.destroy(), /./],
  ])('%s', async (_, reply, reason) => {
    replies['/shop/keys'] = reply;
    const refused = await fetchKeys({ issuer }, LIMIT).catch((error: Error) => error.message);
    expect(refused).toMatch(reason);
    expect(refused).toContain(`${issuer}/keys: `);
    expect(calls).not.toContain('/shop/elsewhere');
  });

  test('metadata of another issuer, and an address that is not safe', async () => {
    const metadata = '/shop/.well-known/openid-configuration';
    replies[metadata] = json({ issuer: 'https://evil.example', jwks_uri: `${issuer}/keys` });
    await expect(fetchKeys({ issuer }, LIMIT)).rejects.toThrow(
      /metadata of https:\/\/evil.example/,
    );
    replies[metadata] = json({ issuer, jwks_uri: 'http://evil.example/keys' });
    await expect(fetchKeys({ issuer }, LIMIT)).rejects.toThrow(/https, or http on this machine/);
    expect(calls).toEqual([metadata, metadata]);
  });

  test('nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/keys`;
    await expect(fetchKeys({ issuer, url }, LIMIT)).rejects.toThrow(/ECONNREFUSED/);
  });
});

test('a rotation while tokens come: old and new ones are taken, then the old key goes', async () => {
  let time = NOW.getTime();
  const read = readerOf(createKeys({ issuer }, { now: () => new Date(time) }));
  expect(await read(first)).toMatchObject(customer);
  time += 60_000;
  replies['/shop/keys'] = json({ keys: [second.jwk, first.jwk] });
  expect(await read(first)).toMatchObject(customer);
  expect(await read(second)).toMatchObject(customer);
  replies['/shop/keys'] = json({ keys: [second.jwk] });
  time += 10 * 60_000;
  expect(await read(second)).toMatchObject(customer);
  await expect(read(first)).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
  time += 60_000;
  await expect(read(first)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  expect(calls.filter((url) => url === '/shop/keys')).toHaveLength(4);
});

test('a thousand unknown keys at once make one fetch, and known ones are taken meanwhile', async () => {
  let time = NOW.getTime();
  const keys = createKeys({ issuer }, { now: () => new Date(time) });
  const read = readerOf(keys);
  await read(first);
  time += 60_000;
  calls = [];
  const flood = Array.from({ length: 1000 }, (_, index) =>
    keys.find({ alg: 'RS256', kid: `unknown-${index}` }).catch(({ code }) => code),
  );
  expect(await read(first)).toMatchObject(customer);
  const codes = await Promise.all(flood);
  expect(codes.filter((code) => code === 'TOKEN_INVALID')).toHaveLength(1);
  expect(codes.filter((code) => code === 'KEY_UNKNOWN')).toHaveLength(999);
  expect(calls).toEqual(['/shop/.well-known/openid-configuration', '/shop/keys']);
});

test('the issuer hangs: tokens of known keys are taken, within the limit of one fetch', async () => {
  let time = NOW.getTime();
  const read = readerOf(createKeys({ issuer }, { now: () => new Date(time) }));
  await read(first);
  replies['/shop/.well-known/openid-configuration'] = () => undefined;
  time += 10 * 60_000;
  expect(await read(first)).toMatchObject(customer);
  calls = [];
  for (let count = 0; count < 20; count += 1) expect(await read(first)).toMatchObject(customer);
  await expect(read(second)).rejects.toMatchObject({ code: 'KEYS_AWAY' });
  expect(calls).toEqual([]);
});

test('given keys are enough where the address of the keys refuses connections', async () => {
  const port = await freePort();
  const refused = Promise.withResolvers<string>();
  connect(port, '127.0.0.1').on('error', ({ message }) => refused.resolve(message));
  expect(await refused.promise).toContain('ECONNREFUSED');
  const clock = { now: () => NOW };
  expect(await readerOf(createKeys({ given: { keys: [first.jwk] } }, clock))(first)).toMatchObject(
    customer,
  );
  const away = createKeys({ issuer, url: `http://127.0.0.1:${port}/keys` }, clock);
  await expect(readerOf(away)(first)).rejects.toMatchObject({
    code: 'KEYS_AWAY',
    details: { retryAfter: 5 },
  });
});
