import { describe, expect, test } from '@jest/globals';
import { createFilter, type FilterRecord } from './record.ts';

const record = (
  value: string | Buffer | null,
  changes: Partial<FilterRecord> = {},
): FilterRecord => ({
  topic: 'orders',
  partition: 1,
  offset: 15,
  timestamp: 1_545_084_650_987,
  timestampType: 'CREATE_TIME',
  headers: [],
  key: null,
  value: value === null ? null : Buffer.from(value),
  ...changes,
});
const passes = (
  patterns: unknown,
  value: string | Buffer | null,
  changes?: Partial<FilterRecord>,
) =>
  createFilter([patterns].flat().map((pattern) => JSON.stringify(pattern)))(record(value, changes));

const text = { value: [{ prefix: 'OrderNumber' }] };
const json = { value: { status: ['new'] } };

test('without a filter every record is delivered', () => {
  expect(createFilter([])(record('anything'))).toBe(true);
});

test('of several filters one is enough', () => {
  const both = [{ value: { a: [1] } }, { value: { b: [2] } }];
  expect(passes(both, '{"a":1}')).toBe(true);
  expect(passes(both, '{"b":2}')).toBe(true);
  expect(passes(both, '{"a":2,"b":1}')).toBe(false);
});

test("the samples of AWS's page are filtered as the page says", () => {
  const device = { value: { device_ID: [{ prefix: 'AB' }] } };
  expect(passes(device, '{"device_ID":"AB1234","session":{"duration":162}}')).toBe(true);
  expect(passes(device, '{"device_ID":"CD1234"}')).toBe(false);
  const error = { value: [{ 'anything-but': ['error'] }] };
  expect(passes(error, 'error')).toBe(false);
  expect(passes(error, 'Hello')).toBe(true);
});

describe('the format of the value and of the pattern', () => {
  test('plain text is compared with a pattern for text', () => {
    expect([passes(text, 'OrderNumber 1'), passes(text, 'Invoice 1')]).toEqual([true, false]);
    expect([passes({ value: [''] }, ''), passes({ value: ['x'] }, '')]).toEqual([true, false]);
  });

  test('JSON is compared with a pattern for JSON', () => {
    expect([passes(json, '{"status":"new"}'), passes(json, '{"status":"old"}')]).toEqual([
      true,
      false,
    ]);
    expect(passes(json, '[{"status":"old"},{"status":"new"}]')).toBe(true);
  });

  test('plain text passes a pattern for JSON, so the pattern does not protect the function', () => {
    expect([passes(json, 'plain'), passes(json, '{"status":')]).toEqual([true, true]);
  });

  test('JSON passes a pattern for text', () => {
    expect(passes(text, '{"status":"old"}')).toBe(true);
  });

  test('bytes that are not UTF-8 pass either pattern', () => {
    const utf16 = Buffer.from('\ufeffplain', 'utf16le');
    expect([passes(text, utf16), passes(json, utf16)]).toEqual([true, true]);
  });

  test('if the formats differ, the other fields still count', () => {
    const both = { topic: ['orders'], ...json };
    expect(passes(both, 'plain')).toBe(true);
    expect(passes(both, 'plain', { topic: 'invoices' })).toBe(false);
    expect(passes(both, '{"status":"old"}')).toBe(false);
  });

  test.each(['"text"', '123', 'true', 'null', ' 1 '])('%s alone passes either pattern', (value) => {
    expect([passes(text, value), passes(json, value)]).toEqual([true, true]);
  });

  test('a tombstone passes any pattern for the value', () => {
    const patterns = [text, json, { value: [{ exists: true }] }, { value: [{ exists: false }] }];
    expect(patterns.map((pattern) => passes(pattern, null))).toEqual([true, true, true, true]);
  });
});

test('topic, partition, offset, timestamp and key can be filtered on', () => {
  const kept = {
    topic: [{ prefix: 'ord' }],
    partition: [1],
    offset: [{ numeric: ['>', 10] }],
    timestampType: ['CREATE_TIME'],
    key: [{ suffix: '-7' }],
  };
  const key = Buffer.from('order-7');
  expect(passes(kept, 'x', { key })).toBe(true);
  for (const [name, value] of Object.entries({ topic: 'x', partition: 2, offset: 10 })) {
    expect(passes(kept, 'x', { key, [name]: value })).toBe(false);
  }
  expect(passes(kept, 'x', { key: Buffer.from('order-8') })).toBe(false);
});

test('numbers of a value are compared as they are written', () => {
  const three = { value: { price: [300] } };
  expect(passes(three, '{"price":300}')).toBe(true);
  expect(passes(three, '{"price":3e2}')).toBe(false);
  expect(passes({ value: { price: [{ numeric: ['=', 300] }] } }, '{"price":3e2}')).toBe(true);
});

test('an alternative of $or that does not apply to the value lets it pass', () => {
  const either = { $or: [{ value: { a: ['x'] } }, { topic: ['invoices'] }] };
  expect(passes(either, 'plain')).toBe(true);
  expect(passes(either, '{"a":"y"}')).toBe(false);
});
