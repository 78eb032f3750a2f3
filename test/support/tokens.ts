import { randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { TokenSettings } from '../../lib/identity-settings.ts';
import type { KeySet } from '../../lib/key-set.ts';

/** The time at which tests read tokens. */
export const NOW = new Date('2026-11-27T12:00:00.000Z');
export const SECONDS = NOW.getTime() / 1000;

/** A key that signs, and the part of it that an issuer publishes. */
export type Signer = {
  kid: string;
  alg: string;
  secret: CryptoKey;
  jwk: KeySet['keys'][number];
  sign(claims: JWTPayload, header?: object): Promise<string>;
};

export async function createSigner(alg = 'RS256', kid: string = randomUUID()): Promise<Signer> {
  const { privateKey: secret, publicKey } = await generateKeyPair(alg, { extractable: true });
  const { kty = '', ...rest } = await exportJWK(publicKey);
  return {
    kid,
    alg,
    secret,
    jwk: { ...rest, kty, kid, alg, use: 'sig' },
    sign: (claims, header) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(secret),
  };
}

export const ISSUER = 'https://issuer.example/shop';
export const AUDIENCE = 'orders';

export const SETTINGS: TokenSettings = {
  issuer: ISSUER,
  audience: [AUDIENCE],
  algorithms: ['RS256', 'RS384', 'RS512'],
  keys: { issuer: ISSUER },
  scopePrefix: '',
  customerClaim: 'sub',
  operator: undefined,
};

/** The environment of functions that demand tokens of this issuer; without a key they fetch its keys. */
export function jwtEnvironment(issuer: string, jwk?: Signer['jwk']): Record<string, string> {
  return {
    AUTH: 'jwt',
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: AUDIENCE,
    ...(jwk && { AUTH_JWKS: JSON.stringify({ keys: [jwk] }) }),
  };
}

/** The claims of a customer's token that is good at {@link NOW}. */
export function customerClaims(claims: JWTPayload = {}): JWTPayload {
  const iat = SECONDS - 60;
  return { iss: ISSUER, aud: AUDIENCE, sub: 'customer-1', iat, exp: iat + 3600, ...claims };
}
