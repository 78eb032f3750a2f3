import assert from 'node:assert/strict';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../../test/support/any-text.ts';
import { orderEvent } from '../../../test/support/order-event.ts';
import { EVENT_TYPES, type OrderEvent, orderEventSchema } from '../../order-event.ts';
import { preferencesSchema } from '../preferences/preferences.ts';
import { recipientsOf } from '../preferences/recipient.ts';
import { LANGUAGES } from '../templates/languages.ts';
import { CHANNELS } from './channels.ts';
import type { EmailMessage } from './senders/sender.ts';

const HARMFUL = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' style='position:fixed",
  '</td></table></body></html><h1>Pay here</h1>',
  '<!-- ',
  '&lt;script&gt;',
  '&#60;script&#62;',
  '\u0000<svg/onload=alert(1)>',
  'x\r\nBcc: all@example.com\r\n\r\n<h1>',
  'x\nSubject: other',
  '=?utf-8?q?=0d=0aBcc:_all@example.com?=',
  'x\u2028Bcc: all@example.com',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a template would replace
  '${process.env.AWS_SECRET_ACCESS_KEY}',
  '{{constructor.constructor("return process")()}}',
  '<%= 7 * 7 %>',
  '#{7*7} {%raw%} *|NAME|* %recipient.email%',
  '\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007',
  '\u202eexe.gpj',
  '[object Object]',
  '__proto__',
  'https://evil.example/pay',
];

const harmful = fc.oneof(
  fc.constantFrom(...HARMFUL),
  anyText({ minLength: 1 }),
  fc.string({ minLength: 1, unit: fc.constantFrom(...'<>&"\'/=!-\r\n{}$%;# a') }),
);
const locale = fc.record({
  language: fc.constantFrom(...Object.keys(LANGUAGES)),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin'),
});

function event(type: OrderEvent['type'], data: Partial<OrderEvent['data']>) {
  return orderEvent({ type }, { currency: 'EUR', status: 'confirmed', ...data });
}

const PIECES = /<[^>]*>|&(?:amp|lt|gt|quot|#39);|[^<&]+|[<&]/g;

/** The markup in an email's HTML: its tags, and any character that could begin one. */
function markupOf({ html }: EmailMessage): string[] {
  return [...html.matchAll(PIECES)]
    .map(([piece]) => piece)
    .filter((piece) => /^(<|&$)/.test(piece));
}

function email(given: OrderEvent, where: { language: string; timeZone: string }): EmailMessage {
  return CHANNELS.email.compose({ event: given, to: 'ada@example.com', locale: where });
}

describe.each(EVENT_TYPES)('%s', (type) => {
  test('holds the same markup and the same lines whatever its values are', () => {
    fc.assert(
      fc.property(harmful, harmful, locale, (orderId, productId, where) => {
        const items = [{ productId, quantity: 1, price: 1 }];
        const given = email(event(type, { orderId, items }), where);
        const plain = email(event(type, {}), where);
        assert.deepEqual(markupOf(given), markupOf(plain));
        assert.equal(given.body.split('\n').length, plain.body.split('\n').length);
        const sms = CHANNELS.sms.compose({
          event: event(type, { orderId, items }),
          to: '+15550123',
          locale: where,
        });
        const lines = [given.subject, ...given.body.split('\n'), sms.text];
        assert.doesNotMatch(lines.join(''), /[\p{C}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 200 },
    );
  });
});

test('a value that looks like a template is shown as it is', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a template would replace
  const productId = '${1+1} {{1+1}} <%= 1+1 %>';
  const items = [{ productId, quantity: 1, price: 1 }];
  const message = email(event('ORDER_CREATED', { items }), { language: 'en', timeZone: 'UTC' });
  expect(message.body).toContain(`1 x ${productId} at €1.00`);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a template would replace
  expect(message.html).toContain('1 x ${1+1} {{1+1}} &lt;%= 1+1 %&gt; at €1.00');
});

test('no harmful address is ever one to send to, and preferences do not keep it', () => {
  fc.assert(
    fc.property(harmful, fc.constantFrom('', 'ada@example.com', '+15550123'), (value, good) => {
      for (const address of [value + good, good + value]) {
        const contact = { email: address, phone: address };
        const { email, sms } = recipientsOf(
          event('ORDER_CREATED', { contact }),
          undefined,
          undefined,
          new Date(),
        );
        if ('locale' in email) expect(email.to).toMatch(/^[^\s@<>"\p{C}]+@[^\s@<>"\p{C}]+$/u);
        if ('locale' in sms) expect(sms.to).toMatch(/^\+\d+$/);
        const kept = preferencesSchema.safeParse({ contact });
        expect(kept.success && !/^[^\s@<>"\p{C}]+@[^\s@<>"\p{C}]+$/u.test(address)).toBe(false);
      }
    }),
  );
});

test.each(['$$$', 'EU<', 'usd', '\r\nE'])(
  'the currency %j makes the record a bad one',
  (currency) => {
    const given = event('ORDER_CREATED', { currency });
    if (!orderEventSchema.safeParse(given).success) return;
    const where = { language: 'en', timeZone: 'UTC' };
    expect(() => email(given, where)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
  },
);
