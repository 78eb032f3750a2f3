/**
 * Compares the payload of the Kafka event source with three outside witnesses: AWS's published
 * sample, the types of @types/aws-lambda, and the Kafka schemas of Powertools.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  KafkaMskEventSchema,
  KafkaSelfManagedEventSchema,
} from '@aws-lambda-powertools/parser/schemas/kafka';
import { describe, expect, test } from '@jest/globals';
import type { MSKEvent, MSKRecord, SelfManagedKafkaEvent } from 'aws-lambda';
import {
  type EventRecord,
  type EventSource,
  type KafkaEvent,
  type Message,
  recordsKey,
  toEventRecord,
  toPayload,
} from '../../event.ts';

type Sample = { source: string; event: SelfManagedKafkaEvent | MSKEvent };

const sample = (name: string): Sample =>
  JSON.parse(readFileSync(new URL(`../witness/${name}.json`, import.meta.url), 'utf8'));

/** The sample with its key as an encoder writes it: AWS's key sets bits that base64 leaves zero. */
function canonical({ event }: Sample): Sample['event'] {
  const copy = structuredClone(event);
  for (const record of Object.values(copy.records).flat()) {
    record.key = Buffer.from(record.key, 'base64').toString('base64');
  }
  return copy;
}

/** The event that our code makes of these records. */
function build(source: EventSource, topic: string, messages: readonly Message[]): KafkaEvent {
  const records = messages.map((message) => JSON.stringify(toEventRecord(topic, 0, message)));
  return JSON.parse(toPayload(source, [[recordsKey(topic, 0), records]]));
}

const message: Message = {
  key: Buffer.from('abcDEFghiJKLmnoPQRstuVWXyz1234==', 'base64'),
  value: Buffer.from('Hello, this is a test.'),
  timestamp: '1545084650987',
  offset: '15',
  headers: { headerKey: Buffer.from('headerValue') },
  batchContext: { timestampType: 0 },
};
const tombstone: Message = { ...message, key: null, value: null, headers: {} };
const signed: Message = { ...message, headers: { trace: Buffer.from([118, 220, 0, 127, 128]) } };

const bootstrapServers =
  'b-2.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092,' +
  'b-1.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092';
const selfManaged: EventSource = { eventSource: 'SelfManagedKafka', bootstrapServers };
const msk: EventSource = {
  eventSource: 'aws:kafka',
  eventSourceArn:
    'arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2',
  bootstrapServers,
};

describe("AWS's published sample", () => {
  test.each([
    ['self-managed-kafka', selfManaged],
    ['msk', msk],
  ])('%s is equal to the event that our code makes of the same record', (name, source) => {
    expect(build(source, 'mytopic', [message])).toEqual(canonical(sample(name)));
  });
});

describe('@types/aws-lambda', () => {
  // The compiler makes the check: an assignment does not compile if the shapes differ.
  test('an event whose records have a key and a value has their types', () => {
    type Whole = EventRecord & Required<Pick<EventRecord, 'key' | 'value'>>;
    const record: Whole = toEventRecord('mytopic', 0, message) as Whole;
    const theirs: MSKRecord = record;
    const ours: Whole = theirs;
    const self: SelfManagedKafkaEvent = {
      eventSource: 'SelfManagedKafka',
      bootstrapServers,
      records: { 'mytopic-0': [record] },
    } satisfies KafkaEvent;
    const managed: MSKEvent = { ...msk, records: { 'mytopic-0': [record] } } satisfies KafkaEvent;
    expect([ours, self.records['mytopic-0'], managed.records['mytopic-0']]).toEqual([
      record,
      [record],
      [record],
    ]);
  });
});

/** The events in the documentation of Powertools' schemas: its own samples, self-managed and MSK. */
function examples(): Sample['event'][] {
  const file = createRequire(import.meta.url).resolve(
    '@aws-lambda-powertools/parser/schemas/kafka',
  );
  const blocks = readFileSync(file, 'utf8').matchAll(/```json\n(.*?)```/gs);
  return [...blocks].map(([, block = '']) => JSON.parse(block.replaceAll(/^ \*/gm, '')));
}

describe("Powertools' schemas", () => {
  test('their examples are equal to the events that our code makes of the same records', () => {
    const events = examples();
    expect(events.map(({ eventSource }) => eventSource).sort()).toEqual([
      'SelfManagedKafka',
      'aws:kafka',
    ]);
    for (const { records, ...source } of events) {
      const theirs = Object.values(records).flat();
      const messages = theirs.map(
        ({ key, value, offset, timestamp, headers }): Message => ({
          key: Buffer.from(key, 'base64'),
          value: Buffer.from(value, 'base64'),
          offset: String(offset),
          timestamp: String(timestamp),
          headers: Object.fromEntries(
            headers.flatMap(Object.entries).map(([name, bytes]) => [name, Buffer.from(bytes)]),
          ),
          batchContext: { timestampType: 0 },
        }),
      );
      expect(build(source, 'mytopic', messages)).toEqual({ records, ...source });
    }
  });

  test('both read the record back as it was sent', () => {
    const read = [
      KafkaSelfManagedEventSchema.parse(build(selfManaged, 'mytopic', [message])),
      KafkaMskEventSchema.parse(build(msk, 'mytopic', [message])),
    ];
    for (const { bootstrapServers: servers, records } of read) {
      expect(servers).toEqual(bootstrapServers.split(','));
      expect(records['mytopic-0']?.[0]).toMatchObject({
        offset: 15,
        timestamp: 1545084650987,
        value: 'Hello, this is a test.',
        headers: [{ headerKey: 'headerValue' }],
      });
    }
  });
});

describe('where the witnesses disagree with real events (docs/fidelity.md)', () => {
  test("P-16: a tombstone has no value; Powertools' schema demands one", () => {
    const event = build(selfManaged, 'mytopic', [tombstone]);
    expect(Object.keys(event.records['mytopic-0']?.[0] ?? {}).sort()).toEqual([
      'headers',
      'offset',
      'partition',
      'timestamp',
      'timestampType',
      'topic',
    ]);
    const { success, error } = KafkaSelfManagedEventSchema.safeParse(event);
    expect(success).toBe(false);
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['records.mytopic-0.0.value']);
  });

  test("P-19: header bytes are signed; Powertools' schema cannot decode negative ones", () => {
    const event = build(selfManaged, 'mytopic', [signed]);
    expect(event.records['mytopic-0']?.[0]?.headers).toEqual([{ trace: [118, -36, 0, 127, -128] }]);
    expect(() => KafkaSelfManagedEventSchema.parse(event)).toThrow(RangeError);
  });
});
