import assert from 'node:assert/strict';
import { expect, test } from '@jest/globals';
import { dateTime } from '../templates/text.ts';
import { preferencesSchema } from './preferences.ts';
import { quietUntil } from './quiet.ts';

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const short = LETTERS.flatMap((a) => LETTERS.map((b) => `${a}${b}T`));
const links = [
  'utc',
  'GMT',
  'EST5EDT',
  'Etc/GMT+5',
  'europe/BERLIN',
  'Asia/Calcutta',
  'US/Pacific',
];
const now = new Date('2026-11-20T10:00:00.000Z');

test('every time zone that preferences take has quiet hours and dates, however it is named', () => {
  const names = [...Intl.supportedValuesOf('timeZone'), ...links, ...short];
  const taken = [...names, ...names.map((name) => name.toLowerCase())].filter((timeZone) => {
    return preferencesSchema.safeParse({ timeZone }).success;
  });
  expect(taken.length).toBeGreaterThan(800);
  for (const timeZone of taken) {
    assert.doesNotThrow(() => {
      quietUntil(now, { from: '00:00', to: '23:59' }, timeZone);
      dateTime(now.toISOString(), 'en', timeZone);
    }, timeZone);
  }
});

test.each(['IST', 'ist', 'PST', 'BST', 'ACT'])('%s is no zone: it may be several', (timeZone) => {
  expect(preferencesSchema.safeParse({ timeZone }).success).toBe(false);
});
