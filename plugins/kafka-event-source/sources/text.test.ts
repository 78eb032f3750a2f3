import { expect, test } from '@jest/globals';
import { decode } from './text.ts';

const text = '{"name":"Grüße"}';

test.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a mark', Buffer.from(`\uFEFF${text}`)],
  ['UTF-16 of PowerShell', Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['UTF-16 of the other order', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
])('%s is read', (_, bytes) => {
  expect(decode(bytes)).toBe(text);
});
