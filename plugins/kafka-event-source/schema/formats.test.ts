import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createReader, type DataFormat, PACKAGES, type Reference } from './format.ts';

/** Bytes written by hand after each format's specification. */
const bytes = (...parts: (number | string | readonly number[])[]) =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part) : Buffer.from([part].flat() as number[]),
    ),
  );

const readerOf = (format: DataFormat, schema: object | string, references: Reference[] = []) => {
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  return createReader({ format, text, references });
};

/** Floats of 32 bits with the fewest digits that name each. */
const floats: readonly (readonly [bits: number, text: string])[] = [
  [0x3f8ccccd, '1.1'],
  [0xbdcccccd, '-0.1'],
  [0x3f800000, '1'],
  [0x4b800001, '16777218'],
  [0x7f7fffff, '3.4028235e+38'],
  [0x00000001, '1e-45'],
  [0x80000000, '0'],
];
const ofFloat = (bits: number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(bits);
  return [...four];
};

describe('Avro', () => {
  const product = {
    type: 'record',
    name: 'Product',
    namespace: 'shop',
    fields: [
      { name: 'name', type: 'string' },
      { name: 'price', type: ['null', 'double', 'int'] },
      { name: 'stock', type: 'long' },
      { name: 'raw', type: 'bytes' },
      { name: 'tags', type: { type: 'array', items: 'string' } },
      { name: 'sizes', type: { type: 'map', values: 'int' } },
      { name: 'colour', type: { type: 'enum', name: 'Colour', symbols: ['RED', 'BLUE'] } },
    ],
  };
  // https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
  const encoded = bytes(
    [4, ...Buffer.from('ab')],
    [4, 84], // the union's third branch, 42
    [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // 2^63 - 1
    [4, 0x00, 0xff],
    [2, 2, ...Buffer.from('t'), 0],
    [2, 2, ...Buffer.from('L'), 14, 0],
    2,
  );

  test('becomes standard JSON: unions without their types, longs exactly', async () => {
    const read = await readerOf('AVRO', product);
    expect(read(encoded)).toBe(
      '{"name":"ab","price":42,"stock":9223372036854775807,"raw":"\\u0000ÿ","tags":["t"],' +
        '"sizes":{"L":7},"colour":"BLUE"}',
    );
  });

  test('finds the types of the schemas that it refers to', async () => {
    const inner = {
      type: 'record',
      name: 'shop.Inner',
      fields: [{ name: 'n', type: 'int' }],
    };
    const outer = {
      type: 'record',
      name: 'shop.Outer',
      fields: [{ name: 'inner', type: ['null', 'shop.Inner'] }],
    };
    const read = await readerOf('AVRO', outer, [
      { name: 'shop.Inner', text: JSON.stringify(inner) },
    ]);
    expect(read(bytes(2, 6))).toBe('{"inner":{"n":3}}');
    expect(read(bytes(0))).toBe('{"inner":null}');
  });

  // The registry keeps them, and Confluent's own client reads them.
  test.each([
    ['a default of another type', { name: 'n', type: 'int', default: 'none' }, '{"n":3}'],
    ['a default of null without null', { name: 'n', type: 'int', default: null }, '{"n":3}'],
    [
      'a default of a later branch',
      { name: 'n', type: ['int', 'null'], default: null },
      '{"n":null}',
    ],
    ['a name with an umlaut', { name: 'größe', type: 'int' }, '{"größe":3}'],
    ['the name __proto__', { name: '__proto__', type: 'int' }, '{"__proto__":3}'],
  ])('a field may have %s', async (_, field, expected) => {
    const schema = { type: 'record', name: 'Product', namespace: 'shop', fields: [field] };
    const isUnion = Array.isArray(field.type);
    expect((await readerOf('AVRO', schema))(bytes(isUnion ? 2 : 6))).toBe(expected);
  });

  test.each(['my-shop', 'shop.2026', 'shop.Order$', 'größen'])(
    'a namespace may be %s, also in references to its types',
    async (namespace) => {
      const colour = { type: 'enum', name: 'Colour', namespace, symbols: ['ROT', 'GRÜN'] };
      const product = {
        type: 'record',
        name: `${namespace}.Product`,
        aliases: ['an-old.Name'],
        fields: [
          { name: 'a', type: 'Colour' },
          { name: 'b', type: ['null', `${namespace}.Colour`] },
          { name: 'c', type: { type: 'array', items: 'Colour' } },
          { name: 'd', type: { type: 'map', values: ['null', 'Product'] } },
        ],
      };
      const read = await readerOf('AVRO', product, [
        { name: `${namespace}.Colour`, text: JSON.stringify(colour) },
      ]);
      expect(read(bytes(2, [2, 0], [2, 2, 0], 0))).toBe(
        '{"a":"GRÜN","b":"ROT","c":["GRÜN"],"d":{}}',
      );
    },
  );

  test.each(floats)('a float %# is written with its own digits', async (bits, text) => {
    expect((await readerOf('AVRO', '"float"'))(bytes(ofFloat(bits)))).toBe(text);
    const union = await readerOf('AVRO', { type: 'array', items: ['double', 'float'] });
    expect(union(bytes([2, 2], ofFloat(bits), 0))).toBe(`[${text}]`);
  });

  test('a primitive schema gives a JSON scalar', async () => {
    expect((await readerOf('AVRO', '"string"'))(bytes(4, 'ab'))).toBe('"ab"');
    expect((await readerOf('AVRO', '"long"'))(bytes(1))).toBe('-1');
  });

  test.each([
    ['too short', encoded.subarray(0, -1)],
    ['too long', bytes([...encoded], 0)],
    ['nothing', Buffer.alloc(0)],
  ])('content that is %s is refused', async (_, content) => {
    const read = await readerOf('AVRO', product);
    expect(() => read(content)).toThrow();
  });
});

describe('Protobuf', () => {
  const order = `
    syntax = "proto3";
    package shop.v1;
    import "google/protobuf/timestamp.proto";
    import "money.proto";
    enum Kind { NONE = 0; GIFT = 1; }
    message Order {
      message Line { string product_id = 1; uint64 piece_count = 2; }
      string order_id = 1;
      repeated Line order_lines = 2;
      Kind kind = 3;
      bytes note = 4;
      google.protobuf.Timestamp placed_at = 5;
      shop.v1.Money total = 6;
      map<string, int32> sizes = 7;
      optional bool express = 8;
      sint32 offset = 9;
    }
    message Cancelled { string order_id = 1; }`;
  const money: Reference = {
    name: 'money.proto',
    text: `syntax = "proto3"; package shop.v1;
      message Money { int64 units = 1; string currency = 2; }`,
  };
  // https://protobuf.dev/programming-guides/encoding/
  const line = bytes([0x0a, 1], 'p', [0x10, 3]);
  const content = bytes(
    [0x0a, 2],
    'o1',
    [0x12, line.length, ...line],
    [0x18, 1],
    [0x22, 2, 0xff, 0x00],
    [0x2a, 8, 0x08, 0xab, 0xd2, 0xbc, 0xe1, 0x05, 0x10, 0x01], // 1546594603 s, 1 ns
    [0x32, 7, 0x08, 0x05, 0x12, 3, ...Buffer.from('USD')],
    [0x3a, 5, 0x0a, 1, ...Buffer.from('L'), 0x10, 7],
    [0x40, 0],
    [0x48, 0],
  );

  test('becomes JSON with the names of the schema, not in camel case', async () => {
    const read = await readerOf('PROTOBUF', order, [money]);
    expect(JSON.parse(read(bytes(0, [...content])))).toEqual({
      order_id: 'o1',
      order_lines: [{ product_id: 'p', piece_count: '3' }],
      kind: 'GIFT',
      note: '/wA=',
      placed_at: '2019-01-04T09:36:43.000000001Z',
      total: { units: '5', currency: 'USD' },
      sizes: { L: 7 },
      express: false,
    });
  });

  test('the message indexes choose among the messages of the file, nested ones too', async () => {
    const read = await readerOf('PROTOBUF', order, [money]);
    expect(read(bytes([2, 2], [0x0a, 1], 'x'))).toBe('{"order_id":"x"}'); // [1]
    expect(read(bytes([4, 0, 0], [...line]))).toBe('{"product_id":"p","piece_count":"3"}'); // [0, 0]
    expect(() => read(bytes([2, 6]))).toThrow(/no message at 3/);
    expect(() => read(bytes([0x80]))).toThrow(/cut off/);
  });

  test('wrappers, structures and durations have a JSON form of their own', async () => {
    const read = await readerOf(
      'PROTOBUF',
      `syntax = "proto3";
       import "google/protobuf/wrappers.proto";
       import "google/protobuf/struct.proto";
       import "google/protobuf/duration.proto";
       message M {
         google.protobuf.StringValue text = 1;
         google.protobuf.Struct any = 2;
         google.protobuf.Duration wait = 3;
         int64 none = 4;
         double odd = 5;
       }`,
    );
    const value = bytes([0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]); // number_value 1.5
    const entry = bytes([0x0a, 1], 'a', [0x12, value.length, ...value]);
    const m = bytes(
      [0x0a, 0],
      [0x12, entry.length + 2, 0x0a, entry.length, ...entry],
      [0x1a, 2, 0x08, 3],
      [0x20, 0],
      [0x29, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
    );
    expect(JSON.parse(read(bytes(0, [...m])))).toEqual({
      text: '',
      any: { a: 1.5 },
      wait: '3s',
      odd: 'Infinity',
    });
  });

  test.each(floats)('a float %# is written with its own digits', async (bits, text) => {
    const read = await readerOf(
      'PROTOBUF',
      `syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M { optional float a = 1;
        repeated float b = 2; map<string, float> c = 3; google.protobuf.FloatValue d = 4; }`,
    );
    const four = ofFloat(bits);
    const content = bytes(
      [0x0d, ...four, 0x12, 4, ...four],
      [0x1a, 8, 0x0a, 1, 0x6b, 0x15, ...four],
      [0x22, 5, 0x0d, ...four],
    );
    expect(read(bytes(0, [...content]))).toBe(
      `{"a":${text},"b":[${text}],"c":{"k":${text}},"d":${text}}`,
    );
  });

  // Each is the first message or enum of a file that Confluent's serialisers know.
  test.each([
    ['google/protobuf/any', 'google.protobuf.Any', [0x0a, 1, 0x61], { type_url: 'a' }],
    ['google/protobuf/api', 'google.protobuf.Api', [0x0a, 1, 0x61], { name: 'a' }],
    [
      'google/protobuf/descriptor',
      'google.protobuf.FileDescriptorProto',
      [0x0a, 1, 0x61],
      { name: 'a' },
    ],
    ['google/protobuf/duration', 'google.protobuf.Duration', [8, 3], '3s'],
    ['google/protobuf/empty', 'google.protobuf.Empty', [], {}],
    ['google/protobuf/field_mask', 'google.protobuf.FieldMask', [0x0a, 1, 0x61], 'a'],
    [
      'google/protobuf/source_context',
      'google.protobuf.SourceContext',
      [0x0a, 1, 0x61],
      { file_name: 'a' },
    ],
    ['google/protobuf/struct', 'google.protobuf.Struct', [], {}],
    ['google/protobuf/timestamp', 'google.protobuf.Timestamp', [8, 3], '1970-01-01T00:00:03Z'],
    ['google/protobuf/type', 'google.protobuf.Type', [0x0a, 1, 0x61], { name: 'a' }],
    ['google/protobuf/wrappers', 'google.protobuf.Int32Value', [8, 3], 3],
    ['google/type/calendar_period', 'google.type.CalendarPeriod', 5, 'QUARTER'],
    ['google/type/color', 'google.type.Color', [0x22, 0], { alpha: 0 }],
    ['google/type/date', 'google.type.Date', [8, 3, 24, 4], { year: 3, day: 4 }],
    ['google/type/datetime', 'google.type.DateTime', [0x42, 2, 8, 3], { utc_offset: '3s' }],
    ['google/type/dayofweek', 'google.type.DayOfWeek', 7, 'SUNDAY'],
    ['google/type/decimal', 'google.type.Decimal', [0x0a, 1, 0x61], { value: 'a' }],
    ['google/type/expr', 'google.type.Expr', [0x22, 1, 0x61], { location: 'a' }],
    ['google/type/fraction', 'google.type.Fraction', [16, 3], { denominator: '3' }],
    [
      'google/type/interval',
      'google.type.Interval',
      [0x12, 0],
      { end_time: '1970-01-01T00:00:00Z' },
    ],
    [
      'google/type/latlng',
      'google.type.LatLng',
      [17, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f],
      { longitude: 1.5 },
    ],
    [
      'google/type/money',
      'google.type.Money',
      [0x0a, 1, 0x61, 16, 3, 24, 4],
      { currency_code: 'a', units: '3', nanos: 4 },
    ],
    ['google/type/month', 'google.type.Month', 12, 'DECEMBER'],
    [
      'google/type/phone_number',
      'google.type.PhoneNumber',
      [0x12, 3, 0x12, 1, 0x61],
      { short_code: { number: 'a' } },
    ],
    [
      'google/type/postal_address',
      'google.type.PostalAddress',
      [0x5a, 1, 0x61],
      { organization: 'a' },
    ],
    [
      'google/type/quaternion',
      'google.type.Quaternion',
      [33, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f],
      { w: 1.5 },
    ],
    ['google/type/timeofday', 'google.type.TimeOfDay', [32, 4], { nanos: 4 }],
  ] as const)('%s.proto needs no reference', async (file, type, content, expected) => {
    const text = `syntax = "proto3"; import "${file}.proto"; message M { ${type} x = 1; }`;
    const read = await readerOf('PROTOBUF', text);
    const field = typeof content === 'number' ? [8, content] : [0x0a, content.length, ...content];
    expect(JSON.parse(read(bytes(0, field)))).toEqual({ x: expected });
  });

  test('a schema may refer to a known file, and import it more than once', async () => {
    const timestamp = 'google/protobuf/timestamp.proto';
    const read = await readerOf(
      'PROTOBUF',
      `syntax = "proto3"; import "${timestamp}"; import "google/type/interval.proto";
       import "google/protobuf/api.proto"; import "google/protobuf/type.proto";
       import "google/protobuf/any.proto";
       message M { google.protobuf.Timestamp at = 1; google.type.Interval in = 2; }`,
      [
        {
          name: timestamp,
          text: `syntax = "proto3"; package google.protobuf;
            message Timestamp { int64 seconds = 1; int32 nanos = 2; }`,
        },
      ],
    );
    expect(read(bytes(0, [0x0a, 2, 8, 3]))).toBe('{"at":"1970-01-01T00:00:03Z"}');
  });

  test('options of its own, in the schema or in another file, are no hindrance', async () => {
    const options = `import "google/protobuf/descriptor.proto";
      extend google.protobuf.FieldOptions { string note = 50001; }
      extend google.protobuf.MessageOptions { bool audited = 50002; }`;
    const message = 'message M { option (shop.audited) = true; int32 n = 1 [(shop.note) = "x"]; }';
    const head = 'syntax = "proto3"; package shop;';
    const read = await readerOf('PROTOBUF', `${head} ${options} ${message}`);
    expect(read(bytes(0, [8, 3]))).toBe('{"n":3}');
    const other = await readerOf('PROTOBUF', `${head} import "options.proto"; ${message}`, [
      { name: 'options.proto', text: `${head} ${options}` },
    ]);
    expect(other(bytes(0, [8, 3]))).toBe('{"n":3}');
  });

  test('content that is cut off is refused', async () => {
    const read = await readerOf('PROTOBUF', order, [money]);
    expect(() => read(bytes(0, [0x0a, 5], 'o1'))).toThrow();
  });

  test('a schema with an unknown import is refused', async () => {
    await expect(readerOf('PROTOBUF', order)).rejects.toThrow(/Money/);
  });
});

describe('JSON Schema', () => {
  const order = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { id: { type: 'integer' }, at: { type: 'string', format: 'date' } },
    required: ['id'],
  };

  test('content that fits stays as it was written', async () => {
    const read = await readerOf('JSON', order);
    const text = '{ "id": 12345678901234567890, "more": 1.0 }';
    expect(read(Buffer.from(text))).toBe(text);
  });

  test.each([
    ['does not fit', '{"id":"1"}'],
    ['lacks a member', '{}'],
    ['has a date that is none', '{"id":1,"at":"2026-13-01"}'],
    ['is not JSON', '{"id":'],
    ['is not UTF-8', Buffer.from([0xff, 0xfe])],
  ])('content that %s is refused', async (_, content) => {
    const read = await readerOf('JSON', order);
    expect(() => read(Buffer.from(content as string))).toThrow();
  });

  test.each([
    'http://json-schema.org/draft-06/schema#',
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2019-09/schema',
    'https://json-schema.org/draft/2020-12/schema',
  ])('the dialect %s is known', async ($schema) => {
    const read = await readerOf('JSON', { $schema, type: 'array', contains: { const: 1 } });
    expect(read(Buffer.from('[1]'))).toBe('[1]');
    expect(() => read(Buffer.from('[2]'))).toThrow();
  });

  test('finds the schemas that it refers to', async () => {
    const read = await readerOf('JSON', { $ref: 'order.json' }, [
      { name: 'order.json', text: JSON.stringify(order) },
    ]);
    expect(read(Buffer.from('{"id":1}'))).toBe('{"id":1}');
    expect(() => read(Buffer.from('{}'))).toThrow(/id/);
  });

  // The registry takes such schemas, and Confluent's own client reads them.
  test.each<[string, object, unknown[], unknown[]]>([
    ['an escape that is not needed', { pattern: '^[^\\@]+\\@.+$' }, ['a@b'], ['a']],
    [
      'an escape in the pattern of a name',
      { patternProperties: { '^\\_': { type: 'null' } } },
      [{ _a: null }],
      [{ _a: 1 }],
    ],
    ['letters of any language', { pattern: '^\\p{L}+$' }, ['ü'], ['1']],
    // JavaScript cannot read this pattern, so it matches each text.
    ['a pattern of Java', { pattern: '(?i)^a++$', minLength: 2 }, ['AA', 'bb'], ['A']],
    [
      'a multiple of a fraction',
      { multipleOf: 0.01 },
      [19.99, -19.99, 1234567.89, 0, 1e15, 1e-2],
      [19.995, 1e-3],
    ],
    ['a multiple of a whole number', { multipleOf: 3 }, [9, 3e20, 'text'], [10, 1.5]],
    ['a value twice in a list', { enum: ['a', 'a'], required: ['b', 'b'] }, ['a'], ['b']],
    [
      'an id of draft-04',
      { id: 'http://example.com/a.json', properties: { id: { type: 'null' } } },
      [{ id: null }],
      [{ id: 1 }],
    ],
    ['a $schema of its own', { $schema: 'http://example.com/meta#', type: 'null' }, [null], [1]],
    [
      'the $schema with https',
      { $schema: 'https://json-schema.org/draft-07/schema#', type: 'null' },
      [null],
      [1],
    ],
  ])('a schema may have %s', async (_, schema, kept, refused) => {
    const direct = await readerOf('JSON', schema);
    const referring = await readerOf('JSON', { allOf: [{ $ref: 'a.json' }] }, [
      { name: 'a.json', text: JSON.stringify(schema) },
    ]);
    for (const read of [direct, referring]) {
      for (const one of kept.map((value) => JSON.stringify(value))) {
        expect(read(Buffer.from(one))).toBe(one);
      }
      for (const one of refused) expect(() => read(Buffer.from(JSON.stringify(one)))).toThrow();
    }
  });

  test.each([
    ['a name', undefined, 'part.json', 'part.json'],
    ['a name beside its $id', 'http://example.com/a/order.json', 'part.json', 'part.json'],
    ['a name below its $id', 'http://example.com/order.json', 'b/part.json', 'b/part.json'],
    ['a name beside a relative $id', 'a/order.json', 'part.json', 'part.json'],
    [
      'the whole address',
      'http://example.com/order.json',
      'part.json',
      'http://example.com/part.json',
    ],
    [
      'an address elsewhere',
      'http://example.com/order.json',
      'urn:example:part',
      'urn:example:part',
    ],
  ])('finds a schema that it refers to by %s', async (_, $id, name, $ref) => {
    for (const own of [undefined, 'http://example.org/part.json']) {
      const part = { ...(own && { $id: own }), definitions: { n: { type: 'integer' } } };
      const root = { ...($id && { $id }), properties: { n: { $ref: `${$ref}#/definitions/n` } } };
      const read = await readerOf('JSON', root, [{ name, text: JSON.stringify(part) }]);
      expect(read(Buffer.from('{"n":1}'))).toBe('{"n":1}');
      expect(() => read(Buffer.from('{"n":"1"}'))).toThrow(/integer/);
    }
  });
});

test('JSON Schema of draft-04 is not read', async () => {
  const schema = { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' };
  await expect(readerOf('JSON', schema)).rejects.toThrow('draft-04 is not supported here');
});

test('the packages to install are the peers of this package', () => {
  const { peerDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  );
  for (const spec of Object.values(PACKAGES).flat()) {
    const [name = '', range] = spec.split('@');
    expect([name, range]).toEqual([name, peerDependencies[name]]);
  }
});
