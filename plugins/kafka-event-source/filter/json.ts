/** JSON whose numbers keep the form in which they were written. */

export class JsonNumber {
  readonly value: number;
  readonly written: string;

  constructor(value: number, written: string) {
    this.value = value;
    this.written = written;
  }
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

const keepNumber: Reviver = (_, value, context) =>
  typeof value === 'number' ? new JsonNumber(value, context?.source ?? String(value)) : value;

/** Parses like JSON.parse, with a JsonNumber for each number. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, keepNumber as (key: string, value: unknown) => unknown);
}

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  );
}
