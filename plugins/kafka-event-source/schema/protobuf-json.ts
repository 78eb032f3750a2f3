/** The JSON mapping of Protobuf: https://protobuf.dev/programming-guides/json/ */
import protobuf from 'protobufjs';
import { shortest } from './float.ts';

type Values = Readonly<Record<string, unknown>>;

export function messageToJson(type: protobuf.Type, message: unknown): unknown {
  const values = message as Values;
  const special = wellKnown[type.fullName.replace(/^\./, '')];
  if (special) return special(values, type);
  const found: [string, unknown][] = [];
  for (const field of type.fieldsArray) {
    const value = values[field.name];
    if (!Object.hasOwn(values, field.name) || isAbsent(field, value)) continue;
    found.push([field.name, fieldToJson(field, value)]);
  }
  return Object.fromEntries(found);
}

/** Whether to leave the field out: it has its default value, and its schema does not track presence. */
function isAbsent(field: protobuf.Field, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (field.repeated) return (value as unknown[]).length === 0;
  if (field.map) return Object.keys(value as Values).length === 0;
  if (field.hasPresence || field.resolvedType instanceof protobuf.Type) return false;
  if (isBytes(value)) return value.length === 0;
  if (isLong(value)) return value.isZero();
  return value === 0 || value === '' || value === false;
}

function fieldToJson(field: protobuf.Field, value: unknown): unknown {
  if (field.repeated) return (value as unknown[]).map((one) => valueToJson(field, one));
  if (!(field instanceof protobuf.MapField)) return valueToJson(field, value);
  const entries = Object.entries(value as Values);
  return Object.fromEntries(
    entries.map(([key, one]) => [keyToJson(field, key), valueToJson(field, one)]),
  );
}

/** protobufjs keeps a 64-bit key as its eight bytes. */
function keyToJson({ keyType }: protobuf.MapField, key: string): string {
  if (!/64$/.test(keyType) || key.length !== 8) return key;
  return protobuf.util.longFromHash(key, keyType.startsWith('u')).toString();
}

function valueToJson({ resolvedType: type, type: name }: protobuf.Field, value: unknown): unknown {
  if (type instanceof protobuf.Enum) return enumToJson(type, value as number);
  if (type instanceof protobuf.Type) return messageToJson(type, value);
  return scalarToJson(value, name);
}

function enumToJson({ fullName, valuesById }: protobuf.Enum, value: number): unknown {
  if (fullName === '.google.protobuf.NullValue') return null;
  return valuesById[value] ?? value;
}

// 64-bit numbers are texts, because JSON parsers round them.
function scalarToJson(value: unknown, type = ''): unknown {
  if (isLong(value)) return value.toString();
  if (isBytes(value)) return Buffer.from(value).toString('base64');
  if (typeof value !== 'number') return value;
  if (!Number.isFinite(value)) return String(value);
  return type === 'float' ? shortest(value) : value;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

interface Long {
  isZero(): boolean;
  toString(): string;
  toNumber(): number;
}

function isLong(value: unknown): value is Long {
  return typeof value === 'object' && value !== null && 'isZero' in value;
}

type Special = (values: Values, type: protobuf.Type) => unknown;

const numberOf = (value: unknown): number =>
  isLong(value) ? value.toNumber() : Number(value ?? 0);

const unwrapped: Special = ({ value }, type) => {
  const field = type.fields.value;
  return scalarToJson(value ?? field?.defaultValue ?? null, field?.type);
};

/** The fraction of a second, with three, six or nine digits as needed. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  return `.${String(nanos)
    .padStart(9, '0')
    .replace(/^(\d{3}|\d{6})(000)+$/, '$1')}`;
}

const wellKnown: Readonly<Record<string, Special>> = {
  'google.protobuf.Timestamp': ({ seconds, nanos }) => {
    const time = new Date(numberOf(seconds) * 1000).toISOString();
    return `${time.slice(0, -'.000Z'.length)}${fraction(numberOf(nanos))}Z`;
  },
  'google.protobuf.Duration': ({ seconds, nanos }) => {
    const [whole, rest] = [numberOf(seconds), numberOf(nanos)];
    const sign = whole < 0 || rest < 0 ? '-' : '';
    return `${sign}${Math.abs(whole)}${fraction(Math.abs(rest))}s`;
  },
  'google.protobuf.FieldMask': ({ paths }) => ((paths ?? []) as string[]).join(','),
  'google.protobuf.Empty': () => ({}),
  'google.protobuf.Struct': (values) => fromStruct(values),
  'google.protobuf.ListValue': (values) => fromList(values),
  'google.protobuf.Value': (values) => fromValue(values),
  ...Object.fromEntries(
    ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
      (name) => [`google.protobuf.${name}Value`, unwrapped],
    ),
  ),
};

function fromStruct({ fields = {} }: Values): unknown {
  const entries = Object.entries(fields as Values);
  return Object.fromEntries(entries.map(([name, value]) => [name, fromValue(value as Values)]));
}

function fromList({ values = [] }: Values): unknown {
  return (values as Values[]).map(fromValue);
}

function fromValue(value: Values): unknown {
  const has = (name: string) => Object.hasOwn(value, name);
  if (has('structValue')) return fromStruct(value.structValue as Values);
  if (has('listValue')) return fromList(value.listValue as Values);
  for (const name of ['numberValue', 'stringValue', 'boolValue']) {
    if (has(name)) return scalarToJson(value[name]);
  }
  return null;
}
