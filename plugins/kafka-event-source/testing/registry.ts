/** A schema registry in memory, and the serializers of producers that use one. */
import { messageOf } from '../log.ts';
import type { Reference, Schema } from '../schema/format.ts';
import { createReader } from '../schema/format.ts';
import { type Registry, SchemaNotFound } from '../schema/registry.ts';
import { createWriter, type Writer } from '../schema/writer.ts';
import type { SchemaOptions, SchemaRegistry } from './types.ts';

export class MemoryRegistry implements Registry, SchemaRegistry {
  /** The schema with the id 1 is the first one. */
  readonly #schemas: Schema[] = [];

  register(
    schema: object | string,
    { type = 'AVRO', references = [] }: SchemaOptions = {},
  ): number {
    const known = references.map(({ name, id }): Reference => ({ name, text: this.#get(id).text }));
    const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
    this.#schemas.push({ format: type, text, references: known });
    return this.#schemas.length;
  }

  async encode(id: number, value: unknown): Promise<Uint8Array> {
    const schema = this.#get(id);
    // A missing package and an unreadable schema get the errors that readers get.
    await createReader(schema);
    const write = await writerOf(id, schema);
    try {
      return write(value);
    } catch (cause) {
      throw new Error(`The value does not fit schema ${id}: ${messageOf(cause)}`, { cause });
    }
  }

  async find(id: number): Promise<Schema> {
    return this.#get(id);
  }

  close(): void {
    // Nothing is open.
  }

  #get(id: number): Schema {
    const schema = this.#schemas[id - 1];
    if (schema) return schema;
    throw new SchemaNotFound(`there is no schema ${id}; ${this.#schemas.length} are registered`);
  }
}

async function writerOf(id: number, schema: Schema): Promise<Writer> {
  try {
    return await createWriter(id, schema);
  } catch (cause) {
    throw new Error(
      `The test kit reads schema ${id}, but cannot write by it (${messageOf(cause)}): change the schema, or ` +
        "produce the bytes of the producer's own serializer.",
      { cause },
    );
  }
}
