import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../test/support/any-text.ts';
import type { StoredEvent } from './events.ts';
import { firstVersion, type Order } from './order.ts';
import { pack, unpackAll } from './packed.ts';
import { moved } from './status.ts';

const contact = { email: 'ada@example.com' };
const placed = firstVersion(
  '0199c5a1-7e6f-7c3a-9d54-3f0f7c6f2b11',
  {
    customerId: 'customer-4711',
    items: [
      { productId: 'keyboard', quantity: 3, price: 9.99 },
      { productId: 'mouse', quantity: 1, price: 0.1 },
    ],
    currency: 'USD',
    contact,
  },
  new Date('2026-11-27T12:00:00.123Z'),
);
const confirmed = moved(placed, 'confirmed', new Date('2026-11-28T09:30:01.456Z'));

/** An event as it was written when the bytes below were packed: today's `eventOf` may write more fields. */
function written(
  order: Order,
  type: string,
  { id, traceparent }: { id: string; traceparent: string },
): StoredEvent {
  const { id: orderId, customerId, totalAmount, currency, status, items } = order;
  const [timestamp, sequence] = [order.updatedAt, order.version];
  const data = { orderId, customerId, totalAmount, currency, status, items, contact };
  return {
    ...{ id, type, sequence, timestamp },
    value: JSON.stringify({ id, type, timestamp, sequence, schemaVersion: 1, data }),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_type: type,
      ce_source: '/orders',
      ce_subject: orderId,
      ce_time: timestamp,
      'content-type': 'application/json',
      traceparent,
    },
  };
}

const first = written(placed, 'ORDER_CREATED', {
  id: '0199c5a1-7e70-7d0a-8f35-5b1f6b9a3c22',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
});
const second = written(confirmed, 'ORDER_UPDATED', {
  id: '0199ca43-1b2c-7a11-b0e4-7d8c9e0f1a33',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
});

/** These bytes stand in tables: a test that fails here would make stored events unreadable. */
const PACKED = [
  'AHj5NN/hsaXTUQrCMBAE0AvZMs3GLDnOxiQ/IgXFD5Hc3U+7pamrHmBhmJ331AM3jLOXaXu0lgx/DdvShBr/Tv43inUbPwjxqUZX6cicyGcJQqcSXcwoKJ4pDEBFYBEkiXCJB0wLVcbiOnmND/uap7XtJWE16bVnwgjeM/1J4Lk80izXrCSSlnjQJ5f5fisduRinDlzJouy21l6AZ/ZS',
  'AHj5NThkos2UuRGAMAwEeyGHkSwjW66DiMwPNEHzZDweDB5I6ODm9m6Xkot2kKoA3w4gjsABdrrn8dovNRk+Oah2P5unbvLv/srbeCEz8LPhHgU5Jk0pWa3tFBRitEAosQ3GJw4GWRQQEbYATfbW5+IKeSuBnSD/861H/f7vryuvY/cS',
];

test('events that were packed before are read, byte for byte', () => {
  const entries = [first, second].map(({ id }, i) => ({
    id,
    packed: Buffer.from(String(PACKED[i]), 'base64'),
  }));
  expect(unpackAll(entries, placed)).toEqual([first, second]);
});

test('later events take a fraction of their bytes', () => {
  const bytes = ({ value, headers }: StoredEvent) => (value + JSON.stringify(headers)).length;
  expect(bytes(second)).toBeGreaterThan(600);
  expect(pack(second, confirmed, first).packed.length).toBeLessThan(150);
});

test('any events come back as they were, packed or not, each with its mark', () => {
  const text = anyText();
  const anyEvent = fc.record(
    {
      id: text,
      type: text,
      sequence: fc.nat(),
      timestamp: text,
      value: text,
      headers: fc.dictionary(text, text, { noNullPrototype: true }),
      publishedAt: text,
    },
    { requiredKeys: ['id', 'type', 'sequence', 'timestamp', 'value', 'headers'] },
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyEvent, fc.boolean())),
      fc.record({ id: text, customerId: text, createdAt: text }),
      (events, order) => {
        const [head] = events;
        const entries = events.map(([event, isPacked], i) =>
          isPacked ? pack(event, order, i === 0 ? undefined : head?.[0]) : event,
        );
        expect(unpackAll(entries, order)).toEqual(events.map(([event]) => event));
      },
    ),
  );
});

test('events of another order, and broken ones, stay packed', () => {
  const entry = pack(first, placed);
  const broken = (at: number) => ({
    ...entry,
    packed: entry.packed.map((byte, i) => (i === at ? byte ^ 1 : byte)),
  });
  expect(unpackAll([entry], { ...placed, customerId: 'another' })).toEqual([entry]);
  for (let at = 0; at < entry.packed.length; at += 1) {
    expect(unpackAll([broken(at)], placed)).toEqual([broken(at)]);
  }
  expect(unpackAll('nothing', placed)).toBe('nothing');
  expect(unpackAll([null, 1], placed)).toEqual([null, 1]);
});
