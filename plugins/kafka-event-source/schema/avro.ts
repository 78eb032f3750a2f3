/** Avro as standard JSON: a value of a union has no type name around it. */
import avro from 'avsc';
import { exactNumber } from '../json.ts';
import { decodeName, readable } from './avro-schema.ts';
import { shortest } from './float.ts';
import type { Reader, Schema } from './format.ts';

export function createAvroReader({ text, references }: Schema): Reader {
  const registry: Record<string, avro.Type> = {};
  const options = {
    registry,
    // Reads unions with the names of types, so that none is ambiguous; toJson leaves the names out.
    wrapUnions: true,
    typeHook: exactLongs,
  } as unknown as Options;
  const typeOf = (one: string) => avro.Type.forSchema(readable(parse(one)) as AvroSchema, options);
  for (const reference of references) typeOf(reference.text);
  const type = typeOf(text);
  return (content) => JSON.stringify(toJson(type, type.fromBuffer(content)));
}

/** Unions take plain values; ambiguous ones take them by the name of their type. */
export function createAvroWriter({ text, references }: Schema): (value: unknown) => Buffer {
  const registry: Record<string, avro.Type> = {};
  for (const reference of references) avro.Type.forSchema(parse(reference.text), { registry });
  const type = avro.Type.forSchema(parse(text), { registry });
  return (value) => type.toBuffer(value);
}

type Options = Parameters<typeof avro.Type.forSchema>[1];
type AvroSchema = Parameters<typeof avro.Type.forSchema>[0];

function parse(text: string): AvroSchema {
  return JSON.parse(text) as AvroSchema;
}

/** Reads a long as BigInt, because avsc refuses a long that a number cannot hold. */
const longs = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

function exactLongs(schema: AvroSchema): avro.Type | undefined {
  const isLong =
    schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long');
  return isLong ? longs : undefined;
}

function toJson(type: avro.Type, value: unknown): unknown {
  if (value === null) return null;
  if (typeof value === 'bigint') return exactNumber(String(value));
  // JSON has no infinite numbers and no NaN.
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return String(value);
    return avro.Type.isType(type, 'float') ? shortest(value) : value;
  }
  // Avro's own JSON: a character for each byte. https://avro.apache.org/docs/1.12.0/specification/#json-encoding
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (avro.Type.isType(type, 'union')) return fromUnion(type as avro.types.WrappedUnionType, value);
  if (avro.Type.isType(type, 'array')) {
    const { itemsType } = type as avro.types.ArrayType;
    return (value as unknown[]).map((one) => toJson(itemsType, one));
  }
  if (avro.Type.isType(type, 'map')) {
    const { valuesType } = type as avro.types.MapType;
    return entries(value)
      .map(([key, one]) => [key, toJson(valuesType, one)] as const)
      .reduce(add, {});
  }
  if (avro.Type.isType(type, 'record', 'error')) {
    return (type as avro.types.RecordType).fields
      .map(
        ({ name, type: field }) =>
          [decodeName(name), toJson(field, (value as Fields)[name])] as const,
      )
      .reduce(add, {});
  }
  return avro.Type.isType(type, 'enum') ? decodeName(String(value)) : value;
}

type Fields = Readonly<Record<string, unknown>>;

function entries(value: unknown): [string, unknown][] {
  return Object.entries(value as Fields);
}

/** Adds a member by any name, `__proto__` too. */
function add(object: object, [name, value]: readonly [string, unknown]): object {
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return object;
}

function fromUnion({ types }: avro.types.WrappedUnionType, value: unknown): unknown {
  const [[name, inner] = []] = entries(value);
  const branch = types.find(({ branchName }) => branchName === name);
  if (!branch) throw new Error(`its union has no ${name}`);
  return toJson(branch, inner);
}
