import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decompress } from './codecs.ts';
import { decodeBatches, type Header } from './decode.ts';

interface Written {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  readonly offsetDelta: number;
  readonly timestampDelta: number | bigint;
}

interface Batch {
  readonly records: readonly Written[];
  readonly base?: bigint;
  readonly timestamp?: bigint;
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly producerId?: bigint;
}

/** Writes a batch for decodeBatches as Kafka's documentation describes it, with BigInt throughout. */
function write({ records, base = 0n, timestamp = 0n, attributes = 0, ...rest }: Batch): Buffer {
  const written = new Map([...new Set(records)].map((record) => [record, writeRecord(record)]));
  const body = Buffer.concat(records.flatMap((record) => written.get(record) ?? []));
  const content = (attributes & 7) === 1 ? gzipSync(body) : body;
  const header = Buffer.alloc(61);
  header.writeBigInt64BE(base, 0);
  header.writeInt32BE(49 + content.length, 8);
  header.writeInt8(2, 16);
  header.writeInt16BE(attributes, 21);
  header.writeInt32BE(rest.lastOffsetDelta ?? records.at(-1)?.offsetDelta ?? 0, 23);
  header.writeBigInt64BE(timestamp, 27);
  header.writeBigInt64BE(timestamp + 1_000n, 35);
  header.writeBigInt64BE(rest.producerId ?? -1n, 43);
  header.writeInt32BE(records.length, 57);
  return Buffer.concat([header, content]);
}

function writeRecord({ key, value, headers, offsetDelta, timestampDelta }: Written): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(timestampDelta),
    varint(offsetDelta),
    bytes(key),
    bytes(value),
    varint(headers.length),
    ...headers.flatMap((header) => [bytes(Buffer.from(header.key)), bytes(header.value)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

function bytes(value: Buffer | null): Buffer {
  return value ? Buffer.concat([varint(value.length), value]) : varint(-1);
}

function varint(value: number | bigint): Buffer {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  for (; rest >= 128n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return Buffer.from([...out, Number(rest)]);
}

const plain = (offsetDelta: number): Written => ({
  key: null,
  value: Buffer.from(String(offsetDelta)),
  headers: [],
  offsetDelta,
  timestampDelta: offsetDelta,
});

test('every record is read as it was written, compressed or not', async () => {
  const buffer = fc.uint8Array({ maxLength: 150 }).map((array) => Buffer.from(array));
  const optional = fc.option(buffer);
  const header = fc.record({ key: fc.string({ unit: 'grapheme' }), value: optional });
  const record = fc.record({
    key: optional,
    value: optional,
    headers: fc.array(header, { maxLength: 4 }),
    timestampDelta: fc.oneof(
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
    ),
  });
  const batch = fc.record({
    records: fc.array(record, { minLength: 1, maxLength: 5 }),
    base: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    attributes: fc.constantFrom(0, 1),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { maxLength: 3 }), async (batches) => {
      const timestamp = 1_700_000_000_000n;
      const written = batches.map(({ records, ...rest }) => {
        const numbered = records.map((one, index) => ({ ...one, offsetDelta: index * 2 }));
        return { records: numbered, timestamp, ...rest };
      });
      const decoded = await decodeBatches(Buffer.concat(written.map(write)), decompress);
      const expected = written.flatMap(({ records, base }) =>
        records.map((one) => ({
          offset: String(base + BigInt(one.offsetDelta)),
          timestamp: String(timestamp + BigInt(one.timestampDelta)),
          key: one.key,
          value: one.value,
          headers: one.headers,
        })),
      );
      const found = decoded.map(({ offset, timestamp, key, value, headers }) => {
        return { offset, timestamp, key, value, headers };
      });
      expect(found).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['milliseconds and nanoseconds in one batch', 1n, 1_700_000_000_000_000_001n],
  ['the largest time after the first', 1n, 9_223_372_036_854_775_807n],
  ['the largest time after none', -1n, 9_223_372_036_854_775_807n],
  ['an early time after nanoseconds', 1_700_000_000_000_000_001n, 2n],
  ['a difference that ends beyond 2^53', 0n, 9_007_199_254_740_993n],
  ['a difference of 2^53 backwards', 9_007_199_254_740_993n, 2n],
])('times are read exactly: %s', async (_, timestamp, time) => {
  const timestampDelta = BigInt.asIntN(64, time - timestamp);
  const bytes = write({ records: [{ ...plain(0), timestampDelta }], timestamp });
  expect((await decodeBatches(bytes, decompress))[0]?.timestamp).toBe(String(time));
});

test('an offset beyond 2^53 is read exactly', async () => {
  const base = 2n ** 53n + 1n;
  const decoded = await decodeBatches(write({ records: [plain(0), plain(2)], base }), decompress);
  expect(decoded.map(({ offset }) => offset)).toEqual(['9007199254740993', '9007199254740995']);
});

test("records with LogAppendTime have the broker's time", async () => {
  const records = [plain(0), plain(1)];
  const batch = write({ records, timestamp: 5n, attributes: 0x08 });
  const decoded = await decodeBatches(batch, decompress);
  expect(decoded.map(({ timestamp }) => timestamp)).toEqual(['1005', '1005']);
  expect(decoded[0]?.batchContext.timestampType).toBe(1);
});

test('reading goes on after records that compaction removed from the end of a batch, or after all of them', async () => {
  const shortened = write({ records: [plain(0)], lastOffsetDelta: 3 });
  const emptied = write({ records: [], base: 10n, lastOffsetDelta: 4 });
  const decoded = await decodeBatches(Buffer.concat([shortened, emptied]), decompress);
  expect(decoded.map(({ offset, isControlRecord }) => [offset, isControlRecord])).toEqual([
    ['0', false],
    ['3', true],
    ['14', true],
  ]);
});

test('a batch that the fetch cut off is left for the next fetch', async () => {
  const whole = write({ records: [plain(0)] });
  const cut = write({ records: [plain(1)], base: 1n });
  for (const length of [0, 10, 40, cut.length - 1]) {
    const fetched = Buffer.concat([whole, cut.subarray(0, length)]);
    expect(await decodeBatches(fetched, decompress)).toHaveLength(1);
  }
});

test('a batch of very many records is read', async () => {
  // A call cannot take so many arguments.
  const batch = write({ records: Array(150_000).fill(plain(0)) });
  expect(await decodeBatches(batch, decompress)).toHaveLength(150_000);
});
