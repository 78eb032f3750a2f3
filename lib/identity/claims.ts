import type { JWTPayload } from 'jose';
import { secondsOf } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { TokenSettings } from '../identity-settings.ts';

/** The seconds by which clocks may differ. */
export const SKEW = 30;

/** Claims that only ID tokens have (OpenID Connect Core 1.0, sections 2 and 3.3.2.11). */
const OF_ID_TOKENS = ['nonce', 'at_hash', 'c_hash'];

/**
 * Refuses a token by its claims. This comes before the check of the signature, so that an expired
 * token, or one of another issuer, is not taken for a token whose key is not known yet.
 *
 * @throws AppError `TOKEN_INVALID` or `TOKEN_EXPIRED`
 */
export function checkClaims(
  claims: JWTPayload,
  { issuer, audience }: Pick<TokenSettings, 'issuer' | 'audience'>,
  now: Date,
): void {
  const seconds = secondsOf(now);
  if (claims.iss !== issuer) throw invalid('The token is from another issuer.');
  if (!isTime(claims.exp)) throw invalid('The token does not say when it expires ("exp").');
  if (claims.exp <= seconds - SKEW) {
    throw new AppError('TOKEN_EXPIRED', 'The time in the claim "exp" of the token is over.');
  }
  if (claims.nbf !== undefined && !(isTime(claims.nbf) && claims.nbf <= seconds + SKEW)) {
    throw invalid('The token is not valid yet ("nbf").');
  }
  if (!isFor(audience, claims)) throw invalid('The token is for another API: see its "aud".');
  if (!isAccessToken(claims)) throw invalid('The token is no access token.');
}

export function invalid(message: string): AppError {
  return new AppError('TOKEN_INVALID', message);
}

/** The texts in a claim that is one text with blanks between them, or a list. */
export function wordsOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((word) => word !== '');
  return Array.isArray(claim) ? claim.filter((word) => typeof word === 'string') : [];
}

/** The claim of exactly this name, else the one at this path with dots (`realm_access.roles`). */
export function claimAt(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name.split('.').reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Record<string, unknown>)[key];
  }, claims);
}

function isTime(claim: unknown): claim is number {
  return typeof claim === 'number' && Number.isFinite(claim);
}

/**
 * Cognito's access tokens have a `client_id` and mostly no `aud`; API Gateway checks the same way.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 */
function isFor(audience: string[], { aud, client_id: client }: JWTPayload): boolean {
  const named: unknown = aud === undefined ? client : aud;
  const all = Array.isArray(named) ? named : [named];
  return all.some((one) => audience.includes(one));
}

/** Not an ID token, a refresh token or a logout token, though the same issuer signs them. */
function isAccessToken({ token_use: use, typ, events, ...claims }: JWTPayload): boolean {
  if (use !== undefined && use !== 'access') return false; // Cognito
  if (['ID', 'Refresh', 'Offline', 'Logout'].includes(String(typ))) return false; // Keycloak
  return events === undefined && !OF_ID_TOKENS.some((claim) => claim in claims);
}
