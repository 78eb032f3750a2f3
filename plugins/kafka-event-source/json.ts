/** Values of JSON and YAML. */

export type Json = Readonly<Record<string, unknown>>;

/** Whether the value is an object and not a list. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is an object; an empty object for any other value. */
export function toObject(value: unknown): Json {
  return isObject(value) ? value : {};
}

interface RawJson {
  rawJSON(text: string): unknown;
}

/** A number that JSON.stringify writes with these digits, also if JavaScript would round it. */
export function exactNumber(digits: string): unknown {
  return (JSON as unknown as RawJson).rawJSON(digits);
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

const keepDigits: Reviver = (_, value, context) => {
  const source = typeof value === 'number' ? context?.source : undefined;
  return source === undefined || source === String(value) ? value : exactNumber(source);
};

/** Parses JSON to write it again: numbers that JavaScript would round keep their digits. */
export function parseToWrite(text: string): unknown {
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}

/** The object without the members of these names. */
export function without(value: Json, ...names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** The object without empty members. A variable that is not set gives null or an empty text. */
export function nonEmpty(value: Json): Record<string, unknown> {
  const isEmpty = (one: unknown) => one === undefined || one === null || one === '';
  return Object.fromEntries(Object.entries(value).filter(([, one]) => !isEmpty(one)));
}

/** The object's own member of this name; undefined for a value that is no object. */
export function own(value: unknown, name: unknown): unknown {
  return isObject(value) && typeof name === 'string' && Object.hasOwn(value, name)
    ? value[name]
    : undefined;
}

/** The value if it is a text. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value if it is a number, or a number as text, which is what a template's parameters are. */
export function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** The text of a number or a boolean, which YAML tells from texts and CloudFormation does not. */
export function toScalarText(value: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

/** The members that have one value, as texts. */
export function toTexts(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(toObject(value)).flatMap(([name, one]) => {
      const text = toScalarText(one);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** A text as it is, and any other value as JSON, for messages. */
export function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
