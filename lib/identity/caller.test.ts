import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { createSigner, SETTINGS } from '../../test/support/tokens.ts';
import type { TokenSettings } from '../identity-settings.ts';
import { createKeyedHash } from '../keyed-hash.ts';
import { ANYBODY, callerKey, callerOf, hashOf } from './caller.ts';
import { createKeys } from './keys.ts';
import { createTokens } from './token.ts';

type Fixture = {
  page: string;
  settings: Partial<TokenSettings>;
  payload: JWTPayload & { iss: string; iat: number };
  expect: { kind: string } | { code: string; reason: string };
};

const FOLDER = join(import.meta.dirname, '../../test/fixtures/tokens');
const fixtures = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file): [string, Fixture] => [file, JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))]);

const signer = await createSigner();

async function read({ settings: own, payload }: Fixture) {
  const keys = { given: { keys: [signer.jwk] } };
  const settings = { ...SETTINGS, ...own, issuer: payload.iss, keys };
  const clock = { now: () => new Date((payload.iat + 10) * 1000) };
  const tokens = createTokens({ settings, keys: createKeys(keys, clock), clock });
  return tokens(`Bearer ${await signer.sign(payload)}`);
}

describe('a token as issuers make it', () => {
  test.each(fixtures)('%s', async (_, fixture) => {
    expect(fixture.page).toMatch(/^https:/);
    if ('kind' in fixture.expect) {
      expect(await read(fixture)).toMatchObject(fixture.expect);
    } else {
      const { code, reason } = fixture.expect;
      await expect(read(fixture)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(reason),
      });
    }
  });

  test('is there of every issuer and kind', () => {
    expect(fixtures.length).toBeGreaterThan(14);
  });
});

test('claims that customers choose, such as a name, make them neither a machine nor an operator', () => {
  const claims = {
    sub: 'customer-1',
    azp: 'web',
    client_id: 'shop',
    username: 'shop',
    preferred_username: 'service-account-shop',
    name: 'operator',
    email: 'shop@clients',
    clientAddress: '10.0.0.7',
    scope: 'openid orders:read orders:write',
  };
  const operator = { claim: 'roles', role: 'operator' };
  expect(callerOf(claims, { ...SETTINGS, operator })).toMatchObject({
    kind: 'customer',
    customerId: 'customer-1',
  });
});

test('a person whose id is the name of a client is no machine where the token names a person', () => {
  const claims = { sub: 'shop', client_id: 'shop', username: 'shop' };
  expect(callerOf(claims, SETTINGS).kind).toBe('customer');
});

test('scopes are a text or a list, in either claim, and whole words', () => {
  const machine = (claims: object) => callerOf({ sub: 'm', client_id: 'm', ...claims }, SETTINGS);
  const read = { kind: 'machine', scopes: ['orders:read'] };
  expect(machine({ scope: 'openid  orders:read' })).toMatchObject(read);
  expect(machine({ scope: ['orders:read'] })).toMatchObject(read);
  expect(machine({ scp: ['orders:read', 7, null] })).toMatchObject(read);
  expect(machine({ scp: 'orders:read' })).toMatchObject(read);
  for (const scope of [
    'orders:reader',
    'ORDERS:READ',
    'x/orders:read',
    'orders',
    { 0: 'orders:read' },
  ]) {
    expect(machine({ scope })).toMatchObject({ kind: 'machine', scopes: [] });
  }
  expect(machine({ scope: 'orders:operate' }).kind).toBe('operator');
  expect(machine({ scope: 'x.orders:operate orders:operated' }).kind).toBe('machine');
});

test('a role stands in a claim of this very name, or where its dots lead', () => {
  const kind = (claim: string, claims: object) =>
    callerOf({ sub: 'a', ...claims }, { ...SETTINGS, operator: { claim, role: 'op' } }).kind;
  expect(kind('roles', { roles: ['op'] })).toBe('operator');
  expect(kind('a.b', { 'a.b': ['op'] })).toBe('operator');
  expect(kind('a.b', { a: { b: 'x op' } })).toBe('operator');
  expect(kind('https://shop.example/roles', { 'https://shop.example/roles': ['op'] })).toBe(
    'operator',
  );
  expect(kind('a.b', { a: { b: ['opera'] } })).toBe('customer');
  expect(kind('a.b', { a: 'op' })).toBe('customer');
  const inherited = { claim: 'constructor.name', role: 'Object' };
  expect(callerOf({ sub: 'a' }, { ...SETTINGS, operator: inherited }).kind).toBe('customer');
  expect(kind('a.length', { a: ['op'] })).toBe('customer');
});

test.each([undefined, '', 'a b', 'a/b', 'auth0|1', 'ä', 'x'.repeat(129), 7, ['customer-1'], null])(
  'a customer without a valid id is refused: %j',
  (sub) => {
    const claims = { sub } as JWTPayload;
    expect(() => callerOf(claims, SETTINGS)).toThrow(
      'The claim "sub" of the token is no customer id.',
    );
  },
);

test('a caller has one hash, which shows nothing and differs by secret, person and client', () => {
  const hash = createKeyedHash('secret-of-this-test');
  const of = (subject: string, client: string) =>
    hashOf({ kind: 'operator', subject, client }, hash);
  expect(of('ada', 'shop')).toBe(of('ada', 'shop'));
  expect(of('ada', 'shop')).toMatch(/^[\w-]{22}$/);
  const others = [of('bob', 'shop'), of('ada', 'desk'), of('adas', 'hop'), of('', 'adashop')];
  const foreign = hashOf(
    { kind: 'operator', subject: 'ada', client: 'shop' },
    createKeyedHash('other'),
  );
  expect(new Set([of('ada', 'shop'), ...others, foreign]).size).toBe(6);
});

test('customers without a subject have hashes of their own', () => {
  const hash = createKeyedHash('secret-of-this-test');
  const of = (customerId: string) => hashOf({ kind: 'customer', customerId, client: 'web' }, hash);
  expect(of('ada')).not.toBe(of('bob'));
});

test('a token without a client is no machine, whatever its subject', () => {
  const settings = { ...SETTINGS, customerClaim: 'customer' };
  const claims = { sub: 'undefined@clients', customer: 'ada', scope: 'orders:read' };
  expect(callerOf(claims, settings)).toMatchObject({ kind: 'customer', customerId: 'ada' });
});

test('each caller has keys of their own; without a token nothing is added to a key', () => {
  const customer = { kind: 'customer', customerId: 'ada' } as const;
  expect(callerKey(ANYBODY)).toEqual([]);
  const keys = [
    callerKey(customer),
    callerKey({ ...customer, customerId: 'bob' }),
    callerKey({ kind: 'operator' }),
    callerKey({ kind: 'operator', subject: 'ada' }),
    callerKey({ kind: 'operator', client: 'ada' }),
    callerKey({ kind: 'machine', scopes: [], client: 'ada' }),
  ].map((key) => JSON.stringify(key));
  expect(new Set(keys).size).toBe(keys.length);
  expect(callerKey({ ...customer, client: 'app' })).toEqual(callerKey(customer));
});
