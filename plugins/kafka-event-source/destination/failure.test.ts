import { expect, test } from '@jest/globals';
import type { EventSource } from '../event.ts';
import type { BufferedRecord } from '../record.ts';
import {
  batchRecord,
  batchRecordWithPayload,
  type Failure,
  fieldsBySize,
  keyOf,
  recordLetter,
} from './failure.ts';

const msk: EventSource = {
  eventSource: 'aws:kafka',
  eventSourceArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/my-cluster/abc123',
  bootstrapServers: 'b-1.mycluster.abc123.kafka.us-east-1.amazonaws.com:9098',
};
const selfManaged: EventSource = {
  eventSource: 'SelfManagedKafka',
  bootstrapServers: 'localhost:9092',
};
const record = (partition: number, offset: number, timestamp: number) => ({
  topic: 'my-topic',
  partition,
  offset,
  timestamp,
  timestampType: 'CREATE_TIME',
  key: 'dGVzdC1rZXk=',
  value: 'dGVzdC12YWx1ZQ==',
  headers: [],
});
const entry = (partition: number, offset: number, timestamp: number): BufferedRecord => {
  const json = JSON.stringify(record(partition, offset, timestamp));
  return { offset, next: offset + 1, json, bytes: json.length, arrived: 0, timestamp };
};
const at = Date.UTC(2019, 10, 14, 0, 38, 4, 835);
const failure = (changes: Partial<Failure> = {}): Failure => ({
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:myfunction',
  source: msk,
  condition: 'RetriesExhausted',
  reason: 'Unhandled: thrown',
  requestId: '316aa6d0-8154-4000-9af7-85d5f4a6bc81',
  invocations: 3,
  executedVersion: '$LATEST',
  functionError: 'Unhandled',
  at: new Date(Date.UTC(2019, 10, 14, 0, 38, 6, 21)),
  partitions: [
    { key: 'my-topic-0', records: [entry(0, 100, at), entry(0, 104, at + 745)] },
    { key: 'my-topic-1', records: [entry(1, 7, at)] },
  ],
  ...changes,
});
const payload = {
  ...msk,
  records: {
    'my-topic-0': [record(0, 100, at), record(0, 104, at + 745)],
    'my-topic-1': [record(1, 7, at)],
  },
};

