/** The messages that a destination gets about failed records: their exact shape. */
import { type EventRecord, type EventSource, toPayload } from '../event.ts';
import { parseToWrite } from '../json.ts';
import type { BufferedRecord } from '../record.ts';

/** The last time that ECMAScript can express, in milliseconds. */
const LAST_TIME = 8.64e15;

export type Condition =
  | 'RetriesExhausted'
  | 'RecordAgeExceeded'
  | 'MaximumPayloadSizeExceeded'
  | 'SCHEMA_NOT_FOUND'
  | 'DESERIALIZATION_ERROR';

/** The names of a letter's headers on a Kafka topic. */
export const LETTER_HEADERS = {
  writer: 'dead-letter-writer',
  reason: 'dead-letter-reason',
  /** The omitted fields, separated by commas. */
  omitted: 'dead-letter-omitted',
} as const;

/** A field that a letter omits if the letter is too large for its topic. */
export type OmittedField = 'headers' | 'value' | 'key';

/** Records given up together, and their last invocation. */
export interface Failure {
  readonly functionArn: string;
  readonly source: EventSource;
  readonly condition: Condition;
  /** The reason in words; AWS's messages have no such member. */
  readonly reason: string;
  readonly requestId: string;
  readonly invocations: number;
  readonly executedVersion: string;
  /** Null if the function's answer reported the records. */
  readonly functionError: string | null;
  readonly at: Date;
  readonly partitions: readonly FailedRecords[];
}

interface FailedRecords {
  /** `topic-partition`. */
  readonly key: string;
  readonly records: readonly BufferedRecord[];
}

/** For SQS and SNS: one message for the batch, without its records. */
export function batchRecord(failure: Failure): string {
  return JSON.stringify(batchObject(failure, payloadOf(failure)));
}

/** For S3: the same object, with the event as escaped text. */
export function batchRecordWithPayload(failure: Failure): string {
  const payload = payloadOf(failure);
  return JSON.stringify({ ...batchObject(failure, payload), payload });
}

/** For a Kafka topic: one message for each record, with an event of this record alone. */
export function recordLetter(
  failure: Failure,
  key: string,
  record: BufferedRecord,
  omitted: readonly OmittedField[] = [],
): string {
  const payload = toPayload(failure.source, [[key, [without(record, omitted)]]]);
  const letter = {
    // AWS: unlike for the other destinations, the function's ARN has its version, and exhausted
    // retries are called RetriesExhausted.
    // https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
    ...head(failure, `${failure.functionArn}:${failure.executedVersion}`, failure.condition),
    KafkaBatchInfo: {
      batchSize: 1,
      ...origin(failure.source),
      payloadSize: Buffer.byteLength(payload),
      recordInfo: { offset: String(record.offset), timestamp: iso(record.timestamp) },
    },
  };
  // The event is JSON already.
  return `${JSON.stringify(letter).slice(0, -1)},"payload":${payload}}`;
}

/** The record's JSON without fields that do not fit into its letter. */
function without({ json }: BufferedRecord, omitted: readonly OmittedField[]): string {
  if (omitted.length === 0) return json;
  const record = parseToWrite(json) as Partial<EventRecord>;
  for (const field of omitted) {
    if (field === 'headers') record.headers = [];
    else delete record[field];
  }
  return JSON.stringify(record);
}

/** The fields that a letter may omit, the largest one first. */
export function fieldsBySize({ json }: BufferedRecord): OmittedField[] {
  const { headers, value, key } = JSON.parse(json);
  const sizes: [OmittedField, number][] = [
    ['headers', headers?.length ? JSON.stringify(headers).length : 0],
    ['value', value === undefined ? 0 : JSON.stringify(value).length],
    ['key', key === undefined ? 0 : JSON.stringify(key).length],
  ];
  return sizes
    .filter(([, size]) => size > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([field]) => field);
}

/** The record's key as it was produced. */
export function keyOf(record: BufferedRecord): Buffer | null {
  const key = record.originalKey ?? (JSON.parse(record.json) as { key?: string }).key;
  return key === undefined ? null : Buffer.from(key, 'base64');
}

function batchObject(failure: Failure, payload: string) {
  const condition =
    failure.condition === 'RetriesExhausted' ? 'RetryAttemptsExhausted' : failure.condition;
  return {
    ...head(failure, failure.functionArn, condition),
    KafkaBatchInfo: {
      batchSize: failure.partitions.reduce((sum, { records }) => sum + records.length, 0),
      ...origin(failure.source),
      payloadSize: Buffer.byteLength(payload),
      recordsInfo: Object.fromEntries(
        failure.partitions.map(({ key, records }) => [key, range(records)]),
      ),
    },
  };
}

function head(failure: Failure, functionArn: string, condition: string) {
  const { requestId, invocations, at } = failure;
  return {
    requestContext: { requestId, functionArn, condition, approximateInvokeCount: invocations },
    ...responseContext(failure),
    version: '1.0',
    timestamp: at.toISOString(),
  };
}

function responseContext({ condition, executedVersion, functionError }: Failure) {
  // Recorded for Kinesis on AWS: an expired record has no response context at all.
  if (condition === 'RecordAgeExceeded') return {};
  // AWS: null for a payload too large. https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
  if (condition !== 'RetriesExhausted') return { responseContext: null };
  // AWS: the status of an invocation whose function failed is 200, too.
  return { responseContext: { statusCode: 200, executedVersion, functionError } };
}

// A self-managed cluster has no ARN, and AWS shows no example: the member is absent, as in the event.
function origin(source: EventSource) {
  const { bootstrapServers } = source;
  return source.eventSource === 'aws:kafka'
    ? { eventSourceArn: source.eventSourceArn, bootstrapServers }
    : { bootstrapServers };
}

function range(records: readonly BufferedRecord[]) {
  const [first, last] = [records[0], records.at(-1)];
  return {
    firstRecordOffset: String(first?.offset),
    lastRecordOffset: String(last?.offset),
    firstRecordTimestamp: iso(first?.timestamp ?? 0),
    lastRecordTimestamp: iso(last?.timestamp ?? 0),
  };
}

function payloadOf({ source, partitions }: Failure): string {
  return toPayload(
    source,
    partitions.map(({ key, records }) => [key, records.map(({ json }) => json)]),
  );
}

/** A producer may write any number as timestamp, such as nanoseconds. */
function iso(timestamp: number): string {
  return new Date(Math.max(-LAST_TIME, Math.min(LAST_TIME, timestamp))).toISOString();
}
