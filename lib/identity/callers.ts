import { type Clock, systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Identity } from '../identity-settings.ts';
import { createKeyedHash } from '../keyed-hash.ts';
import type { Limits } from '../limit-settings.ts';
import { createMemoryLimit } from '../limits/memory.ts';
import { logger } from '../logger.ts';
import { ANYBODY, type Caller, hashOf, NOBODY } from './caller.ts';
import { createKeys } from './keys.ts';
import { createQuota } from './quota.ts';
import { createTokens } from './token.ts';

/** Finds the callers of requests by their header `authorization`. */
export type Callers = {
  /** True if a request without a token is refused. */
  areDemanded: boolean;
  /**
   * @throws AppError `TOKEN_MISSING`, `TOKEN_INVALID`, `TOKEN_EXPIRED`, `KEYS_AWAY`, `KEY_UNKNOWN`
   * or `TOO_MANY_REQUESTS`
   */
  demand(authorization: string | undefined): Promise<Caller>;
  /** For an open operation, which answers everybody: without a valid token, {@link NOBODY}. */
  ask(authorization: string | undefined): Promise<Caller>;
};

type Settings = {
  identity: Identity;
  hashSecret: string | undefined;
  limits: Pick<Limits, 'requestsPerMinute'>;
  dynamoEndpoint: string | undefined;
};

/** Keys, and the counts of requests, are kept in the instance. */
export function createCallers(settings: Settings, clock: Clock = systemClock): Callers {
  const { identity, hashSecret, limits } = settings;
  const { isDemanded, tokens } = identity;
  const { requestsPerMinute: count } = limits;
  // On a laptop `npm start` says so, once for all functions.
  if (!isDemanded && !settings.dynamoEndpoint) {
    logger.warn(
      'AUTH=off: anybody who reaches the API may read and change the data of all customers',
    );
  }
  const read =
    tokens && createTokens({ settings: tokens, keys: createKeys(tokens.keys, clock), clock });
  const hash = hashSecret === undefined ? undefined : createKeyedHash(hashSecret);
  const quota =
    count && hashSecret !== undefined
      ? createQuota(
          createMemoryLimit({ clock }, { name: 'requests', count, seconds: 60 }),
          hashSecret,
          'You send more requests than are allowed in a minute.',
        )
      : undefined;

  async function callerBy(authorization: string | undefined): Promise<Caller> {
    if (!read || (!isDemanded && !authorization)) return ANYBODY;
    return read(authorization);
  }

  async function demand(authorization: string | undefined): Promise<Caller> {
    const caller = await callerBy(authorization);
    if (hash && caller !== ANYBODY) logger.appendKeys({ caller: hashOf(caller, hash) });
    await quota?.(caller);
    return caller;
  }

  return {
    areDemanded: isDemanded,
    demand,
    async ask(authorization) {
      try {
        return await callerBy(authorization);
      } catch (error) {
        if (error instanceof AppError) return NOBODY;
        throw error;
      }
    },
  };
}