// https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
const documented = {
  requestContext: {
    requestId: '316aa6d0-8154-4000-9af7-85d5f4a6bc81',
    functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:myfunction',
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 3,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: '2019-11-14T00:38:06.021Z',
  KafkaBatchInfo: {
    batchSize: 3,
    eventSourceArn: msk.eventSourceArn,
    bootstrapServers: msk.bootstrapServers,
    payloadSize: Buffer.byteLength(JSON.stringify(payload)),
    recordsInfo: {
      'my-topic-0': {
        firstRecordOffset: '100',
        lastRecordOffset: '104',
        firstRecordTimestamp: '2019-11-14T00:38:04.835Z',
        lastRecordTimestamp: '2019-11-14T00:38:05.580Z',
      },
      'my-topic-1': {
        firstRecordOffset: '7',
        lastRecordOffset: '7',
        firstRecordTimestamp: '2019-11-14T00:38:04.835Z',
        lastRecordTimestamp: '2019-11-14T00:38:04.835Z',
      },
    },
  },
};

test('for SQS and SNS: the batch in the documented shape, without its records', () => {
  expect(JSON.parse(batchRecord(failure()))).toEqual(documented);
});

test.each([
  ['a key', { key: 'k'.repeat(1_000_000) }],
  ['a value', { value: 'v'.repeat(6_000_000) }],
  ['headers', { headers: [{ stacktrace: Array.from({ length: 700_000 }, () => -56) }] }],
])(
  'for SQS and SNS: the message is as small as any, however large the record is by %s',
  (_, large) => {
    const json = JSON.stringify({ ...record(0, 100, at), ...large });
    const records = [{ ...entry(0, 100, at), json, bytes: json.length }];
    const text = batchRecord(failure({ partitions: [{ key: 'my-topic-0', records }] }));
    // SQS and SNS took 256 KB for years, and SNS does so still.
    expect(Buffer.byteLength(text)).toBeLessThan(2_000);
  },
);

test('the fields that a letter may omit are named by their size, without those that are absent', () => {
  const shown = (fields: object) => {
    const json = JSON.stringify({ offset: 1, ...fields });
    return fieldsBySize({ ...entry(0, 1, at), json });
  };
  expect(shown({ key: 'a', value: 'bbb', headers: [{ h: [1, 2, 3] }] })).toEqual([
    'headers',
    'value',
    'key',
  ]);
  expect(shown({ key: 'aaaa', value: 'b', headers: [] })).toEqual(['key', 'value']);
  expect(shown({ headers: [] })).toEqual([]);
});

test('for S3: the same, with the event as an escaped JSON string', () => {
  const { payload: text, ...rest } = JSON.parse(batchRecordWithPayload(failure())) as {
    payload: string;
  };
  expect(rest).toEqual(documented);
  expect(JSON.parse(text)).toEqual(payload);
});

test('for a Kafka topic: one record, its event as an object, the function with its version', () => {
  const one = { ...msk, records: { 'my-topic-0': [record(0, 104, at + 745)] } };
  expect(JSON.parse(recordLetter(failure(), 'my-topic-0', entry(0, 104, at + 745)))).toEqual({
    ...documented,
    requestContext: {
      ...documented.requestContext,
      functionArn: `${documented.requestContext.functionArn}:$LATEST`,
      condition: 'RetriesExhausted',
    },
    KafkaBatchInfo: {
      batchSize: 1,
      eventSourceArn: msk.eventSourceArn,
      bootstrapServers: msk.bootstrapServers,
      payloadSize: Buffer.byteLength(JSON.stringify(one)),
      recordInfo: { offset: '104', timestamp: '2019-11-14T00:38:05.580Z' },
    },
    payload: one,
  });
});

const contextOf = (changes: Partial<Failure>) => {
  const both = [
    batchRecord(failure(changes)),
    recordLetter(failure(changes), 'my-topic-0', entry(0, 1, at)),
  ].map((text) => JSON.parse(text) as { responseContext?: unknown });
  return both.map((one) => ('responseContext' in one ? one.responseContext : 'absent'));
};

test('a record too large for an invocation has a null response context', () => {
  expect(contextOf({ condition: 'MaximumPayloadSizeExceeded' })).toEqual([null, null]);
});

test('an expired record has no response context', () => {
  expect(contextOf({ condition: 'RecordAgeExceeded' })).toEqual(['absent', 'absent']);
});

test('reported records have a null function error', () => {
  const context = { statusCode: 200, executedVersion: '$LATEST', functionError: null };
  expect(contextOf({ functionError: null })).toEqual([context, context]);
});

test('a self-managed cluster has no ARN', () => {
  const { KafkaBatchInfo: info } = JSON.parse(batchRecord(failure({ source: selfManaged }))) as {
    KafkaBatchInfo: Record<string, unknown>;
  };
  expect(info.bootstrapServers).toBe('localhost:9092');
  expect(info).not.toHaveProperty('eventSourceArn');
});

test('the letter has the produced key, even if the event has a decoded one', () => {
  const plain = entry(0, 1, at);
  expect(keyOf(plain)?.toString()).toBe('test-key');
  expect(keyOf({ ...plain, originalKey: 'AAE=' })).toEqual(Buffer.from([0, 1]));
  expect(keyOf({ ...plain, json: '{"offset":1}' })).toBeNull();
});

test.each([-1, 1_800_000_000_000_000_000, -(2 ** 63)])(
  'a record with the timestamp %s, which is no date, is written with the nearest date',
  (odd) => {
    const partitions = [{ key: 'my-topic-0', records: [entry(0, 1, odd)] }];
    const batch = JSON.parse(batchRecord(failure({ partitions }))).KafkaBatchInfo.recordsInfo;
    const letter = JSON.parse(recordLetter(failure(), 'my-topic-0', entry(0, 1, odd)));
    const times = [
      batch['my-topic-0'].firstRecordTimestamp,
      batch['my-topic-0'].lastRecordTimestamp,
      letter.KafkaBatchInfo.recordInfo.timestamp,
    ].map((time) => Date.parse(time));
    const nearest = Math.max(-8.64e15, Math.min(8.64e15, odd));
    expect(times).toEqual([nearest, nearest, nearest]);
  },
);

test('a letter without a field has the time in nanoseconds, which JavaScript would round', () => {
  const json = JSON.stringify(record(0, 3, 1)).replace(':1,', ':1764345600123456789,');
  const own = { ...entry(0, 3, 1), json, bytes: json.length };
  expect(json).toContain('"timestamp":1764345600123456789,');
  expect(recordLetter(failure(), 'my-topic-0', own, ['value'])).toContain(
    '"timestamp":1764345600123456789,',
  );
});
