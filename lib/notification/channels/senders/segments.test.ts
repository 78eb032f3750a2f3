import { expect, test } from '@jest/globals';
import { segmentsOf } from './segments.ts';

test.each([
  ['', 'GSM-7', 1],
  ['a'.repeat(160), 'GSM-7', 1],
  ['a'.repeat(161), 'GSM-7', 2],
  ['a'.repeat(306), 'GSM-7', 2],
  ['a'.repeat(307), 'GSM-7', 3],
  ['äöüßñÅ@£\n', 'GSM-7', 1],
  ['€'.repeat(80), 'GSM-7', 1],
  ['€'.repeat(81), 'GSM-7', 2],
  // 153 places: the euro that would stand half in the first part begins the second.
  [`${'a'.repeat(152)}€${'a'.repeat(151)}`, 'GSM-7', 2],
  [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 'GSM-7', 3],
  ['ć'.repeat(70), 'UCS-2', 1],
  ['ć'.repeat(71), 'UCS-2', 2],
  ['ć'.repeat(134), 'UCS-2', 2],
  ['ć'.repeat(135), 'UCS-2', 3],
  ['😀'.repeat(35), 'UCS-2', 1],
  ['😀'.repeat(36), 'UCS-2', 2],
  // 67 places hold 33 of them, the 34th begins the next part.
  ['😀'.repeat(66), 'UCS-2', 2],
  ['😀'.repeat(67), 'UCS-2', 3],
  [`${'a'.repeat(159)}…`, 'UCS-2', 3],
])('%j is %s in %d', (text, encoding, segments) => {
  expect(segmentsOf(text)).toEqual({ encoding, segments });
});
