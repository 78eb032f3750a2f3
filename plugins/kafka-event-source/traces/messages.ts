/** The messages of OTLP over HTTP that the server reads and writes: https://opentelemetry.io/docs/specs/otlp/ */
import type protobuf from 'protobufjs/light.js';

const one = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' });

/**
 * The fields that are read, from opentelemetry-proto 1.x (trace, collector/trace) and google/rpc/status.proto;
 * others are skipped. Field numbers never change: https://github.com/open-telemetry/opentelemetry-proto
 */
const MESSAGES = {
  ExportTraceServiceRequest: { resourceSpans: many(1, 'ResourceSpans') },
  ResourceSpans: { resource: one(1, 'Resource'), scopeSpans: many(2, 'ScopeSpans') },
  Resource: { attributes: many(1, 'KeyValue') },
  ScopeSpans: { spans: many(2, 'Span') },
  Span: {
    traceId: one(1, 'bytes'),
    spanId: one(2, 'bytes'),
    parentSpanId: one(4, 'bytes'),
    name: one(5, 'string'),
    kind: one(6, 'int32'),
    startTimeUnixNano: one(7, 'fixed64'),
    endTimeUnixNano: one(8, 'fixed64'),
    attributes: many(9, 'KeyValue'),
    events: many(11, 'Event'),
    links: many(13, 'Link'),
    status: one(15, 'SpanStatus'),
  },
  Event: {
    timeUnixNano: one(1, 'fixed64'),
    name: one(2, 'string'),
    attributes: many(3, 'KeyValue'),
  },
  Link: {
    traceId: one(1, 'bytes'),
    spanId: one(2, 'bytes'),
    attributes: many(4, 'KeyValue'),
  },
  SpanStatus: { message: one(2, 'string'), code: one(3, 'int32') },
  KeyValue: { key: one(1, 'string'), value: one(2, 'AnyValue') },
  AnyValue: {
    stringValue: one(1, 'string'),
    boolValue: one(2, 'bool'),
    intValue: one(3, 'int64'),
    doubleValue: one(4, 'double'),
    arrayValue: one(5, 'ArrayValue'),
    kvlistValue: one(6, 'KeyValueList'),
    bytesValue: one(7, 'bytes'),
  },
  ArrayValue: { values: many(1, 'AnyValue') },
  KeyValueList: { values: many(1, 'KeyValue') },
  ExportTraceServiceResponse: { partialSuccess: one(1, 'PartialSuccess') },
  PartialSuccess: { rejectedSpans: one(1, 'int64'), errorMessage: one(2, 'string') },
  Status: { code: one(1, 'int32'), message: one(2, 'string') },
};

type Name = keyof typeof MESSAGES;

/** A set value of this field is sent even if it is empty. */
const AnyValue = {
  fields: MESSAGES.AnyValue,
  oneofs: { value: { oneof: Object.keys(MESSAGES.AnyValue) } },
};

let loading: Promise<protobuf.Root> | undefined;

/** The decoder, loaded with the first request in protobuf. */
function load(): Promise<protobuf.Root> {
  loading ??= import('protobufjs/light.js').then(({ default: { Root } }) => {
    const nested = Object.entries(MESSAGES).map(([name, fields]) => [name, { fields }]);
    return Root.fromJSON({ nested: { ...Object.fromEntries(nested), AnyValue } });
  });
  return loading;
}

/**
 * The message as an object of the shape that OTLP's JSON has, with bytes as bytes.
 *
 * @throws Error for bytes that are no such message, or one that is nested more than 100 deep
 */
export async function fromProtobuf(name: Name, bytes: Uint8Array): Promise<unknown> {
  const type = (await load()).lookupType(name);
  return type.toObject(type.decode(bytes), { longs: String });
}

export async function toProtobuf(name: Name, message: object): Promise<Buffer> {
  const type = (await load()).lookupType(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}
