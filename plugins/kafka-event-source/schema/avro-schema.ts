/**
 * Makes a schema readable that avsc refuses and other clients read: they check no defaults, which only a
 * writer needs, and allow names with other letters, and any namespace. The test kit does not write by it.
 */
import { isObject, type Json } from '../json.ts';

const PREFIX = '_hex_';
const PLAIN = /^(?!__proto__$)[A-Za-z_]\w*$/;

/** The schema without defaults and aliases; names that avsc refuses are encoded, as `decodeName` reads them. */
export function readable(schema: unknown): unknown {
  if (typeof schema === 'string') return encodePath(schema);
  if (Array.isArray(schema)) return schema.map(readable);
  if (!isObject(schema)) return schema;
  const { default: _, aliases: __, ...others } = schema;
  const changed = Object.entries(others).map(([member, value]) => [member, change(member, value)]);
  return Object.fromEntries(changed);
}

function change(member: string, value: unknown): unknown {
  if (member === 'fields' && Array.isArray(value)) return value.map(readableField);
  if (member === 'symbols' && Array.isArray(value)) return value.map(encodeName);
  return ['type', 'items', 'values', 'name', 'namespace'].includes(member)
    ? readable(value)
    : value;
}

function readableField(field: unknown): unknown {
  if (!isObject(field)) return field;
  const { name, type }: Json = field;
  return { name: encodeName(name), type: readable(type) };
}

/** The name of a field or the symbol of an enum, as it is in the schema. */
export function decodeName(name: string): string {
  const isEncoded = name.startsWith(PREFIX);
  return isEncoded ? Buffer.from(name.slice(PREFIX.length), 'hex').toString() : name;
}

function encodeName(name: unknown): unknown {
  if (typeof name !== 'string' || name === '') return name;
  if (PLAIN.test(name) && !name.startsWith(PREFIX)) return name;
  return `${PREFIX}${Buffer.from(name).toString('hex')}`;
}

/** A name with its namespace. */
function encodePath(path: string): string {
  return path.split('.').map(encodeName).join('.');
}
