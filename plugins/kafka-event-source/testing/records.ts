/** Records as a test writes and reads them. */
import { types } from 'node:util';
import { checkPattern, checkRecord } from './given.ts';
import type { LogRecord, NewRecord } from './log.ts';
import type { Bytes, KafkaRecord, ProducedRecord } from './types.ts';

/** @param now the time of a record without a timestamp, in milliseconds since 1970 */
export function newRecordOf(record: ProducedRecord, now: number): NewRecord {
  checkRecord(record);
  const { key = null, value = null, headers = {}, partition, timestamp = now } = record;
  const pairs: readonly (readonly [string, Bytes])[] = isPairs(headers)
    ? headers
    : Object.entries(headers);
  return {
    key: key === null ? null : bytesOf(key),
    value: value === null ? null : bytesOf(isBytes(value) ? value : JSON.stringify(value)),
    headers: pairs.map(([name, one]) => ({ key: name, value: bytesOf(one) })),
    partition,
    timestamp: Number(timestamp),
  };
}

export function recordOf(topic: string, record: LogRecord): KafkaRecord {
  const { partition = 0, offset, key, value, headers, timestamp } = record;
  return {
    topic,
    partition,
    offset,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map((one) => [one.key, one.value?.toString() ?? ''] as const),
    timestamp,
  };
}

/** Whether a record is one of these: the fields of a pattern must be equal. */
export function matcherOf(
  wanted: Partial<KafkaRecord> | ((record: KafkaRecord) => boolean),
): (record: KafkaRecord) => boolean {
  checkPattern(wanted);
  if (typeof wanted === 'function') return wanted;
  const fields = Object.entries(wanted);
  return (record) =>
    fields.every(
      ([name, value]) => JSON.stringify(Reflect.get(record, name)) === JSON.stringify(value),
    );
}

function isPairs(
  headers: NonNullable<ProducedRecord['headers']>,
): headers is readonly (readonly [string, Bytes])[] {
  return Array.isArray(headers);
}

function isBytes(value: Bytes | object): value is Bytes {
  return typeof value === 'string' || ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** A view, such as a Uint16Array, gives its bytes and not its numbers. */
function bytesOf(bytes: Bytes | ArrayBufferView | ArrayBufferLike): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  // A copy: the test may write to its own bytes later.
  return Buffer.from(Buffer.from(view.buffer, view.byteOffset, view.byteLength));
}
