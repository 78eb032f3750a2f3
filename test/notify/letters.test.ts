import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { OrderEvent } from '../../lib/order-event.ts';
import type { Letter, ProducedRecord } from '../../plugins/kafka-event-source/testing/testing.ts';
import { newOrder, openShop, type Shop, TOPIC } from './shop.ts';

let shop: Shop;

// The rows below share this shop, each with keys of its own.
beforeAll(async () => {
  shop = await openShop();
});

afterAll(() => shop.close());

const HEADERS = [
  ['content-type', 'application/json'],
  ['note', 'é'],
] as const;

let rows = 0;

/**
 * Puts a record into a partition, with an event behind it and as many before it as given. @returns its key, its
 * offset, and its letter, if there is one
 */
async function deliver(record: ProducedRecord, before = 0) {
  rows += 1;
  const key = record.key === undefined ? `row-${rows}` : record.key;
  const others = Array.from({ length: before + 1 }, () => newOrder());
  const events = others.map((order) => ({ key: order.id, value: order.event() }));
  const records: ProducedRecord[] = [...events];
  records.splice(before, 0, { headers: HEADERS, ...record, key });
  const begin = shop.clock.now;
  const placed = await shop.source.produce(
    TOPIC,
    records.map((one) => ({ ...one, partition: 0 })),
  );
  await shop.source.drain('1 hour');
  for (const { id } of others) expect(shop.told(id)).toHaveLength(2);
  const letters = (await shop.letters()).filter(({ at }) => at > begin);
  return { key, offset: placed[before]?.offset ?? -1, letters };
}

/** Without the records, whose difference would take minutes to print. */
const headsOf = (letters: readonly Letter[]) =>
  letters.map(({ key, condition }) => ({ key, condition }));

const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));

const event = (change: object = {}): OrderEvent => ({ ...newOrder().event(), ...change });
const eventWith = (data: Parameters<typeof newOrder>[0]) => newOrder(data).event();

test.each([
  ['is not JSON', Buffer.from('plain text, déjà vu'), /not JSON/],
  ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
  ['has another schema', Buffer.from('{"id":5}'), /schema: id/],
  ['has an unknown type', bytesOf(event({ type: 'ORDER_LOST' })), /schema: type/],
  ['has an unknown version', bytesOf(event({ schemaVersion: 2 })), /schema: schemaVersion/],
  ['is a tombstone', null, /tombstone/],
])(
  'a record that %s goes unchanged to the dead letters, and the others go on',
  async (_, value, reason) => {
    const { key, offset, letters } = await deliver({ value }, 1);
    expect(letters).toMatchObject([
      {
        key,
        condition: 'RecordRefused',
        headers: {
          'dead-letter-writer': 'notify',
          'dead-letter-reason': expect.stringMatching(reason),
        },
        message: {
          KafkaBatchInfo: { batchSize: 1, recordInfo: { offset: String(offset) } },
          responseContext: { statusCode: 200, functionError: null },
          payload: {
            records: {
              [`${TOPIC}-0`]: [
                {
                  offset,
                  key: Buffer.from(key ?? '').toString('base64'),
                  ...(value && { value: value.toString('base64') }),
                  headers: [expect.anything(), { note: [-61, -87] }],
                },
              ],
            },
          },
        },
      },
    ]);
    if (value === null) expect(JSON.stringify(letters)).not.toContain('"value"');
    // Acknowledged: Kafka does not deliver it again.
    expect(shop.source.committed('notify')).toMatchObject({ [`${TOPIC}-0`]: offset + 2 });
  },
);

test('a record without a key has a dead letter without a key', async () => {
  const { letters } = await deliver({ key: null, value: 'no key' });
  expect(letters).toMatchObject([{ key: null, condition: 'RecordRefused' }]);
});

const long = (length: number) => 'x'.repeat(length);
const items = (count: number) =>
  Array.from({ length: count }, () => ({ productId: long(120), quantity: 1, price: 1 }));
const sequenced = (number: string) =>
  JSON.stringify(event()).replace('"sequence":1', `"sequence":${number}`);

test.each<[string, object | string]>([
  ['a number', '5'],
  ['a text', '"ORDER_CREATED"'],
  ['a list', '[{}]'],
  ['null', 'null'],
  ['true', 'true'],
  ['nothing', ''],
  ['sequence 0', event({ sequence: 0 })],
  ['a sequence below 0', event({ sequence: -1 })],
  ['half a sequence', event({ sequence: 1.5 })],
  ['a sequence as text', event({ sequence: '1' })],
  ['a sequence that no number holds', sequenced('1e999')],
  ['a sequence that a number rounds', sequenced('9007199254740993')],
  ['a day that no month has', event({ timestamp: '2026-02-30T10:00:00.000Z' })],
  ['a time without a zone', event({ timestamp: '2026-02-20T10:00:00.000' })],
  ['a time to the minute', event({ timestamp: '2026-11-20T10:00Z' })],
  ['an empty id', event({ id: '' })],
  ['an empty order id', eventWith({ orderId: '' })],
  ['no items', eventWith({ items: [] })],
  ['a contact as text', event({ data: { ...event().data, contact: 'ada' } })],
  ['an id longer than any key', event({ id: long(1_000) })],
  ['an order id longer than any key', eventWith({ orderId: long(3_000) })],
  ['a customer id longer than any key', eventWith({ customerId: long(3_000) })],
  ['an id of many bytes', event({ id: 'ü'.repeat(500) })],
  ['more items than a record holds', eventWith({ items: items(4_000) })],
  ['900 KB that are no event', { id: long(900_000) }],
])('an event with %s goes to the dead letters', async (_, value) => {
  const { key, letters } = await deliver({ value });
  expect(headsOf(letters)).toEqual([{ key, condition: 'RecordRefused' }]);
});

