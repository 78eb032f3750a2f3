/** The payloads that other languages read, made by the plugin's own code, and the records in them. */
import {
  type EventSource,
  type Message,
  recordsKey,
  type SchemaMetadata,
  toEventRecord,
  toPayload,
} from '../../event.ts';

/** One Kafka record as it was produced. */
export interface Produced {
  readonly partition: number;
  readonly message: Message;
  readonly schemas?: { readonly key: SchemaMetadata; readonly value: SchemaMetadata };
}

export interface Payload {
  readonly kind: string;
  readonly source: EventSource;
  readonly produced: readonly Produced[];
  readonly json: string;
}

export const TOPIC = 'orders';
/** A record with this value is reported as failed by handlers that report failures. */
export const FAILING = 'fail';

const SERVERS = 'b-1.example.invalid:9098,b-2.example.invalid:9098';
const SOURCES: readonly EventSource[] = [
  { eventSource: 'SelfManagedKafka', bootstrapServers: SERVERS },
  {
    eventSource: 'aws:kafka',
    eventSourceArn:
      'arn:aws:kafka:us-east-1:123456789012:cluster/orders/751d2973-a626-431c-9d4e-d7975eb44dd7-2',
    bootstrapServers: SERVERS,
  },
];

const bytes = (...list: number[]) => Buffer.from(list);
const header = (key: string, value: Buffer | null) => ({ key, value });

function one(changes: Partial<Message> = {}, partition = 0): Produced {
  const message = {
    key: Buffer.from('customer-1'),
    value: Buffer.from('{"id":1}'),
    timestamp: '1700000000500',
    offset: '15',
    headers: [header('trace', Buffer.from('abc'))],
    batchContext: { timestampType: 0 },
    ...changes,
  };
  return { partition, message };
}

/** The kinds of payloads with their records, for both event sources. */
const KINDS: Readonly<Record<string, readonly Produced[]>> = {
  plain: [one()],
  'null key': [one({ key: null })],
  'null value': [one({ value: null })],
  'empty key and value': [one({ key: bytes(), value: bytes() })],
  'key that is not UTF-8': [one({ key: bytes(0xff, 0xfe, 0x80) })],
  'value that is not UTF-8': [one({ value: bytes(0xc3, 0x28, 0x00, 0x80) })],
  'no headers': [one({ headers: [] })],
  'header bytes from 0x80': [
    one({ headers: [header('trace', bytes(0x00, 0x7f, 0x80, 0xdc, 0xff))] }),
  ],
  'empty and null headers': [one({ headers: [header('empty', bytes()), header('null', null)] })],
  'headers of one name': [
    one({ headers: ['1', '2', '1'].map((text) => header('retry', Buffer.from(text))) }),
  ],
  'names of headers': [
    one({
      headers: ['', 'Content-Type', 'größe', '__proto__'].map((name) =>
        header(name, Buffer.from('x')),
      ),
    }),
  ],
  'several partitions': [
    one({ offset: '15' }),
    one({ offset: '16' }),
    one({ offset: '7', value: Buffer.from(FAILING) }, 1),
    one({ offset: '8' }, 1),
    one({ offset: '0' }, 10),
  ],
  'odd milliseconds': ['123', '321', '999'].map((part, index) =>
    one({ offset: `${index}`, timestamp: `1700000000${part}` }),
  ),
  LogAppendTime: [one({ batchContext: { timestampType: 1 } })],
  'largest offset': [one({ offset: String(Number.MAX_SAFE_INTEGER) })],
  'schemas of key and value': [
    {
      ...one({ key: Buffer.from('{"customer":1}') }),
      schemas: {
        key: { dataFormat: 'AVRO', schemaId: '7' },
        value: { dataFormat: 'PROTOBUF', schemaId: '12' },
      },
    },
  ],
};

export const PAYLOADS: readonly Payload[] = Object.entries(KINDS).flatMap(([kind, produced]) =>
  SOURCES.map((source) => ({ kind, source, produced, json: payloadOf(source, produced) })),
);

/** The payload's name: its kind and its event source. */
export function nameOf({ kind, source }: Payload): string {
  return `${kind}, ${source.eventSource === 'aws:kafka' ? 'MSK' : 'self-managed'}`;
}

/** The payload as the function gets it. */
function payloadOf(source: EventSource, produced: readonly Produced[]): string {
  const groups = Map.groupBy(produced, ({ partition }) => recordsKey(TOPIC, partition));
  return toPayload(
    source,
    Array.from(groups, ([key, group]) => [key, group.map(recordOf)] as const),
  );
}

function recordOf({ partition, message, schemas }: Produced): string {
  return JSON.stringify(toEventRecord(TOPIC, partition, message, schemas));
}
