/** Decides whether a record reaches the function: compares it with a mapping's filter patterns. */
import type { Json } from '../json.ts';
import { isObject, parseExactly } from './json.ts';
import { type IsIgnored, matches } from './match.ts';
import { isLeaf, parsePattern } from './pattern.ts';

/** A record as patterns see it; key and value are the bytes before base64. */
export interface FilterRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: string;
  readonly headers: readonly object[];
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Whether the record is delivered. */
export type Filter = (record: FilterRecord) => boolean;

/** Makes a filter of checked patterns; one of them must match. */
export function createFilter(patterns: readonly string[]): Filter {
  const parsed = patterns.map(parsePattern);
  if (parsed.length === 0) return () => true;
  const read = parsed.some(({ needsText }) => needsText) ? parseExactly : JSON.parse;
  return (record) => {
    const key = lazily(() => readData(record.key, read));
    const value = lazily(() => readData(record.value, read));
    const object = {
      ...record,
      get key() {
        return key().content;
      },
      get value() {
        return value().content;
      },
    };
    const data = { key, value } as const;
    // AWS: a pattern for JSON does not apply to plain text, nor the reverse. That field is left out,
    // and a pattern without any other field lets the record pass.
    // https://docs.aws.amazon.com/lambda/latest/dg/kafka-filtering.html
    const isIgnored: IsIgnored = (name, field) => {
      if (name !== 'key' && name !== 'value') return false;
      return data[name]().format !== (isLeaf(field) ? 'text' : 'json');
    };
    return parsed.some(({ root }) => matches(root, object as Json, isIgnored));
  };
}

interface Data {
  readonly format: 'text' | 'json' | 'neither';
  readonly content: unknown;
}

const NEITHER: Data = { format: 'neither', content: undefined };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// AWS does not say whether patterns apply to a tombstone, nor whether "text", 12, true and null are
// JSON or plain text. Here no pattern applies to them: they are delivered.
function readData(bytes: Buffer | null, read: (text: string) => unknown): Data {
  if (bytes === null) return NEITHER;
  const text = decode(bytes);
  if (text === undefined) return NEITHER;
  const content = parse(text, read);
  if (content === undefined) return { format: 'text', content: text };
  return isObject(content) || Array.isArray(content) ? { format: 'json', content } : NEITHER;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function parse(text: string, read: (text: string) => unknown): unknown {
  // The first character tells most plain text from JSON, and is cheaper than an error.
  if (!/^[\s{["\-0-9tfn]/.test(text)) return undefined;
  try {
    return read(text);
  } catch {
    return undefined;
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
