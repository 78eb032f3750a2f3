import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { decode, InvalidRecordError } from './decode.ts';
import { header, type Item, itemOf, type KafkaRecord } from './event.ts';

const schema = z.object({ name: z.string() });

function record(value: string | Buffer | undefined, rest: Partial<KafkaRecord> = {}): Item {
  return itemOf('things-2', {
    topic: 'things',
    partition: 2,
    offset: 7,
    timestamp: 1_700_000_000_000,
    ...(value !== undefined && { value: Buffer.from(value).toString('base64') }),
    ...rest,
  });
}

async function refusal(bad: Item): Promise<InvalidRecordError> {
  try {
    await decode(bad, schema);
  } catch (error) {
    if (error instanceof InvalidRecordError) return error;
    throw error;
  }
  throw new Error('the record was taken');
}

test('a record becomes its value, key, headers and place', async () => {
  const message = await decode(
    record('{"name":"Zoë"}', {
      key: Buffer.from('k1').toString('base64'),
      headers: [{ note: [100, -61, -87] }],
    }),
    schema,
  );
  expect(message).toEqual({
    value: { name: 'Zoë' },
    key: 'k1',
    headers: [{ name: 'note', value: Buffer.from('dé') }],
    topic: 'things',
    partition: 2,
    offset: 7,
    timestamp: new Date(1_700_000_000_000),
  });
});

test.each([
  ['a tombstone', record(undefined), /no value/],
  ['a null value', record(undefined, { value: null }), /no value/],
  ['an empty value', record(''), /not JSON/],
  ['bytes that are not UTF-8', record(Buffer.from([0x22, 0xff, 0x22])), /not UTF-8/],
  ['text that is not JSON', record('secret@example.com'), /not JSON/],
  ['another schema', record('{"name":5}'), /breaks the schema: name: /],
])('%s is refused for good', async (_, bad, message) => {
  expect((await refusal(bad)).message).toMatch(message);
});

test('a refusal does not repeat the value, nor does its cause', async () => {
  const { message, cause } = await refusal(record('secret@example.com'));
  expect(message).not.toContain('secret');
  expect(cause).toBeUndefined();
});

test('header bytes may be signed or not, and any name may come twice', () => {
  const { headers } = record('', {
    headers: [{ a: [-36, 0, 127, -128] }, { b: [220] }, { b: [49] }],
  });
  expect(headers.map(({ name, value }) => [name, [...value]])).toEqual([
    ['a', [220, 0, 127, 128]],
    ['b', [220]],
    ['b', [49]],
  ]);
  expect(header(headers, 'b')).toBe('1');
  expect(header(headers, 'c')).toBeUndefined();
});

test.each([[undefined], [null], [[{ a: null }]], [[{ a: 'text' }]]])(
  'headers that cannot be read (%j) do not make the record a bad one',
  async (headers) => {
    const message = await decode(record('{"name":"x"}', { headers }), schema);
    expect(message).toMatchObject({ headers: [] });
  },
);
