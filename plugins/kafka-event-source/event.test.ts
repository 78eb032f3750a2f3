import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type EventSource,
  envelopeBytes,
  groupBytes,
  type Message,
  recordsKey,
  recordWriter,
  toEventRecord,
  toPayload,
} from './event.ts';

const message = (changes: Partial<Message> = {}): Message => ({
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  timestamp: '1700000000123',
  offset: '7',
  headers: {},
  ...changes,
});
const record = (changes: Partial<Message> = {}) => toEventRecord('orders', 2, message(changes));

test('numbers are numbers, bytes are base64', () => {
  expect(record()).toEqual({
    topic: 'orders',
    partition: 2,
    offset: 7,
    timestamp: 1700000000123,
    timestampType: 'CREATE_TIME',
    key: 'aw==',
    value: 'dg==',
    headers: [],
  });
});

test("members have the order of AWS's own events", () => {
  const names = Object.keys(record());
  expect(names).toEqual([...names].sort());
  const source = {
    eventSource: 'aws:kafka',
    eventSourceArn: 'arn:aws:kafka:us-east-1:1:cluster/c/1',
    bootstrapServers: 'b-1:9092',
  } as const;
  expect(Object.keys(JSON.parse(toPayload(source, [])))).toEqual([
    'bootstrapServers',
    'eventSource',
    'eventSourceArn',
    'records',
  ]);
});

test('an offset beyond 2^53 is an error that names the exact offset', () => {
  expect(record({ offset: '9007199254740991' }).offset).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => record({ offset: '9007199254740993' })).toThrow(
    'orders-2 has offset 9007199254740993',
  );
});

test('a null key and a null value are absent; empty ones are there', () => {
  expect(record({ key: null, value: null })).not.toHaveProperty('key');
  expect(record({ key: null, value: null })).not.toHaveProperty('value');
  expect(record({ key: Buffer.alloc(0), value: Buffer.alloc(0) })).toMatchObject({
    key: '',
    value: '',
  });
});

test('header bytes are signed, one object for each value', () => {
  const headers = { first: Buffer.from([0xdc, 0x7f, 0x80]), again: [Buffer.from('a'), 'ë'] };
  expect(record({ headers }).headers).toEqual([
    { first: [-36, 127, -128] },
    { again: [97] },
    { again: [-61, -85] },
  ]);
});

test('headers as a list keep their order, and a repeated key keeps each place', () => {
  const headers = [
    { key: 'b', value: Buffer.from('1') },
    { key: '7', value: null },
    { key: 'b', value: Buffer.from('2') },
  ];
  expect(record({ headers }).headers).toEqual([{ b: [49] }, { 7: [] }, { b: [50] }]);
});

test('a header without a value has no bytes', () => {
  expect(record({ headers: { none: null } }).headers).toEqual([{ none: [] }]);
});

test("the timestamp type is the batch's, or the attribute of older messages", () => {
  expect(record({ batchContext: { timestampType: 1 } }).timestampType).toBe('LOG_APPEND_TIME');
  expect(record({ batchContext: { timestampType: 0 } }).timestampType).toBe('CREATE_TIME');
  expect(record({ attributes: 8 }).timestampType).toBe('LOG_APPEND_TIME');
});

test('the payload is the event, and has the size that was counted', () => {
  const sources: EventSource[] = [
    { eventSource: 'SelfManagedKafka', bootstrapServers: 'a:1,b:2' },
    { eventSource: 'aws:kafka', eventSourceArn: 'arn:aws:kafka:x', bootstrapServers: 'a:1' },
  ];
  const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
  const messages = fc.record({ key: fc.option(bytes), value: fc.option(bytes), header: bytes });
  const groups = fc.array(fc.array(messages, { minLength: 1, maxLength: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...sources), groups, (source, groups) => {
      const records = groups.map((group, partition) => {
        const list = group.map(({ key, value, header }, offset) =>
          toEventRecord(
            'orders',
            partition,
            message({ key, value, offset: String(offset), headers: { ключ: header } }),
          ),
        );
        return [recordsKey('orders', partition), list] as const;
      });
      const json = records.map(([key, list]) => [key, list.map((r) => JSON.stringify(r))] as const);
      const payload = toPayload(source, json);
      expect(JSON.parse(payload)).toEqual({ ...source, records: Object.fromEntries(records) });
      const commas = (count: number) => Math.max(0, count - 1);
      const counted = json.reduce(
        (sum, [key, list]) =>
          sum +
          groupBytes(key) +
          commas(list.length) +
          list.reduce((total, one) => total + Buffer.byteLength(one), 0),
        envelopeBytes(source) + commas(json.length),
      );
      expect(Buffer.byteLength(payload)).toBe(counted);
    }),
  );
});

test('a record is written as the JSON of its object', () => {
  const bytes = () => fc.option(fc.uint8Array({ maxLength: 20 }).map((one) => Buffer.from(one)));
  // Any text. The unit 'binary' of fc.string would first make a table of all 1.1 million characters.
  const isSurrogate = (point: number) => point >= 0xd800 && point <= 0xdfff;
  const points = fc.integer({ min: 0, max: 0x10ffff }).filter((point) => !isSurrogate(point));
  const ofAny = fc.array(points, { maxLength: 8 }).map((found) => String.fromCodePoint(...found));
  const name = () => fc.oneof(ofAny, fc.string({ maxLength: 8 }));
  const headers = fc.oneof(
    fc.constant(undefined),
    fc.array(fc.record({ key: name(), value: bytes() }), { maxLength: 4 }),
    fc.dictionary(name(), fc.oneof(bytes(), fc.array(bytes(), { maxLength: 4 })), { maxKeys: 4 }),
  );
  const messages = fc.record({
    key: bytes(),
    value: bytes(),
    timestamp: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }).map(String),
    offset: fc.maxSafeNat().map(String),
    attributes: fc.constantFrom(0, 8),
    headers,
    batchContext: fc.constantFrom(undefined, { timestampType: 0 }, { timestampType: 1 }),
  });
  const schema = fc.option(
    fc.record({
      dataFormat: fc.constantFrom<('AVRO' | 'JSON')[]>('AVRO', 'JSON'),
      schemaId: fc.nat().map(String),
    }),
    { nil: undefined },
  );
  const write = recordWriter('orders', 2);
  fc.assert(
    fc.property(messages, schema, schema, ({ headers, batchContext, ...rest }, ofKey, ofValue) => {
      const one = { ...rest, ...(headers && { headers }), ...(batchContext && { batchContext }) };
      const schemas = { ...(ofKey && { key: ofKey }), ...(ofValue && { value: ofValue }) };
      const expected = toEventRecord('orders', 2, one, schemas);
      // The time has all its digits, which a number of JavaScript may not have.
      const json = JSON.stringify({ ...expected, timestamp: 'TIME' }).replace(
        '"timestamp":"TIME"',
        `"timestamp":${one.timestamp}`,
      );
      expect(write(one, schemas)).toEqual({
        offset: expected.offset,
        timestamp: expected.timestamp,
        json,
        bytes: Buffer.byteLength(json),
      });
    }),
  );
  expect(() => write(message({ offset: '9007199254740993' }))).toThrow('has offset');
});

test('a record of Kafka before 0.10, which has no time, has the time -1', () => {
  const { timestamp: _, ...timeless } = message();
  const expected = toEventRecord('orders', 2, timeless);
  expect(expected.timestamp).toBe(-1);
  expect(JSON.parse(recordWriter('orders', 2)(timeless).json)).toEqual(expected);
});