test.each<[string, ReturnType<typeof eventWith>]>([
  ['unknown fields', event({ note: [[{}]], ['__proto__']: { a: 1 } })],
  ['a time of the future', event({ timestamp: '9999-12-31T23:59:59.999999999Z' })],
  ['a time before all others', event({ timestamp: '0000-01-01T00:00:00Z' })],
  ['the largest sequence', event({ sequence: Number.MAX_SAFE_INTEGER })],
  ['a gap before it', event({ sequence: 7 })],
  ['a customer of another alphabet', eventWith({ customerId: 'Ада 🙂 \n#' })],
  ['an order of another alphabet', eventWith({ orderId: 'заказ #1 🙂' })],
  ['half a character', eventWith({ customerId: '\ud800' })],
  ['a large total', eventWith({ totalAmount: 1e308 })],
  ['many items', eventWith({ items: items(1_000) })],
])('an event with %s is sent once', async (_, value) => {
  const before = shop.providers.taken.length;
  for (const key of ['not the order', null]) {
    const { letters } = await deliver({ key, value });
    expect(headsOf(letters)).toEqual([]);
  }
  // Two of the event, and two behind each of its deliveries.
  expect(shop.providers.taken).toHaveLength(before + 2 + 4);
  const { customerId, orderId } = value.data;
  // The API does not take the other ids.
  if (!/^[\w@:.-]+$/.test(customerId)) return;
  const listed = await shop.listed({ customerId });
  expect(listed.map((one) => one.orderId)).toContain(orderId);
});

test('a bad record whose letter cannot be written is delivered again alone, and the others go on', async () => {
  await using own = await openShop();
  own.setKafkaAway(true);
  const [before, after] = [newOrder(), newOrder()];
  await own.source.produce(TOPIC, [
    { key: before.id, value: before.event(), partition: 0 },
    { key: 'kept back', value: 'not JSON', partition: 0 },
    { key: after.id, value: after.event(), partition: 0 },
  ]);
  await own.clock.advance('10 s');
  expect(own.batches().slice(0, 4)).toEqual([[0, 1, 2], [1], [1], [1]]);
  expect(own.source.invocations('notify')[0]?.answer).toEqual({
    batchItemFailures: [{ itemIdentifier: { partition: `${TOPIC}-0`, offset: 1 } }],
  });
  for (const { id } of [before, after]) expect(own.told(id)).toHaveLength(2);
  expect(await own.letters()).toEqual([]);
  own.setKafkaAway(false);
  await own.source.drain();
  expect(await own.letters()).toMatchObject([{ key: 'kept back', condition: 'RecordRefused' }]);
  expect(own.providers.calls).toHaveLength(4);
});

test('an event that fails unexpectedly ten times over ten minutes goes to the dead letters, and its partition goes on', async () => {
  await using own = await openShop();
  const [odd, other] = [newOrder(), newOrder()];
  own.database.react(({ action, key }) =>
    action === 'GetItem' && key === `CUSTOMER#${odd.customerId}` ? 'refused' : 'answered',
  );
  const [created, shipped] = [odd.event(), odd.event('ORDER_SHIPPED')];
  await own.source.produce(TOPIC, [
    { key: odd.id, value: created, partition: 0 },
    { key: other.id, value: other.event(), partition: 0 },
    { key: odd.id, value: shipped, partition: 0 },
  ]);
  await own.clock.advance('9 minutes');
  expect(own.told(other.id)).toHaveLength(2);
  expect(await own.letters()).toEqual([]);
  // The order's next event waits behind the one that fails.
  expect(own.batches().at(-1)).toEqual([0]);
  expect(own.told(odd.id)).toEqual([]);
  await own.clock.advance('90 s');
  const [letter, ...more] = await own.letters();
  expect(more).toEqual([]);
  expect(letter).toMatchObject({ key: odd.id, condition: 'RecordRefused' });
  expect(letter?.headers['dead-letter-reason']).toMatch(
    /^INTERNAL: It failed \d\d times since 2026-11-20T10:00:00.500Z; the log has the error\.$/,
  );
  own.database.react(() => 'answered');
  await own.source.drain();
  expect(own.told(odd.id)).toEqual([expect.any(String), expect.any(String)]);
  for (const words of own.told(odd.id)) expect(words).toContain('on its way');
});

test('many events that fail unexpectedly mean a bad release: at most five go to the dead letters, and the others are sent once it is corrected', async () => {
  await using own = await openShop();
  const orders = Array.from({ length: 8 }, () => newOrder());
  // The window of the events that have used up their tries is read, too.
  const isWindow = (key: string | undefined) => key === 'SET_ASIDE';
  own.database.react(({ action, key }) =>
    action === 'GetItem' && !isWindow(key) ? 'refused' : 'answered',
  );
  await own.publish(...orders.map((order) => order.event()));
  await own.clock.advance('12 minutes');
  const letters = await own.letters();
  expect(letters.length).toBeGreaterThan(0);
  expect(letters.length).toBeLessThanOrEqual(5);
  own.database.react(() => 'answered');
  await own.source.drain();
  expect(await own.letters()).toHaveLength(letters.length);
  const lost = new Set(letters.map(({ key }) => key));
  for (const { id } of orders) expect(own.told(id)).toHaveLength(lost.has(id) ? 0 : 2);
});
