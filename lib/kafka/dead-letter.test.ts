import { afterEach, expect, jest, test } from '@jest/globals';
import { AppError } from '../errors.ts';
import { createDeadLetters, deadLetterOf, type Refused } from './dead-letter.ts';
import type { OutgoingRecord } from './producer.ts';

const at = new Date('2026-11-20T10:00:01.000Z');
const record = {
  topic: 'orders',
  partition: 0,
  offset: 100,
  timestamp: 1749116692330,
  timestampType: 'CREATE_TIME',
  key: Buffer.from([0xff, 0x00]).toString('base64'),
  value: 'AAEC',
  headers: [{ note: [-61] }],
};
const refused: Refused = {
  event: {
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'b-1:9092',
    records: { 'orders-0': [{ ...record, offset: 99 }, record], 'orders-1': [record] },
  },
  partition: 'orders-0',
  record,
  context: {
    awsRequestId: 'e4b46cbf',
    functionName: 'my-function',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:my-function',
    functionVersion: '$LATEST',
  },
  reason: new AppError('RECORD_INVALID', 'Its value is not JSON.'),
};

function letter(of: Refused) {
  const { value, ...rest } = deadLetterOf(of, 'notify', at);
  return { ...rest, value: JSON.parse(String(value)) };
}

afterEach(() => {
  jest.restoreAllMocks();
});

test("a dead letter has AWS's shape, with this record alone", () => {
  const payload = {
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'b-1:9092',
    records: { 'orders-0': [record] },
  };
  expect(letter(refused).value).toEqual({
    requestContext: {
      requestId: 'e4b46cbf',
      functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:my-function:$LATEST',
      condition: 'RecordRefused',
      approximateInvokeCount: 1,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: null },
    version: '1.0',
    timestamp: '2026-11-20T10:00:01.000Z',
    KafkaBatchInfo: {
      batchSize: 1,
      bootstrapServers: 'b-1:9092',
      payloadSize: Buffer.byteLength(JSON.stringify(payload)),
      recordInfo: { offset: '100', timestamp: '2025-06-05T09:44:52.330Z' },
    },
    payload,
  });
});

test('a letter of sls invoke local, which gives no ARN, names the function', () => {
  const { invokedFunctionArn: _, ...context } = refused.context;
  const { requestContext } = letter({ ...refused, context }).value;
  expect(requestContext.functionArn).toBe('my-function:$LATEST');
});

test('it keeps the key, byte for byte, and says who wrote it and why', () => {
  const { key, headers } = letter(refused);
  expect(key).toEqual(Buffer.from([0xff, 0x00]));
  expect(headers).toEqual({
    'content-type': 'application/json',
    'dead-letter-writer': 'notify',
    'dead-letter-reason': 'RECORD_INVALID: Its value is not JSON.',
  });
});

test('a record without key and value stays without them', () => {
  const { key: _, value: __, ...bare } = record;
  const { key, value } = letter({ ...refused, record: bare });
  expect(key).toBeNull();
  expect(value.payload.records['orders-0']).toEqual([bare]);
});

test('of an MSK cluster it has the ARN, in the batch and in the payload', () => {
  const event = { ...refused.event, eventSource: 'aws:kafka', eventSourceArn: 'arn:aws:kafka:x' };
  const { value } = letter({ ...refused, event });
  expect(value.KafkaBatchInfo.eventSourceArn).toBe('arn:aws:kafka:x');
  expect(value.payload.eventSourceArn).toBe('arn:aws:kafka:x');
});

test('a letter is written when Kafka has acknowledged it, within five seconds', async () => {
  jest.spyOn(performance, 'now').mockReturnValue(0);
  const sent: [string, number, number][] = [];
  const acknowledged = Promise.withResolvers<void>();
  const letters = createDeadLetters({
    producer: {
      send: (topic, records, timeoutMs) => {
        sent.push([topic, records.length, timeoutMs]);
        return acknowledged.promise;
      },
    },
    topic: 'orders-dlq',
    writer: 'notify',
    clock: { now: () => at },
  });
  let written = false;
  const writing = letters.add(refused).then(() => {
    written = true;
  });
  await new Promise(setImmediate);
  expect(sent).toEqual([['orders-dlq', 1, 5_000]]);
  expect(written).toBe(false);
  acknowledged.resolve();
  await writing;
});

test('a letter that is too large leaves out the largest part, then the next, and says so', async () => {
  const sent: { letter: OutgoingRecord; options: unknown }[] = [];
  const letters = createDeadLetters({
    producer: {
      send: async (_topic, [letter], _timeoutMs, options) => {
        if (!letter) throw new Error('no letter');
        sent.push({ letter, options });
        if (sent.length < 4) throw new AppError('KAFKA_REFUSED', 'too large');
      },
    },
    topic: 'orders-dlq',
    writer: 'notify',
    clock: { now: () => at },
  });
  const large = { ...record, value: 'AAECAAECAAECAAECAAEC' };
  await letters.add({ ...refused, record: large });
  expect(sent.map(({ letter }) => letter.headers?.['dead-letter-omitted'])).toEqual([
    undefined,
    'value',
    'value,headers',
    'value,headers,key',
  ]);
  expect(sent.map(({ options }) => options)).toEqual(sent.map(() => ({ gzip: true })));
  const { key, value } = sent[3]?.letter ?? {};
  expect(key).toBeNull();
  const { key: _, value: __, ...place } = large;
  const { payload } = JSON.parse(String(value));
  expect(payload.records['orders-0']).toEqual([{ ...place, headers: [] }]);
});

test('when the smallest letter is refused too, or Kafka is away, it is not written', async () => {
  const tries = async (code: 'KAFKA_REFUSED' | 'KAFKA_AWAY') => {
    let count = 0;
    const send = async () => {
      count += 1;
      throw new AppError(code, 'no');
    };
    const producer = { send };
    const clock = { now: () => at };
    const letters = createDeadLetters({ producer, topic: 't', writer: 'notify', clock });
    await expect(letters.add(refused)).rejects.toMatchObject({ code });
    return count;
  };
  expect([await tries('KAFKA_REFUSED'), await tries('KAFKA_AWAY')]).toEqual([4, 1]);
});

test('a long reason is cut; a key too long to be hashed stands in the first partition', () => {
  const key = Buffer.alloc(100_000).toString('base64');
  const reason = new AppError('RECORD_INVALID', 'x'.repeat(5_000));
  const of = { ...refused, reason, record: { ...record, key } };
  const { headers, partition } = deadLetterOf(of, 'notify', at);
  expect(headers?.['dead-letter-reason']).toHaveLength(1_000);
  expect(partition).toBe(0);
  expect(deadLetterOf(refused, 'notify', at)).not.toHaveProperty('partition');
});

test.each([
  [1795168800012000000, '+275760-09-13T00:00:00.000Z'],
  [-1, '1969-12-31T23:59:59.999Z'],
  [-(2 ** 63), '-271821-04-20T00:00:00.000Z'],
])('a record with the time %d has a letter', (timestamp, expected) => {
  const { value } = letter({ ...refused, record: { ...record, timestamp } });
  expect(value.KafkaBatchInfo.recordInfo.timestamp).toBe(expected);
});
