import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../test/support/any-text.ts';
import { AppError, ERRORS, type ErrorCode } from '../errors.ts';
import { challengeOf } from './challenge.ts';

const challenge = (code: ErrorCode, message = 'Why.') => challengeOf(new AppError(code, message));

test('a missing token gets a challenge without an error, a bad token one with an error', () => {
  expect(challenge('TOKEN_MISSING')).toBe('Bearer realm="orders"');
  const invalid = 'Bearer realm="orders", error="invalid_token", error_description="Why."';
  expect(challenge('TOKEN_INVALID')).toBe(invalid);
  expect(challenge('TOKEN_EXPIRED')).toBe(invalid);
});

test('every 401 has a challenge, and no other error but a missing scope', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const isExpected = ERRORS[code].status === 401 || code === 'SCOPE_MISSING';
    expect([code, challenge(code) !== undefined]).toEqual([code, isExpected]);
  }
});

test('the value fits a header and RFC 6750 for every reason', () => {
  fc.assert(
    fc.property(anyText(), (message) => {
      expect(challenge('TOKEN_INVALID', message)).toMatch(
        /^Bearer realm="orders", error="invalid_token", error_description="[\x20-\x21\x23-\x5b\x5d-\x7e]*"$/,
      );
    }),
  );
});
