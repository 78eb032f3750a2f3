/** Decodes the keys and values of records with the schemas that they name. */
import type { SchemaMetadata } from '../event.ts';
import type { SchemaRegistry } from '../mapping.ts';
import type { SchemaFailure } from '../record.ts';
import { type Framed, readFrame } from './frame.ts';
import type { Known } from './schemas.ts';

export interface Attributes {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** A record's key and value after decoding, or the reason why they are not decoded. */
export type Read =
  | {
      readonly kind: 'read';
      /** As the function gets them. */
      readonly delivered: Attributes;
      /** As filters see them. */
      readonly plain: Attributes;
      readonly metadata: { readonly key?: SchemaMetadata; readonly value?: SchemaMetadata };
    }
  | { readonly kind: 'failed'; readonly failure: SchemaFailure }
  /** These schemas must be loaded first. */
  | { readonly kind: 'missing'; readonly schemaIds: readonly number[] };

type Settings = Pick<SchemaRegistry, 'attributes' | 'eventRecordFormat'>;

export function readAttributes(
  { attributes, eventRecordFormat }: Settings,
  record: Attributes,
  known: (schemaId: number) => Known | undefined,
): Read {
  let delivered: Attributes = record;
  let plain: Attributes = record;
  let metadata: Extract<Read, { kind: 'read' }>['metadata'] = {};
  const missing: number[] = [];
  for (const attribute of attributes) {
    const name = attribute === 'KEY' ? 'key' : 'value';
    const bytes = record[name];
    // AWS does not say how it treats a null key or a tombstone. Here they are delivered as they are.
    if (bytes === null) continue;
    const frame = readFrame(bytes);
    if (!frame)
      return failed('DESERIALIZATION_ERROR', `the ${name} does not begin with a schema id`);
    const schema = known(frame.schemaId);
    if (!schema) missing.push(frame.schemaId);
    else if (schema.kind !== 'readable') {
      const condition = schema.kind === 'notFound' ? 'SCHEMA_NOT_FOUND' : 'DESERIALIZATION_ERROR';
      return failed(condition, schema.reason);
    } else {
      const json = toJson(schema, frame);
      if (json instanceof Error) {
        return failed(
          'DESERIALIZATION_ERROR',
          `the ${name} does not fit schema ${frame.schemaId}: ${json.message}`,
        );
      }
      // AWS: with SOURCE the schema's id is left out; Protobuf's message indexes are kept.
      // https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html
      const content = eventRecordFormat === 'JSON' ? json : frame.content;
      delivered = { ...delivered, [name]: content };
      plain = { ...plain, [name]: json };
      const one = { dataFormat: schema.format, schemaId: String(frame.schemaId) };
      metadata = { ...metadata, [name]: one };
    }
  }
  if (missing.length > 0) return { kind: 'missing', schemaIds: missing };
  return { kind: 'read', delivered, plain, metadata };
}

function failed(condition: SchemaFailure['condition'], message: string): Read {
  return { kind: 'failed', failure: { condition, message } };
}

function toJson(schema: Extract<Known, { kind: 'readable' }>, { content }: Framed): Buffer | Error {
  try {
    return Buffer.from(schema.read(content));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
