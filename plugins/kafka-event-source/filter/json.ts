/** JSON whose numbers keep the form in which they were written. */
import { isObject as isAnyObject, type Json } from '../json.ts';

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

/** Whether the value is an object, and neither a list nor a number. */
export function isObject(value: unknown): value is Json {
  return isAnyObject(value) && !(value instanceof JsonNumber);
}
