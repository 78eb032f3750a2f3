import { expect, test } from '@jest/globals';
import { harmless, oneLine } from './harmless.ts';

test('characters that a terminal obeys are shown as escapes, and line ends of a text stay', () => {
  const foreign = 'a\u001b[2J\r\n\tb\u009b1A\u202ec\u2028\u007f';
  expect(harmless(foreign)).toBe('a\\u001b[2J\\u000d\n\\u0009b\\u009b1A\\u202ec\\u2028\\u007f');
  expect(oneLine('a\nb')).toBe('a\\u000ab');
  expect(oneLine('Größe 🙂 👨‍👩‍👧 עברית')).toBe('Größe 🙂 👨‍👩‍👧 עברית');
});

test('JSON means the same afterwards', () => {
  const value = { 'k\u009b': ['a\u001b\u202e\u007f\n"\\'] };
  const shown = harmless(JSON.stringify(value, null, 2));
  expect(shown).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
  expect(JSON.parse(shown)).toEqual(value);
});
