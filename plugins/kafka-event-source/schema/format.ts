/** The formats of schemas and their readers. A reader's package is loaded when it is needed. */

export type DataFormat = 'AVRO' | 'PROTOBUF' | 'JSON';

/** A schema of the registry with the schemas that it refers to, each before those that use it. */
export interface Schema {
  readonly format: DataFormat;
  readonly text: string;
  readonly references: readonly Reference[];
}

export interface Reference {
  /** Its name in the schema that refers to it: a type, a file or an address. */
  readonly name: string;
  readonly text: string;
}

/** Decodes content to standard JSON. @throws Error if the content does not fit the schema */
export type Reader = (content: Buffer) => string;

/** The package that reads a format is not installed, or is too old. */
export class PackageMissing extends Error {
  override readonly name = 'PackageMissing';
}

/** The packages to install for each format; package.json has the same ranges. */
export const PACKAGES = {
  AVRO: ['avsc@^5.7.0'],
  PROTOBUF: ['protobufjs@^8.0.0'],
  // ajv has the export `Ajv` since 8.13.
  JSON: ['ajv@^8.13.0', 'ajv-formats@^3.0.0'],
} as const satisfies Record<DataFormat, readonly string[]>;

/** Makes a reader. @throws Error if the schema itself cannot be read */
export async function createReader(schema: Schema): Promise<Reader> {
  const { format } = schema;
  switch (format) {
    case 'AVRO':
      return (await load(format, () => import('./avro.ts'))).createAvroReader(schema);
    case 'PROTOBUF':
      return (await load(format, () => import('./protobuf.ts'))).createProtobufReader(schema);
    case 'JSON':
      return (await load(format, () => import('./json-schema.ts'))).createJsonSchemaReader(schema);
  }
}

async function load<T>(format: DataFormat, module: () => Promise<T>): Promise<T> {
  try {
    return await module();
  } catch (cause) {
    // A reader that does not load is no fault of the schema, so no record is given up for it.
    const why = reason(cause as NodeJS.ErrnoException);
    throw new PackageMissing(
      `schemas of this format are read by a package that ${why}: ` +
        `npm install --save-dev ${PACKAGES[format].join(' ')}, and start again`,
      { cause },
    );
  }
}

function reason(cause: NodeJS.ErrnoException): string {
  if (cause.code === 'ERR_MODULE_NOT_FOUND') return 'is not installed';
  // An older release than the range lacks a file or an export.
  const [message] = cause.message.split('\n');
  return `does not load (${cause.name}: ${message}); another release does`;
}
