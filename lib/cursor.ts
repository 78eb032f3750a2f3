import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { AppError } from './errors.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Refuses bytes that are not UTF-8: their replacement characters could exceed a key of DynamoDB. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Seals a position in a list as text for the caller, who can neither read nor change it, nor use it
 * with another `scope` (the list, its owner, its filter). The key is made from the scope, so it is no
 * secret: a reader of this code can make a cursor, but it shows no more than the list itself does.
 */
export function sealCursor(scope: readonly string[], position: string): string {
  const key = keyOf(scope);
  // The nonce is made from the position: the same page has the same cursor, and no nonce serves two texts.
  const nonce = createHash('sha256').update(key).update(position).digest().subarray(0, NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const text = Buffer.concat([cipher.update(position, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
}

/**
 * The position in a cursor, as `read` understands it. Anybody can seal any text, so `read` answers
 * undefined for a text that is no position of the list.
 *
 * @throws AppError `VALIDATION` at `cursor` for any text that {@link sealCursor} has not made for
 * this scope, and for a position that `read` does not take
 */
export function openCursor<T>(
  scope: readonly string[],
  cursor: string,
  read: (position: string) => T | undefined,
): T {
  const position = read(unsealed(scope, cursor));
  if (position === undefined) throw foreign();
  return position;
}

function unsealed(scope: readonly string[], cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  // Node skips characters that are not base64url, so the bytes must give the same text again.
  if (bytes.length <= NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== cursor) {
    throw foreign();
  }
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, keyOf(scope), nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
  try {
    return UTF8.decode(Buffer.concat([text, decipher.final()]));
  } catch {
    throw foreign(); // The tag does not match (another scope, or changed bytes), or the bytes are not text.
  }
}

function keyOf(scope: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(scope)).digest();
}

function foreign(): AppError {
  const message = 'is not a "nextCursor" of this list: begin without a cursor';
  return new AppError('VALIDATION', 'One field breaks the rules; "errors" names each.', {
    errors: [{ path: 'cursor', message }],
  });
}
