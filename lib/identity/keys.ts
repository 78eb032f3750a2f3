import { type CryptoKey, createLocalJWKSet, errors, type JWTHeaderParameters } from 'jose';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { KeySource } from '../identity-settings.ts';
import { logger } from '../logger.ts';
import { fetchKeys } from './fetch-keys.ts';

/** Well under the two seconds in which a request is answered. */
const FETCH_LIMIT = 1000;
/** The least time from one fetch to the next, for every reason to fetch. */
const PAUSE = 60_000;
/**
 * The pause after the first failed fetch while no key is known at all, so that no token can be
 * checked. Each further failure doubles it, up to {@link PAUSE}.
 */
const PAUSE_WITHOUT_KEYS = 5000;
/** jose refuses to check with a shorter RSA key (RFC 7518, section 3.3). */
const RSA_BITS = 2048;
/** After this time the keys are fetched again, to drop a key that the issuer took back. */
const OLD = 10 * 60_000;

/** Finds the keys that a token's header names: mostly one, several if the issuer gave them one name. */
export type Keys = {
  /**
   * @throws AppError `TOKEN_INVALID` for a key that the issuer does not have. While nobody knows
   * whether it does: `KEY_UNKNOWN` if the known keys are fresh, `KEYS_AWAY` if they are old or missing
   */
  find(header: JWTHeaderParameters): Promise<Found>;
};

type Found = readonly [CryptoKey, ...CryptoKey[]];
type KnownKeys = ReturnType<typeof createLocalJWKSet>;
type Fetch = typeof fetchKeys;

/** The issuer's keys, kept in the instance. */
export function createKeys(source: KeySource, clock: Clock, fetch: Fetch = fetchKeys): Keys {
  if ('given' in source) {
    const known = createLocalJWKSet(source.given);
    return { find: async (header) => (await lookUp(known, header)) ?? refuse() };
  }
  const issuer = source;
  let known: KnownKeys | undefined;
  let oldAt = 0;
  let nextFetch = 0;
  let pauseWithoutKeys = PAUSE_WITHOUT_KEYS;
  let fetching: Promise<boolean> | undefined;
  const now = () => clock.now().getTime();
  const areFresh = () => {
    const left = oldAt - now();
    // More than the whole time is left after a clock was set back.
    return left > 0 && left <= OLD;
  };

  /** @returns true if the issuer answered; if it did not, the known keys stay in use */
  async function load(): Promise<boolean> {
    try {
      known = createLocalJWKSet(await fetch(issuer, FETCH_LIMIT));
      oldAt = now() + OLD;
      return true;
    } catch (error) {
      if (!known) {
        nextFetch = now() + pauseWithoutKeys;
        pauseWithoutKeys = Math.min(2 * pauseWithoutKeys, PAUSE);
      }
      logger.warn('signing keys not fetched', {
        reason: error instanceof Error ? error.message : '',
      });
      return false;
    } finally {
      fetching = undefined;
    }
  }

  function startFetch(): Promise<boolean> | undefined {
    const wait = nextFetch - now();
    // A wait longer than the pause comes from a clock that was set back.
    if (wait > 0 && wait <= PAUSE) return undefined;
    nextFetch = now() + PAUSE;
    fetching = load();
    return fetching;
  }

  return {
    async find(header) {
      const found = await lookUp(known, header);
      if (found && areFresh()) return found;
      const own = startFetch();
      const isFresh = await own;
      if (!own && !found) await fetching;
      const key = await lookUp(known, header);
      if (key) return key;
      // Only a fetch that began after this token arrived shows that the issuer lacks its key.
      if (isFresh) refuse();
      const retryAfter = Math.max(1, Math.ceil((nextFetch - now()) / 1000));
      // With fresh keys the issuer is there: anybody can make a token that names an unknown key.
      const code = known && areFresh() ? 'KEY_UNKNOWN' : 'KEYS_AWAY';
      throw new AppError(code, 'The key that signed the token is not known yet.', { retryAfter });
    },
  };
}

function refuse(): never {
  throw new AppError(
    'TOKEN_INVALID',
    'The token is signed with a key that its issuer does not have.',
  );
}

/** A key that cannot be used, since it lacks a member or is too short, counts as absent. */
async function lookUp(
  known: KnownKeys | undefined,
  header: JWTHeaderParameters,
): Promise<Found | undefined> {
  if (!known) return undefined;
  const [first, ...more] = (await importedKeys(known, header)).filter(isLongEnough);
  return first && [first, ...more];
}

async function importedKeys(known: KnownKeys, header: JWTHeaderParameters): Promise<CryptoKey[]> {
  try {
    return [await known(header)];
  } catch (error) {
    if (error instanceof errors.JOSENotSupported) throw error;
    // The error iterates over those matching keys that can be imported.
    return error instanceof errors.JWKSMultipleMatchingKeys ? Array.fromAsync(error) : [];
  }
}

function isLongEnough({ algorithm }: CryptoKey): boolean {
  return !('modulusLength' in algorithm) || Number(algorithm.modulusLength) >= RSA_BITS;
}
