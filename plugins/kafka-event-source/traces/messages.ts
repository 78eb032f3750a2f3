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

interface Loaded {
  readonly root: protobuf.Root;
  readonly Reader: typeof protobuf.Reader;
}
let loading: Promise<Loaded> | undefined;

/** The decoder, loaded with the first request in protobuf. */
function load(): Promise<Loaded> {
  loading ??= import('protobufjs/light.js').then(({ default: { Root, Reader } }) => {
    const nested = Object.entries(MESSAGES).map(([name, fields]) => [name, { fields }]);
    const root = Root.fromJSON({ nested: { ...Object.fromEntries(nested), AnyValue } });
    return { root, Reader };
  });
  return loading;
}

/**
 * The message as an object of the shape that OTLP's JSON has, with bytes as bytes.
 *
 * @throws Error for bytes that are no such message, or one that is nested more than 100 deep
 */
export async function fromProtobuf(name: Name, bytes: Uint8Array): Promise<unknown> {
  const type = (await load()).root.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: String });
}

/**
 * Whether a message has more than `most` messages in it, which takes less time to tell than to read them.
 *
 * @throws Error for bytes that are no such message
 */
export async function hasMoreMessages(
  name: Name,
  bytes: Uint8Array,
  most: number,
): Promise<boolean> {
  const reader = (await load()).Reader.create(bytes);
  const ends = [{ end: reader.len, inside: inners.get(name) }];
  let count = 0;
  while (count <= most) {
    const { end, inside } = ends.at(-1) ?? {};
    if (end === undefined) return false;
    if (reader.pos >= end) {
      ends.pop();
      continue;
    }
    const tag = reader.uint32();
    const inner = (tag & 7) === WITH_LENGTH ? inside?.get(tag >>> 3) : undefined;
    if (inner === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    count += 1;
    const length = reader.uint32();
    ends.push({ end: reader.pos + length, inside: inners.get(inner) });
  }
  return true;
}

/** Protobuf's type of fields that begin with their length. */
const WITH_LENGTH = 2;

/** The fields of each message that are messages themselves, by their numbers. */
const inners = new Map(
  Object.entries(MESSAGES).map(([name, fields]): [string, ReadonlyMap<number, string>] => [
    name,
    new Map(
      Object.values(fields).flatMap(({ id, type }): [number, string][] =>
        type in MESSAGES ? [[id, type]] : [],
      ),
    ),
  ]),
);

export async function toProtobuf(name: Name, message: object): Promise<Buffer> {
  const type = (await load()).root.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}
