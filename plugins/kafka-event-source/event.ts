/** The event of a Kafka event source as Lambda gives it to a function: its exact shape and size. */
import { type Headers, listHeaders } from './protocol/headers.ts';

export type EventSource =
  | { readonly eventSource: 'SelfManagedKafka'; readonly bootstrapServers: string }
  | {
      readonly eventSource: 'aws:kafka';
      readonly eventSourceArn: string;
      readonly bootstrapServers: string;
    };

/** A record as the Kafka client hands it over. */
export interface Message {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In milliseconds; records of Kafka before 0.10 have none. */
  readonly timestamp?: string;
  readonly offset: string;
  readonly attributes?: number;
  readonly headers?: Headers;
  /** kafkajs keeps the timestamp type here; its type declaration leaves it out. */
  readonly batchContext?: { readonly timestampType?: number };
}

/** The schema that a key or value was written with. */
export interface SchemaMetadata {
  readonly dataFormat: 'AVRO' | 'PROTOBUF' | 'JSON';
  /** Confluent's, in decimal. */
  readonly schemaId: string;
}

/** A record as the function receives it. */
export interface EventRecord {
  headers: Record<string, number[]>[];
  key?: string;
  /** With a schema registry, for a key that is checked. */
  keySchemaMetadata?: SchemaMetadata;
  offset: number;
  partition: number;
  timestamp: number;
  timestampType: 'CREATE_TIME' | 'LOG_APPEND_TIME';
  topic: string;
  value?: string;
  valueSchemaMetadata?: SchemaMetadata;
}

export type KafkaEvent = EventSource & { records: Record<string, EventRecord[]> };

/** As in Kafka's Java client, -1 stands for no timestamp. */
const NO_TIME = '-1';
const LOG_APPEND_TIME = 1;
const LOG_APPEND_TIME_ATTRIBUTE = 0x8;

/** The key of a partition's records in the event. */
export function recordsKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** One Kafka record in the form of the event. */
export function toEventRecord(
  topic: string,
  partition: number,
  message: Message,
  schemas: Schemas = {},
): EventRecord {
  const offset = offsetOf(topic, partition, message);
  // In the order of AWS's own events, which is alphabetical.
  return {
    headers: headersOf(message),
    ...dataOf('key', message),
    ...(schemas.key && { keySchemaMetadata: schemas.key }),
    offset,
    partition,
    timestamp: Number(message.timestamp ?? NO_TIME),
    timestampType: timestampType(message),
    topic,
    ...dataOf('value', message),
    ...(schemas.value && { valueSchemaMetadata: schemas.value }),
  };
}

/** The key or the value in the form of the event. */
export function dataOf<Name extends 'key' | 'value'>(
  name: Name,
  { [name]: bytes }: Pick<Message, Name>,
): Partial<Record<Name, string>> {
  // AWS: a null key or value is absent from the event, not null.
  // https://docs.aws.amazon.com/lambda/latest/dg/kafka-filtering.html
  return (bytes ? { [name]: bytes.toString('base64') } : {}) as Partial<Record<Name, string>>;
}

/** A record's JSON, with what a batch needs of it. */
export interface WrittenRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly json: string;
  /** The bytes of the JSON. */
  readonly bytes: number;
}

/** The schemas of a record's key and value, where a schema registry has them. */
export interface Schemas {
  readonly key?: SchemaMetadata;
  readonly value?: SchemaMetadata;
}

/** Writes the JSON of a partition's records without an object for each, which takes a third of the time. */
export function recordWriter(
  topic: string,
  partition: number,
): (message: Message, schemas?: Schemas, headers?: EventRecord['headers']) => WrittenRecord {
  const afterOffset = `,"partition":${partition},"timestamp":`;
  const afterTime = (type: EventRecord['timestampType']) =>
    `,"timestampType":"${type}","topic":${JSON.stringify(topic)}`;
  const [created, appended] = [afterTime('CREATE_TIME'), afterTime('LOG_APPEND_TIME')];
  return (message, schemas = {}, headers = headersOf(message)) => {
    const offset = offsetOf(topic, partition, message);
    // Its digits stay as they are: a number of JavaScript would round nanoseconds.
    const { timestamp = NO_TIME } = message;
    const { key, value } = message;
    const begin = headers.length === 0 ? '{"headers":[]' : `{"headers":${JSON.stringify(headers)}`;
    // Base64 needs no escapes.
    const beforeOffset = `${key ? `,"key":"${key.toString('base64')}"` : ''}${schemaOf('key', schemas)},"offset":`;
    const rest = timestampType(message) === 'CREATE_TIME' ? created : appended;
    const end = `${value ? `,"value":"${value.toString('base64')}"` : ''}${schemaOf('value', schemas)}}`;
    const json = `${begin}${beforeOffset}${offset}${afterOffset}${timestamp}${rest}${end}`;
    // Only the keys of headers have characters of several bytes.
    const bytes = headers.length === 0 ? json.length : Buffer.byteLength(json);
    return { offset, timestamp: Number(timestamp), json, bytes };
  };
}

function schemaOf(attribute: 'key' | 'value', { [attribute]: schema }: Schemas): string {
  return schema ? `,"${attribute}SchemaMetadata":${JSON.stringify(schema)}` : '';
}

/** The whole event as JSON, from records that are JSON already. */
export function toPayload(
  source: EventSource,
  records: Iterable<readonly [key: string, records: readonly string[]]>,
): string {
  const groups = Array.from(records, ([key, group]) => `${opening(key)}${group.join(',')}]`);
  return `${envelope(source)}${groups.join(',')}}}`;
}

/** The bytes of a payload before its first record. */
export function envelopeBytes(source: EventSource): number {
  return Buffer.byteLength(`${envelope(source)}}}`);
}

/** The bytes that one more partition adds to a payload, without its records. */
export function groupBytes(key: string): number {
  return Buffer.byteLength(`${opening(key)}]`);
}

function envelope({ bootstrapServers, ...source }: EventSource): string {
  return `${JSON.stringify({ bootstrapServers, ...source }).slice(0, -1)},"records":{`;
}

function opening(key: string): string {
  return `${JSON.stringify(key)}:[`;
}

function offsetOf(topic: string, partition: number, message: Message): number {
  const offset = Number(message.offset);
  if (Number.isSafeInteger(offset)) return offset;
  throw new Error(
    `${recordsKey(topic, partition)} has offset ${message.offset}, which JavaScript cannot count ` +
      'exactly. Copy the records to a new topic.',
  );
}

function headersOf({ headers = [] }: Message): EventRecord['headers'] {
  return listHeaders(headers).map(({ key, value }) => ({ [key]: signedBytes(value) }));
}

function timestampType({ batchContext, attributes = 0 }: Message): EventRecord['timestampType'] {
  const appended = batchContext
    ? batchContext.timestampType === LOG_APPEND_TIME
    : (attributes & LOG_APPEND_TIME_ATTRIBUTE) > 0;
  return appended ? 'LOG_APPEND_TIME' : 'CREATE_TIME';
}

// AWS: header bytes are Java bytes, -128 to 127. https://github.com/aws/aws-lambda-go/pull/506
function signedBytes(value: Buffer | string | null | undefined): number[] {
  return Array.from(new Int8Array(Buffer.from(value ?? '')));
}
