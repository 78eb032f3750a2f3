import { NodeHttpHandler } from '@smithy/node-http-handler';
import { logger } from '../../logger.ts';
import type { SendResult } from '../channels.ts';

/**
 * What the clients of SES and SNS have in common: one try each, on a connection of its own. The client
 * is of the version that Lambda's runtime has; how it asks, and what it says when that fails, is ours.
 */
export function oneTry() {
  return {
    // A second try of the SDK could be a second message.
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: 4_000,
      throwOnRequestTimeout: true,
      // A connection kept over a frozen invocation breaks under the next request: an answer lost.
      httpAgent: { keepAlive: false },
      httpsAgent: { keepAlive: false },
    }),
  };
}

type Loaded<T> = { loaded: T } | { loaded?: undefined; error: unknown };

/** Makes it at the first use, keeps it, and tries again at the next use when that failed. */
export function atFirstUse<T>(make: () => Promise<T>): () => Promise<Loaded<T>> {
  let made: T | undefined;
  return async () => {
    try {
      made ??= await make();
      return { loaded: made };
    } catch (error) {
      return { error };
    }
  };
}

/** Nothing was sent, since there is nothing to send by: another provider may. */
export function notLoaded(provider: string, error: unknown): SendResult {
  const { code, name }: { code?: string; name?: string } = Object(error);
  logger.error('no client', error instanceof Error ? error : new Error(String(error)));
  return { success: false, passing: true, reason: `${provider}: no client (${code ?? name})` };
}
