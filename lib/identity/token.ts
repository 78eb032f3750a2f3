import {
  type CryptoKey,
  decodeJwt,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { TokenSettings } from '../identity-settings.ts';
import { type Caller, callerOf } from './caller.ts';
import { checkClaims, invalid, SKEW } from './claims.ts';
import type { Keys } from './keys.ts';

/** The gateway takes at most 10 KB for all headers together. */
const MAX_LENGTH = 8192;

/** Header, claims and signature. The check of the algorithm refuses an empty signature. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;

type TokenDeps = { settings: TokenSettings; keys: Keys; clock: Clock };

/**
 * Makes the check of the header `authorization`.
 *
 * @throws AppError `TOKEN_MISSING`, `TOKEN_INVALID`, `TOKEN_EXPIRED`, `KEYS_AWAY` or `KEY_UNKNOWN`
 */
export function createTokens(deps: TokenDeps): (header: unknown) => Promise<Caller> {
  return async (header) => callerOf(await verified(tokenIn(header), deps), deps.settings);
}

/** Whoever invokes the function itself may send a header of any type. */
function tokenIn(header: unknown): string {
  const text = typeof header === 'string' ? header : '';
  const [scheme = '', ...rest] = text.trim().split(/ +/);
  if (scheme.toLowerCase() !== 'bearer') {
    throw new AppError('TOKEN_MISSING', 'The header "authorization" has no bearer token.');
  }
  const token = rest.join(' ');
  if (token.length > MAX_LENGTH) {
    throw invalid(`The token is longer than ${MAX_LENGTH} characters.`);
  }
  if (!TOKEN.test(token)) throw invalid('The token is not a signed JSON Web Token.');
  return token;
}

async function verified(token: string, { settings, keys, clock }: TokenDeps): Promise<JWTPayload> {
  const { issuer, algorithms } = settings;
  const now = clock.now();
  let candidates: readonly CryptoKey[] = [];
  const keyAt = (place: number) => async (header: JWTHeaderParameters) => {
    if (typeof header.kid !== 'string') throw invalid('The token names no key ("kid").');
    const found = await keys.find(header);
    candidates = found;
    return found[place] ?? found[0];
  };
  const rules = { issuer, algorithms, clockTolerance: SKEW, currentDate: now };
  try {
    checkClaims(decodeJwt(token), settings, now);
    for (let place = 0; ; place += 1) {
      try {
        const options = { ...rules, requiredClaims: ['exp'] };
        return (await jwtVerify(token, keyAt(place), options)).payload;
      } catch (error) {
        const isWrongKey = error instanceof errors.JWSSignatureVerificationFailed;
        if (!isWrongKey || place + 1 >= candidates.length) throw error;
      }
    }
  } catch (error) {
    throw asRefusal(error, algorithms);
  }
}

/** jose's errors hold the token's claims, which must not be logged: no such error is a cause. */
function asRefusal(error: unknown, algorithms: string[]): unknown {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return invalid(`The token is not signed by one of ${algorithms.join(', ')}.`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return invalid('The signature of the token is not the one of its issuer.');
  }
  if (error instanceof errors.JOSENotSupported) {
    return invalid('The token demands an extension that is not known here ("crit").');
  }
  if (error instanceof errors.JOSEError) return invalid('The token is malformed.');
  return error;
}
