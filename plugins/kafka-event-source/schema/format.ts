/** The formats a schema can have, and what reads them: each package is loaded when it is needed. */

export type DataFormat = 'AVRO' | 'PROTOBUF' | 'JSON';

/** A schema of the registry, with those it refers to, each before the ones that refer to it. */
export interface Schema {
  readonly format: DataFormat;
  readonly text: string;
  readonly references: readonly Reference[];
}

export interface Reference {
  /** As it is called in the schema that refers to it: a type, a file or an address. */
  readonly name: string;
  readonly text: string;
}

/** The content as standard JSON; throws when it is not what the schema says. */
export type Reader = (content: Buffer) => string;

/** A package that reads a format, and is not installed. */
export class PackageMissing extends Error {
  override readonly name = 'PackageMissing';
}

/** Makes a reader; throws when the schema itself cannot be read. */
export async function createReader(schema: Schema): Promise<Reader> {
  switch (schema.format) {
    case 'AVRO':
      return (await load('avsc', () => import('./avro.ts'))).createAvroReader(schema);
    case 'PROTOBUF':
      return (await load('protobufjs', () => import('./protobuf.ts'))).createProtobufReader(schema);
    case 'JSON':
      return (
        await load('ajv ajv-formats', () => import('./json-schema.ts'))
      ).createJsonSchemaReader(schema);
  }
}

async function load<T>(packages: string, module: () => Promise<T>): Promise<T> {
  try {
    return await module();
  } catch (cause) {
    // Whatever keeps a reader from loading, it is no fault of the schema: nothing is given up for it.
    const isAbsent = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const why = isAbsent ? 'is not installed' : `does not load (${cause})`;
    throw new PackageMissing(
      `schemas of this format are read by a package that ${why}: npm install --save-dev ${packages}`,
      { cause },
    );
  }
}
