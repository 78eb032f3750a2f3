import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openCursor, sealCursor } from './cursor.ts';

const whole = (position: string) => position;
const scope = ['orders', 'customer-1', ''];
const refused = expect.objectContaining({
  code: 'VALIDATION',
  details: { errors: [{ path: 'cursor', message: expect.any(String) }] },
});

/** Node's assert takes less than 1 µs, jest's expect takes 14: that counts in a property. */
function isRefused(error: unknown): boolean {
  return refused.asymmetricMatch(error);
}

test('a cursor opens to its position in its own scope, and is always the same', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string({ minLength: 1 }), (own, position) => {
      const cursor = sealCursor(own, position);
      expect(openCursor(own, cursor, whole)).toBe(Buffer.from(position).toString());
      expect(cursor).toBe(sealCursor(own, position));
      expect(cursor).toMatch(/^[\w-]+$/);
    }),
  );
});

test('the position cannot be read from the cursor', () => {
  const cursor = sealCursor(scope, '2026-11-23T09:00:00.000Z#0192f0c1');
  expect(cursor + Buffer.from(cursor, 'base64url').toString('latin1')).not.toMatch(/2026|0192f0c1/);
});

test.each([
  [['orders', 'customer-2', '']],
  [['orders', 'customer-1', 'shipped']],
  [['notifications', 'customer-1', '']],
  [['orders', 'customer-1']],
  [['orders', 'customer-1', '', '']],
])('it does not open in the scope %j', (other) => {
  expect(() => openCursor(other, sealCursor(scope, 'position'), whole)).toThrow(refused);
});

test('a cursor with any character changed, added or left out is refused', () => {
  const cursor = sealCursor(scope, 'a position of some length');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  fc.assert(
    fc.property(fc.nat(cursor.length - 1), fc.constantFrom(...alphabet), (at, character) => {
      const changed = cursor.slice(0, at) + character + cursor.slice(at + 1);
      if (changed !== cursor) assert.throws(() => openCursor(scope, changed, whole), isRefused);
      assert.throws(() => openCursor(scope, cursor + character, whole), isRefused);
      assert.throws(() => openCursor(scope, cursor.slice(0, at), whole), isRefused);
    }),
  );
});

test('garbage is refused', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => openCursor(scope, text, whole), isRefused);
    }),
  );
});

test('a position that its reader does not take is refused', () => {
  const cursor = sealCursor(scope, 'position');
  expect(() => openCursor(scope, cursor, () => undefined)).toThrow(refused);
});

test('sealed bytes that are no text are refused', () => {
  const key = createHash('sha256').update(JSON.stringify(scope)).digest();
  const nonce = Buffer.alloc(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const bytes = Buffer.concat([cipher.update(Buffer.alloc(350, 0xff)), cipher.final()]);
  const cursor = Buffer.concat([nonce, cipher.getAuthTag(), bytes]).toString('base64url');
  expect(() => openCursor(scope, cursor, whole)).toThrow(refused);
});
