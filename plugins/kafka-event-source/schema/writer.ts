/** Writes values as producers with the serializers of Confluent's registry do. */

import type { Schema } from './format.ts';
import { frame } from './frame.ts';

/** @throws Error if the value does not fit the schema */
export type Writer = (value: unknown) => Buffer;

/**
 * Makes a writer. The packages are those of `createReader`, which tells of a missing one.
 *
 * @throws Error if nothing can be written by the schema, which may be one that can be read
 */
export async function createWriter(id: number, schema: Schema): Promise<Writer> {
  const write = await contentWriter(schema);
  return (value) => frame(id, write(value));
}

async function contentWriter(schema: Schema): Promise<Writer> {
  switch (schema.format) {
    case 'AVRO':
      return (await import('./avro.ts')).createAvroWriter(schema);
    case 'PROTOBUF':
      return (await import('./protobuf.ts')).createProtobufWriter(schema);
    case 'JSON':
      return (await import('./json-schema.ts')).createJsonSchemaWriter(schema);
  }
}
