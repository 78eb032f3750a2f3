import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CryptoKey, exportSPKI, importJWK, type JWTPayload } from 'jose';
import {
  AUDIENCE,
  createSigner,
  customerClaims,
  ISSUER,
  NOW,
  SECONDS,
  SETTINGS,
} from '../../test/support/tokens.ts';
import { AppError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { createKeys } from './keys.ts';
import { createTokens } from './token.ts';

const signers = Object.fromEntries(
  await Promise.all(
    ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'].map(
      async (alg) => [alg, await createSigner(alg, alg)] as const,
    ),
  ),
);
const signer = signers.RS256 ?? (await createSigner());
const stranger = await createSigner('RS256', signer.kid);
const unknown = await createSigner();

const clock = { now: () => NOW };
const keys = createKeys({ given: { keys: Object.values(signers).map(({ jwk }) => jwk) } }, clock);
const read = createTokens({ settings: SETTINGS, keys, clock });
const bearer = async (claims: JWTPayload = {}, header = {}) =>
  `Bearer ${await signer.sign(customerClaims(claims), header)}`;

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token of these very parts, signed rightly. */
async function signed(header: unknown, claims: unknown): Promise<string> {
  const text = `${part(header)}.${part(claims)}`;
  const algorithm = { name: 'RSASSA-PKCS1-v1_5' };
  const signature = await crypto.subtle.sign(algorithm, signer.secret, Buffer.from(text));
  return `Bearer ${text}.${Buffer.from(signature).toString('base64url')}`;
}

async function hmac(alg: string, secret: string | Buffer): Promise<string> {
  const text = `${part({ alg, kid: signer.kid })}.${part(customerClaims())}`;
  const hash = `sha${alg.slice(2)}`;
  return `Bearer ${text}.${createHmac(hash, secret).update(text).digest('base64url')}`;
}

const spki = async () => exportSPKI((await importJWK(signer.jwk)) as CryptoKey);
const header = { alg: 'RS256', kid: signer.kid };
const { b64: _, ...good } = { b64: true, ...customerClaims() };

