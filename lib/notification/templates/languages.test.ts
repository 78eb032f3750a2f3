import { describe, expect, test } from '@jest/globals';
import { previews } from '../../../local/preview.ts';
import { orderEvent } from '../../../test/support/order-event.ts';
import { EVENT_TYPES } from '../../order-event.ts';
import { CHANNELS } from '../channels/channels.ts';
import { segmentsOf } from '../channels/senders/segments.ts';
import { LANGUAGES, languageFor } from './languages.ts';

const event = orderEvent(
  { timestamp: '2026-07-01T22:30:00.000Z' },
  {
    totalAmount: 1234.5,
    currency: 'EUR',
    items: [{ productId: 'p', quantity: 1500, price: 0.82 }],
  },
);

function body(language: string, timeZone: string): string {
  const locale = { language, timeZone };
  return CHANNELS.email.compose({ event, to: 'ada@example.com', locale }).body;
}

test.each([
  ['en', 'UTC', 'Total: €1,234.50\nDate: July 1, 2026 at 10:30 PM UTC'],
  ['en-GB', 'Europe/London', 'Total: €1,234.50\nDate: 1 July 2026 at 23:30 BST'],
  ['de', 'Europe/Berlin', 'Summe: 1.234,50 €\nDatum: 2. Juli 2026 um 00:30 MESZ'],
  ['de-AT', 'Europe/Vienna', 'Summe: € 1.234,50\nDatum: 2. Juli 2026 um 00:30 MESZ'],
  ['de-CH', 'Asia/Tokyo', "Summe: EUR 1'234.50\nDatum: 2. Juli 2026 um 07:30 GMT+9"],
  ['fr-CA', 'America/Toronto', 'Total: €1,234.50\nDate: July 1, 2026 at 6:30 PM EDT'],
])('%s in %s reads amounts and dates in its own way', (language, timeZone, expected) => {
  expect(body(language, timeZone)).toContain(expected);
});

test('a language that is missing is English altogether, whatever its tag is called', () => {
  for (const tag of ['fr', 'fr-CA', 'tlh', 'constructor', '__proto__', '']) {
    expect(languageFor(tag)).toEqual({ words: LANGUAGES.en, tag: 'en' });
  }
  expect(body('fr', 'UTC')).toBe(body('en', 'UTC'));
});

describe.each(Object.keys(LANGUAGES))('%s', (language) => {
  const own = previews().filter((preview) => preview.language === language);

  test('every SMS fits into one, and no two are the same', () => {
    const texts = own.flatMap(({ message }) => (message.channel === 'sms' ? [message.text] : []));
    expect(new Set(texts).size).toBe(EVENT_TYPES.length);
    for (const text of texts) {
      expect(segmentsOf(text)).toEqual({ encoding: 'GSM-7', segments: 1 });
    }
  });

  test('no two emails have the same subject', () => {
    const subjects = own.flatMap(({ message }) =>
      message.channel === 'email' ? [message.subject] : [],
    );
    expect(new Set(subjects).size).toBe(EVENT_TYPES.length);
  });
});
