import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inReadingOrder } from '../../harmless.ts';
import { bytesOf, hexOf, prettyJson, textOf } from './bytes.ts';
import { pointsOf } from './chart.ts';
import { agoText, clockText, durationText, figureText, sizeText } from './format.ts';
import { placeOf, readPlace } from './route.ts';

test.each([
  [0.4, '0.4 ms'],
  [12.3, '12 ms'],
  [1_499, '1.5 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [125_000, '2 min 5 s'],
  [3_600_000, '1 h'],
  [90_000_000, '1 d 1 h'],
])('%s ms is written as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test('times and figures are written as they are read', () => {
  const at = new Date(2026, 10, 27, 9, 5, 3, 45).getTime();
  expect(clockText(at, at + 1_000)).toBe('09:05:03.045');
  expect(clockText(at, at + 86_400_000)).toBe('2026-11-27 09:05:03.045');
  expect([agoText(at, at + 300), agoText(at, at + 61_000)]).toEqual(['just now', '1 min 1 s ago']);
  expect([figureText(99_999), figureText(1_234_567)]).toEqual(['99,999', '1.2M']);
  expect([1, 999, 1_500, 2_500_000].map(sizeText)).toEqual([
    '1 byte',
    '999 bytes',
    '1.5 kB',
    '2.5 MB',
  ]);
});

test('any JSON in lines is the same JSON, and long numbers keep their digits', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(prettyJson(text) ?? '')).toEqual(JSON.parse(text));
    }),
  );
  expect(prettyJson('{"id":12345678901234567890,"e":[],"o":{},"l":[1,"a, b: {"]}')).toBe(
    '{\n  "id": 12345678901234567890,\n  "e": [],\n  "o": {},\n  "l": [\n    1,\n    "a, b: {"\n  ]\n}',
  );
  expect(prettyJson('{"h":[115,-104],"l":["1,2"]}')).toBe(
    '{\n  "h": [115, -104],\n  "l": [\n    "1,2"\n  ]\n}',
  );
  expect(prettyJson('{no json}')).toBeUndefined();
});

test('marks of direction are escapes, and all other text stays as it is', () => {
  expect(inReadingOrder('a\u202eb\u202c\u2066c\u2069\u200f\u061c')).toBe(
    'a\\u202eb\\u202c\\u2066c\\u2069\\u200f\\u061c',
  );
  const plain = 'שלום, مرحبا 👩‍👩‍👧 \u0000\n\\u202e';
  expect(inReadingOrder(plain)).toBe(plain);
});

test('bytes are text only if they are UTF-8, and hex has all of them', () => {
  expect(textOf(bytesOf(Buffer.from('é\u0000').toString('base64')))).toBe('é\u0000');
  expect(textOf(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  const bytes = Uint8Array.from({ length: 18 }, (_, index) => index + 0x59);
  expect(hexOf(bytes)).toBe(
    '00000000  59 5a 5b 5c 5d 5e 5f 60  61 62 63 64 65 66 67 68  YZ[\\]^_`abcdefgh\n' +
      `00000010  69 6a${' '.repeat(45)}ij`,
  );
  expect(hexOf(bytes, 16)).toContain('… and 2 more bytes');
});

test('an address of the page holds every name and value', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1 })),
      fc.string({ minLength: 1 }),
      (path, value) => {
        const { segments, query } = readPlace(placeOf(path, { value, none: '', left: undefined }));
        expect([segments, query]).toEqual([path, { value }]);
      },
    ),
  );
  expect(readPlace('#/records/%E0%A4%A')).toEqual({ segments: ['records', '%E0%A4%A'], query: {} });
});

test('a chart breaks where a value is missing, and stays within its edges', () => {
  expect(pointsOf([0, 10, null, 5], 10, 30, 20)).toEqual({
    line: 'M0 20L10 0M30 10',
    area: 'M0 20L10 0L10 20L0 20ZM30 10L30 20L30 20Z',
  });
  expect(pointsOf([50], 10, 30, 20).line).toBe('M30 0');
  expect(pointsOf([], 10, 30, 20)).toEqual({ line: '', area: '' });
});
