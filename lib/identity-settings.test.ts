import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { checkIdentity, identityFields, identityOf } from './identity-settings.ts';

const schema = z
  .object({ ...identityFields, HASH_SECRET: z.string().optional() })
  .superRefine(checkIdentity);

const complete = {
  AUTH: 'jwt',
  AUTH_ISSUER: 'https://issuer.example',
  AUTH_AUDIENCE: 'shop, machine',
  HASH_SECRET: 's'.repeat(16),
};
const key = { kty: 'RSA', kid: 'a', n: 'AQAB', e: 'AQAB' };

function faults(variables: Record<string, string>): string[] {
  const { error } = schema.safeParse(variables);
  return (error?.issues ?? []).map(({ path, message }) => `${String(path[0])}: ${message}`);
}

function identity(variables: Record<string, string>) {
  return identityOf(schema.parse({ ...complete, ...variables }));
}

test('off without an issuer reads no tokens; with one it reads those that are sent', () => {
  expect(identityOf(schema.parse({ AUTH: 'off' }))).toEqual({
    isDemanded: false,
    tokens: undefined,
  });
  expect(identity({ AUTH: 'off' })).toMatchObject({
    isDemanded: false,
    tokens: { issuer: complete.AUTH_ISSUER },
  });
});

test('a gateway in front allows RSA alone, and stands there unless the opposite is said', () => {
  const rsa = ['RS256', 'RS384', 'RS512'];
  expect(identity({})).toEqual({
    isDemanded: true,
    tokens: {
      issuer: complete.AUTH_ISSUER,
      audience: ['shop', 'machine'],
      algorithms: rsa,
      keys: { issuer: complete.AUTH_ISSUER, url: undefined },
      scopePrefix: '',
      customerClaim: 'sub',
      operator: undefined,
    },
  });
  expect(identity({ AUTH_GATEWAY: 'on' }).tokens?.algorithms).toEqual(rsa);
  expect(identity({ AUTH_GATEWAY: 'off' }).tokens?.algorithms).toEqual(
    expect.arrayContaining([...rsa, 'ES256', 'EdDSA']),
  );
});

test('keys come from an address or are given, and given ones are public', () => {
  const url = 'https://issuer.example/keys';
  const jwks = (keys: object[]) => JSON.stringify({ keys });
  expect(identity({ AUTH_JWKS_URL: url }).tokens?.keys).toMatchObject({ url });
  expect(identity({ AUTH_JWKS: jwks([key]) }).tokens?.keys).toEqual({ given: { keys: [key] } });
  const wrong = (AUTH_JWKS: string) => faults({ ...complete, AUTH_JWKS }).join();
  expect(wrong('{"keys"')).toMatch(/AUTH_JWKS: no JSON.*auth:keys/);
  expect(wrong(jwks([]))).toContain('AUTH_JWKS');
  expect(wrong(jwks([{ ...key, d: 'secret' }]))).toContain('a public key only');
  expect(wrong(jwks([{ kty: 'oct', k: 'secret' }]))).toContain('a public key only');
  expect(wrong(jwks([{ ...key, d: 'secret' }]))).not.toContain('secret"');
  const both = { ...complete, AUTH_JWKS: jwks([key]), AUTH_JWKS_URL: url };
  expect(faults(both)).toEqual([expect.stringContaining('set one of the two')]);
});

describe('refuses', () => {
  test.each([
    ['no word on identity', {}, 'AUTH'],
    ['a word that is none of the three', { AUTH: 'on' }, 'AUTH'],
    ['jwt without an issuer', { AUTH: 'jwt' }, 'AUTH_ISSUER: AUTH=jwt needs it'],
    ['local without an issuer', { AUTH: 'local' }, 'AUTH_ISSUER: AUTH=local needs it'],
    ['an issuer without an audience', { ...complete, AUTH_AUDIENCE: undefined }, 'AUTH_AUDIENCE'],
    ['an empty audience', { ...complete, AUTH_AUDIENCE: 'a,,b' }, 'AUTH_AUDIENCE'],
    ['an issuer without a secret', { ...complete, HASH_SECRET: undefined }, 'HASH_SECRET'],
    ['http to elsewhere', { ...complete, AUTH_ISSUER: 'http://issuer.example' }, 'AUTH_ISSUER'],
    ['a user', { ...complete, AUTH_ISSUER: 'https://a:b@issuer.example' }, 'AUTH_ISSUER'],
    ['a disguised host', { ...complete, AUTH_ISSUER: 'http://localhost:1@x.org' }, 'AUTH_ISSUER'],
    ['a host that begins alike', { ...complete, AUTH_JWKS_URL: 'http://localhost.x.org' }, 'JWKS'],
    ['no address', { ...complete, AUTH_ISSUER: 'issuer.example' }, 'AUTH_ISSUER'],
    ['roles without an operator', { ...complete, AUTH_ROLES_CLAIM: 'r' }, 'AUTH_OPERATOR_ROLE'],
    ['an operator without roles', { ...complete, AUTH_OPERATOR_ROLE: 'o' }, 'AUTH_ROLES_CLAIM'],
  ])('%s', (_, variables, fault) => {
    expect(faults(variables as Record<string, string>).join()).toContain(fault);
  });
});

test.each(['http://localhost:8080/realms/shop', 'http://127.0.0.1:3003', 'http://[::1]:3003'])(
  'an issuer on this machine may speak http: %s',
  (AUTH_ISSUER) => expect(faults({ ...complete, AUTH_ISSUER })).toEqual([]),
);