async function refusal(text: string | undefined): Promise<AppError> {
  try {
    await read(text);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

test('a good token gives its caller, whatever the case of the scheme', async () => {
  const caller: Caller = { kind: 'customer', customerId: 'customer-1', subject: 'customer-1' };
  expect(await read(await bearer())).toEqual(caller);
  expect(await read((await bearer()).replace('Bearer ', 'bEARER   '))).toEqual(caller);
  for (const typ of ['JWT', 'at+jwt', 'application/at+jwt', undefined]) {
    expect(await read(await bearer({}, { typ }))).toEqual(caller);
  }
});

test('the audience is "aud", one of several, or "client_id" where there is no "aud"', async () => {
  for (const claims of [
    { aud: ['other', AUDIENCE] },
    { aud: undefined, client_id: AUDIENCE },
    { aud: AUDIENCE, client_id: 'other' },
  ]) {
    expect(await read(await bearer(claims))).toMatchObject({ customerId: 'customer-1' });
  }
});

test('clocks may differ by 30 s', async () => {
  expect(await read(await bearer({ exp: SECONDS - 29 }))).toBeDefined();
  expect(await read(await bearer({ nbf: SECONDS + 30 }))).toBeDefined();
  expect((await refusal(await bearer({ exp: SECONDS - 30 }))).code).toBe('TOKEN_EXPIRED');
  expect((await refusal(await bearer({ nbf: SECONDS + 31 }))).message).toContain('nbf');
});

test('RSA is taken everywhere, ES256 and EdDSA only where no gateway stands in front', async () => {
  const algorithms = [...SETTINGS.algorithms, 'ES256', 'EdDSA'];
  const alone = createTokens({ settings: { ...SETTINGS, algorithms }, keys, clock });
  for (const [alg, one] of Object.entries(signers)) {
    const text = `Bearer ${await one.sign(customerClaims())}`;
    const isRsa = alg.startsWith('RS');
    if (isRsa) expect(await read(text)).toBeDefined();
    else expect((await refusal(text)).message).toContain('RS256');
    if (isRsa || algorithms.includes(alg)) expect(await alone(text)).toBeDefined();
    else await expect(alone(text)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  }
});

test('the last of two claims of one name counts, as in every reader of JSON', async () => {
  const twice = (first: string, last: string) =>
    signed(
      header,
      JSON.stringify(good).replace('"sub":"customer-1"', `"sub":"${first}","sub":"${last}"`),
    );
  expect(await read(await twice('customer-2', 'customer-1'))).toMatchObject({
    customerId: 'customer-1',
  });
  const issuers = JSON.stringify(good).replace('"iss":', '"iss":"https://evil.example","iss":');
  expect(await read(await signed(header, issuers))).toBeDefined();
  const evil = JSON.stringify(good)
    .replace('{', '{"a":1,')
    .replace('}', ',"iss":"https://evil.example"}');
  expect((await refusal(await signed(header, evil))).message).toContain('another issuer');
});

describe('no token', () => {
  test.each([
    undefined,
    '',
    ' ',
    'Basic YTpi',
    'Bearer',
    'bearer:x',
    'Digest x',
    'eyJhbGciOiJSUzI1NiJ9.e30.x',
  ])('%j', async (text) => {
    const { code } = await refusal(text);
    expect(code).toBe(text === 'Bearer' ? 'TOKEN_INVALID' : 'TOKEN_MISSING');
  });
});

const BROKEN: [string, string, () => string | Promise<string>][] = [
  ['no token after the scheme', 'not a signed', () => 'Bearer '],
  ['one part', 'not a signed', () => 'Bearer abc'],
  ['two parts', 'not a signed', () => `Bearer ${part(header)}.${part(good)}`],
  ['five parts, encrypted', 'not a signed', () => 'Bearer a.b.c.d.e'],
  ['two tokens', 'not a signed', async () => `${await bearer()} ${(await bearer()).slice(7)}`],
  ['two headers in one', 'not a signed', async () => `${await bearer()}, ${await bearer()}`],
  ['letters beyond ASCII', 'not a signed', async () => `${await bearer()}ä`],
  ['a NUL', 'not a signed', async () => `${await bearer()}\0`],
  ['padding', 'not a signed', async () => `${await bearer()}==`],
  ['too long', 'longer than 8192', () => bearer({ pad: 'x'.repeat(8192) })],
  ['a header that is no JSON', 'malformed', () => signed('{"alg"', good)],
  ['claims that are no JSON', 'malformed', () => signed(header, '{"iss"')],
  ['claims that are a list', 'malformed', () => signed(header, [good])],
  ['claims that are null', 'malformed', () => signed(header, 'null')],
  ['claims in no UTF-8', 'malformed', () => `Bearer ${part(header)}.gICA.AAAA`],
  [
    'a forged signature',
    'signature',
    async () => `Bearer ${await stranger.sign(customerClaims())}`,
  ],
  ['no signature', 'signature', async () => (await bearer()).replace(/[^.]+$/, '')],
  [
    'changed claims',
    'signature',
    async () => {
      const [first, , last] = (await bearer()).split('.');
      return `${first}.${part(customerClaims({ sub: 'customer-2' }))}.${last}`;
    },
  ],
  ['alg none', 'not signed by one of', () => `Bearer ${part({ alg: 'none' })}.${part(good)}.`],
  [
    'alg None',
    'not signed by one of',
    () => `Bearer ${part({ ...header, alg: 'None' })}.${part(good)}.AAAA`,
  ],
  ['no alg', 'malformed', () => signed({ kid: signer.kid }, good)],
  ['an alg of another type', 'malformed', () => signed({ ...header, alg: ['RS256'] }, good)],
  ['HMAC with the public key', 'not signed by one of', async () => hmac('HS256', await spki())],
  [
    'HMAC with the modulus',
    'not signed by one of',
    () => hmac('HS512', Buffer.from(String(signer.jwk.n), 'base64url')),
  ],
  ['an unknown crit', 'extension', () => signed({ ...header, crit: ['exp'], exp: 1 }, good)],
  ['an empty crit', 'malformed', () => signed({ ...header, crit: [] }, good)],
  ['a crit that the header lacks', 'malformed', () => signed({ ...header, crit: ['b64'] }, good)],
  ['unencoded claims', 'malformed', () => signed({ ...header, crit: ['b64'], b64: false }, good)],
  ['no kid', 'no key', () => signed({ alg: 'RS256' }, good)],
  ['a kid of another type', 'no key', () => signed({ alg: 'RS256', kid: 7 }, good)],
  ['an unknown kid', 'does not have', async () => `Bearer ${await unknown.sign(customerClaims())}`],
  [
    'a key in its own header',
    'does not have',
    async () =>
      `Bearer ${await unknown.sign(customerClaims(), { jwk: unknown.jwk, jku: 'https://evil.example' })}`,
  ],
  ['a kid with a path', 'does not have', () => signed({ ...header, kid: '../../dev/null' }, good)],
  ['no exp', 'expires', () => bearer({ exp: undefined })],
  ['an exp that is text', 'expires', () => bearer({ exp: '9999999999' as unknown as number })],
  [
    'an endless exp',
    'expires',
    () => signed(header, JSON.stringify(good).replace(/"exp":\d+/, '"exp":1e999')),
  ],
  ['not yet valid', 'not valid yet', () => bearer({ nbf: SECONDS + 3600 })],
  ['an nbf that is text', 'not valid yet', () => bearer({ nbf: '1' as unknown as number })],
  ['no issuer', 'another issuer', () => bearer({ iss: undefined })],
  ['another issuer', 'another issuer', () => bearer({ iss: `${ISSUER}/` })],
  ['a list of issuers', 'another issuer', () => bearer({ iss: [ISSUER] as unknown as string })],
  [
    'another issuer and its key',
    'another issuer',
    async () => `Bearer ${await unknown.sign(customerClaims({ iss: 'https://evil.example' }))}`,
  ],
  ['another audience', '"aud"', () => bearer({ aud: 'other' })],
  [
    'another audience beside the client',
    '"aud"',
    () => bearer({ aud: 'other', client_id: AUDIENCE }),
  ],
  [
    'an audience that is null beside the client',
    '"aud"',
    () => bearer({ aud: null as unknown as string, client_id: AUDIENCE }),
  ],
  ['an empty audience beside the client', '"aud"', () => bearer({ aud: [], client_id: AUDIENCE })],
  ['no audience', '"aud"', () => bearer({ aud: undefined })],
  ['an ID token of Cognito', 'no access token', () => bearer({ token_use: 'id' })],
  ['an ID token of Keycloak', 'no access token', () => bearer({ typ: 'ID' })],
  ['an ID token by its nonce', 'no access token', () => bearer({ nonce: 'n' })],
  ['an ID token by its hash', 'no access token', () => bearer({ at_hash: 'h' })],
  ['a refresh token', 'no access token', () => bearer({ typ: 'Refresh' })],
  ['a logout token', 'no access token', () => bearer({ events: {} })],
  ['a customer without an id', 'no customer id', () => bearer({ sub: 'a b' })],
];

describe('a broken token is refused with its reason', () => {
  test.each(BROKEN)('%s', async (_, reason, make) => {
    const { code, message, cause } = await refusal(await make());
    expect([code, message]).toEqual(['TOKEN_INVALID', expect.stringContaining(reason)]);
    expect(cause).toBeUndefined();
  });

  test('expired, also when its key is gone or its signature is wrong', async () => {
    const exp = SECONDS - 3600;
    for (const one of [signer, stranger, unknown]) {
      const text = `Bearer ${await one.sign(customerClaims({ exp }))}`;
      expect((await refusal(text)).code).toBe('TOKEN_EXPIRED');
    }
  });
});

test('whatever is sent, it is refused in our own words, and nothing of it is in them', async () => {
  const [first = '', second = '', third = ''] = (await bearer()).slice(7).split('.');
  const mutated = fc
    .tuple(fc.constantFrom(first, second, third), fc.nat(), fc.integer({ min: 1, max: 255 }))
    .map(([one, at, change]) => {
      const bytes = Buffer.from(one, 'base64url');
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ change;
      const parts = [first, second, third].map((p) =>
        p === one ? bytes.toString('base64url') : p,
      );
      return `Bearer ${parts.join('.')}`;
    });
  const made = fc
    .tuple(fc.jsonValue(), fc.jsonValue(), fc.string())
    .map(([head, claims, end]) => `Bearer ${part(head)}.${part(claims)}.${part(end)}`);
  const anything = fc.oneof(
    mutated,
    made,
    fc.string().map((text) => `Bearer ${text}`),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (text) => {
      const { code, message } = await refusal(text);
      assert.match(code, /^TOKEN_(MISSING|INVALID|EXPIRED)$/);
      assert.match(message, /^The [\x20-\x7e]+\.$/);
      assert.ok(message.length < 120);
    }),
    { numRuns: 2000 },
  );
});

test('if two keys share a name, either may have signed', async () => {
  const given = { given: { keys: [stranger.jwk, signer.jwk] } };
  const either = createTokens({ settings: SETTINGS, keys: createKeys(given, clock), clock });
  expect(await either(await bearer())).toMatchObject({ customerId: 'customer-1' });
  expect(await either(`Bearer ${await stranger.sign(customerClaims())}`)).toBeDefined();
  const other = await createSigner('RS256', signer.kid);
  await expect(either(`Bearer ${await other.sign(customerClaims())}`)).rejects.toMatchObject({
    code: 'TOKEN_INVALID',
  });
});

test.each([null, 7, ['Bearer x'], {}])(
  'a header that is no text has no token: %j',
  async (header) => {
    await expect(read(header)).rejects.toMatchObject({ code: 'TOKEN_MISSING' });
  },
);
