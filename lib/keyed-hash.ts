import { createHmac } from 'node:crypto';

/** Stands for a person or an address where neither may be written: in logs and in keys of counters. */
export type KeyedHash = (purpose: string, ...parts: string[]) => string;

/**
 * Makes hashes that only who has the secret can make again: ids and addresses are few enough to be
 * found by trying all of them. Another purpose gives another hash, so that two uses cannot be joined.
 */
export function createKeyedHash(secret: string): KeyedHash {
  return (purpose, ...parts) => {
    const text = JSON.stringify([purpose, ...parts]);
    return createHmac('sha256', secret).update(text).digest('base64url');
  };
}
