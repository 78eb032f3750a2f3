import { describe, expect, test } from '@jest/globals';
import { orderEvent } from '../../../test/support/order-event.ts';
import { EVENT_TYPES, type OrderEvent } from '../../order-event.ts';
import { money, text } from '../templates/text.ts';
import { CHANNEL_NAMES, CHANNELS } from './channels.ts';
import { createMockSender } from './senders/mock.ts';

const ENGLISH = { language: 'en', timeZone: 'UTC' };

const ORDER = '019ab3c4-0000-7000-8000-000000000001';

/** The words in which a message tells its event. The golden files follow the templates; these do not. */
const SAYS = {
  ORDER_CREATED: /received|thank you/i,
  ORDER_UPDATED: /is (now )?confirmed/,
  ORDER_SHIPPED: /on its way/,
  ORDER_DELIVERED: /has arrived/,
  ORDER_CANCELLED: /has been cancelled/,
} as const satisfies Record<OrderEvent['type'], RegExp>;

function event(type: OrderEvent['type'], data: Partial<OrderEvent['data']> = {}) {
  return orderEvent(
    { type },
    {
      orderId: ORDER,
      totalAmount: 1234.5,
      currency: 'EUR',
      status: 'confirmed',
      items: [{ productId: 'keyboard', quantity: 3, price: 411.5 }],
      ...data,
    },
  );
}

describe.each(EVENT_TYPES)('%s', (type) => {
  test('has an email that names the order', () => {
    const message = CHANNELS.email.compose({
      event: event(type),
      to: 'ada@example.com',
      locale: ENGLISH,
    });
    expect(message).toMatchObject({ channel: 'email', to: 'ada@example.com', orderId: ORDER });
    expect(message.subject).toContain(ORDER);
    expect(message.subject).toMatch(SAYS[type]);
    expect(message.body).toContain(ORDER);
  });

  test('has an SMS that names the order and fits into one', () => {
    const message = CHANNELS.sms.compose({ event: event(type), to: '+15550123', locale: ENGLISH });
    expect(message).toMatchObject({ channel: 'sms', to: '+15550123', orderId: ORDER });
    expect(message.text).toContain(ORDER);
    expect(message.text).toMatch(SAYS[type]);
    expect(message.text.length).toBeLessThanOrEqual(160);
  });

  test('gives harmless text for harmful values', () => {
    const harmful = 'x\r\nBcc: all@example.com\u001b[2J\u202e\u2028{{2}}';
    const items = [{ productId: harmful, quantity: 1, price: 1 }];
    const given = event(type, { orderId: harmful, customerId: harmful, items });
    for (const channel of CHANNEL_NAMES) {
      const message = CHANNELS[channel].compose({
        event: given,
        to: 'ada@example.com',
        locale: ENGLISH,
      });
      const lines =
        message.channel === 'email'
          ? [message.subject, ...message.body.split('\n')]
          : [message.text];
      expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(lines.filter((line) => line.startsWith('Bcc'))).toEqual([]);
    }
  });
});

test('an amount is written in the currency of the event', () => {
  expect(money(29.97, 'USD', 'en')).toBe('$29.97');
  expect(money(1234.5, 'EUR', 'en')).toBe('€1,234.50');
  expect(money(10, 'CHF', 'en')).toBe('CHF 10.00');
  const message = CHANNELS.email.compose({
    event: event('ORDER_CREATED'),
    to: 'ada@example.com',
    locale: ENGLISH,
  });
  expect(message).toMatchObject({
    body: expect.stringContaining('3 x keyboard at €411.50 each\nTotal: €1,234.50'),
  });
});

test('a currency that is none makes the record a bad one', () => {
  const given = event('ORDER_CREATED', { currency: '$$$' });
  expect(() => CHANNELS.sms.compose({ event: given, to: '+15550123', locale: ENGLISH })).toThrow(
    /currency/,
  );
});

test('a long list of items is cut, and so is a long value', () => {
  const items = Array.from({ length: 100 }, () => ({ productId: 'p', quantity: 1, price: 1 }));
  const message = CHANNELS.email.compose({
    event: event('ORDER_CREATED', { items }),
    to: 'ada@example.com',
    locale: ENGLISH,
  });
  expect(message).toMatchObject({ body: expect.stringContaining('  and 80 more') });
  expect(text`${'x'.repeat(1000)}`).toHaveLength(128);
});

test('the mock shows an email with To, Subject, Body and the order', async () => {
  const printed: string[] = [];
  const sender = createMockSender((block) => printed.push(block));
  const message = {
    channel: 'email',
    orderId: ORDER,
    to: 'ada@example.com',
    subject: 'Hello',
    body: 'one\ntwo',
    html: '',
  } as const;
  const result = await sender.send(message, new AbortController().signal);
  expect(result).toEqual({ success: true, messageId: expect.stringMatching(/^mock-.+/) });
  expect(printed).toEqual([
    `--- email for order ${ORDER}\nTo: ada@example.com\nSubject: Hello\nBody:\n  one\n  two\n---`,
  ]);
});

test('the mock shows an SMS with To, Text and the order', async () => {
  const printed: string[] = [];
  const sender = createMockSender((block) => printed.push(block));
  const message = { channel: 'sms', orderId: ORDER, to: '+15550123', text: 'Hello' } as const;
  await sender.send(message, new AbortController().signal);
  expect(printed).toEqual([`--- sms for order ${ORDER}\nTo: +15550123\nText: Hello\n---`]);
});

test('an id of an order from elsewhere cannot look like another message, nor move the cursor', async () => {
  const printed: string[] = [];
  const sender = createMockSender((block) => printed.push(block));
  const orderId = 'a\n--- sms for order b\u001b[2J\r\u202e';
  const message = { channel: 'sms', orderId, to: '+15550123', text: 'Hello' } as const;
  await sender.send(message, new AbortController().signal);
  expect(printed).toEqual([
    '--- sms for order a --- sms for order b [2J\nTo: +15550123\nText: Hello\n---',
  ]);
});
