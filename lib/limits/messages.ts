import type { Config } from '../config.ts';
import { createKeyedHash } from '../keyed-hash.ts';
import type { Store } from '../store.ts';
import { recipientOf } from './limit.ts';
import { createTableLimit } from './table.ts';

/** Counts one more message to an address. @returns false if the address has had its messages for this hour */
export type MessageLimit = (channel: string, address: string) => Promise<boolean>;

/**
 * Messages cost money and callers choose the addresses, so each address is counted, whoever its
 * customers are. Undefined where LIMIT_MESSAGES_PER_HOUR sets no limit.
 */
export function createMessageLimit(
  store: Store,
  { limits, hashSecret }: Pick<Config, 'limits' | 'hashSecret'>,
): MessageLimit | undefined {
  const { messagesPerHour: count } = limits;
  if (!count || !hashSecret) return undefined;
  const hash = createKeyedHash(hashSecret);
  const limit = createTableLimit(store, { name: 'messages', count, seconds: 3600 });
  return async (channel, address) => (await limit(recipientOf(hash, channel, address))) === 0;
}
