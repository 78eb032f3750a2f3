/** Reads Kafka's record batches (magic 2): all records and headers, as they were written. */

export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** The fields that a batch has for all its records; kafkajs reads the first three. */
interface BatchContext {
  readonly producerId: string;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
  /** 0 for the producer's time, 1 for the broker's. */
  readonly timestampType: 0 | 1;
}

/** A record as kafkajs hands it on, but with a list of headers instead of an object. */
export interface DecodedRecord {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
}

/** Inflates the records of a batch; the codec is its number in Kafka's protocol. */
export type Decompress = (codec: number, bytes: Buffer) => Promise<Buffer>;

// Positions in a batch: https://kafka.apache.org/documentation/#recordbatch
const LENGTH = 8;
const PREFIX = 12;
const MAGIC = 16;
const ATTRIBUTES = 21;
const LAST_OFFSET_DELTA = 23;
const BASE_TIMESTAMP = 27;
const MAX_TIMESTAMP = 35;
const PRODUCER_ID = 43;
const COUNT = 57;
const RECORDS = 61;

const CODEC = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Whether the bytes are batches, not message sets of Kafka before 0.11. */
export function areBatches(bytes: Buffer): boolean {
  return bytes.length > MAGIC && bytes[MAGIC] === 2;
}

/** Decodes the batches that are complete; a fetch may end in the middle of one. */
export async function decodeBatches(bytes: Buffer, decompress: Decompress) {
  const records: DecodedRecord[] = [];
  for (let start = 0; start + RECORDS <= bytes.length; ) {
    const end = start + PREFIX + bytes.readInt32BE(start + LENGTH);
    const batch = bytes.subarray(start, end);
    if (end > bytes.length || !areBatches(batch)) break;
    await decodeBatch(batch, decompress, records);
    start = end;
  }
  return records;
}

async function decodeBatch(batch: Buffer, decompress: Decompress, records: DecodedRecord[]) {
  const attributes = batch.readInt16BE(ATTRIBUTES);
  const codec = attributes & CODEC;
  const baseOffset = batch.readBigInt64BE(0);
  const isAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  const maxTimestamp = String(batch.readBigInt64BE(MAX_TIMESTAMP));
  const isControlRecord = (attributes & CONTROL) !== 0;
  const batchContext: BatchContext = {
    producerId: String(batch.readBigInt64BE(PRODUCER_ID)),
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
    isControlBatch: isControlRecord,
    timestampType: isAppendTime ? 1 : 0,
  };
  const offsetAt = adder(baseOffset);
  const timestampAt = adder(batch.readBigInt64BE(BASE_TIMESTAMP));
  const count = batch.readInt32BE(COUNT);
  const content = batch.subarray(RECORDS);
  const reader = new Reader(codec && count > 0 ? await decompress(codec, content) : content);
  let last = -1;
  for (let index = 0; index < count; index += 1) {
    const end = reader.varint() + reader.at;
    const recordAttributes = reader.byte();
    const timestampDelta = reader.varlong();
    last = reader.varint();
    records.push({
      magicByte: 2,
      attributes: recordAttributes,
      timestamp: isAppendTime ? maxTimestamp : timestampAt(timestampDelta),
      offset: offsetAt(last),
      key: reader.bytes(),
      value: reader.bytes(),
      headers: reader.headers(),
      isControlRecord,
      batchContext,
    });
    reader.skipTo(end);
  }
  // Compaction removes records and keeps the batch. Its end gets a mark like the end of a
  // transaction, so that reading goes on after it; kafkajs would fetch an empty last batch for ever.
  const lastOffsetDelta = batch.readInt32BE(LAST_OFFSET_DELTA);
  if (last < lastOffsetDelta) records.push(endOfBatch(offsetAt(lastOffsetDelta), batchContext));
}

function endOfBatch(offset: string, batchContext: BatchContext): DecodedRecord {
  const [key, value] = [null, null];
  const record = { magicByte: 2, attributes: 0, timestamp: '-1', offset, key, value, headers: [] };
  return { ...record, isControlRecord: true, batchContext };
}

/** Adds to a 64-bit number, as Java does; with BigInt only where a number is not exact. */
function adder(base: bigint): (delta: number | bigint) => string {
  const number = Number(base);
  const isSafe = Number.isSafeInteger(number) && Number.isSafeInteger(number + 2 ** 43);
  return (delta) => {
    const sum = typeof delta === 'number' ? number + delta : Number.NaN;
    if (isSafe && Number.isSafeInteger(sum)) return String(sum);
    return String(BigInt.asIntN(64, base + BigInt(delta)));
  };
}

const NO_HEADERS: readonly Header[] = [];
/** So many bytes of a varint have 49 bits. */
const EXACT_BYTES = 7;

class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get at(): number {
    return this.#at;
  }

  skipTo(at: number): void {
    this.#at = at;
  }

  byte(): number {
    return this.#buffer.readInt8(this.#at++);
  }

  /** A zigzag number of up to 64 bits, with BigInt only where a number is not exact. */
  varlong(): number | bigint {
    const begin = this.#at;
    const value = this.varint();
    if (this.#at - begin <= EXACT_BYTES) return value;
    const bytes = [...this.#buffer.subarray(begin, this.#at)];
    const bits = bytes.reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n);
    return (bits >> 1n) ^ -(bits & 1n);
  }

  /** A zigzag number. Lengths and the deltas of offsets are far below 2^53. */
  varint(): number {
    let value = 0;
    let factor = 1;
    let byte: number;
    do {
      byte = this.#buffer.readUInt8(this.#at++);
      value += (byte & 0x7f) * factor;
      factor *= 128;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const begin = this.#at;
    this.#at += length;
    return this.#buffer.subarray(begin, this.#at);
  }

  headers(): readonly Header[] {
    const count = this.varint();
    if (count <= 0) return NO_HEADERS;
    return Array.from({ length: count }, () => {
      const key = this.bytes()?.toString('utf8') ?? '';
      return { key, value: this.bytes() };
    });
  }
}
