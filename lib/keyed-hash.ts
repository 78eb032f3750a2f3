import { createHmac } from 'node:crypto';

/** Replaces the name of a person or an address in logs and in keys of counters. */
export type KeyedHash = (purpose: string, ...parts: string[]) => string;

/**
 * Makes hashes with a secret. Without a secret, anybody could find an id or an address by trying
 * all of them. Each purpose gives another hash, so that hashes of two purposes cannot be matched.
 */
export function createKeyedHash(secret: string): KeyedHash {
  return (purpose, ...parts) => {
    const text = JSON.stringify([purpose, ...parts]);
    return createHmac('sha256', secret).update(text).digest('base64url');
  };
}
