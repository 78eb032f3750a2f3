import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Header, Item, KafkaRecord } from './event.ts';

/** One fault of a value: its path (`data.items.0`), and the rule that it breaks. */
export type Fault = { path: string; message: string };

/** A record that no further delivery can help. It names the rule and never repeats the value. */
export class InvalidRecordError extends Error {
  override readonly name = 'InvalidRecordError';
  readonly faults: Fault[];

  constructor(message: string, faults: Fault[] = []) {
    super(message);
    this.faults = faults;
  }
}

/** A record whose value has been read and checked. */
export type Message<T> = {
  value: T;
  key: string | undefined;
  headers: Header[];
  topic: string;
  partition: number;
  offset: number;
  timestamp: Date;
};

/**
 * Reads the value of a record: base64, UTF-8, JSON, schema.
 *
 * @throws InvalidRecordError
 */
export async function decode<Schema extends StandardSchemaV1>(
  { record, headers }: Pick<Item, 'record' | 'headers'>,
  schema: Schema,
): Promise<Message<StandardSchemaV1.InferOutput<Schema>>> {
  const { topic, partition, offset, timestamp } = record;
  const parsed = await schema['~standard'].validate(jsonOf(textOf(record)));
  if (parsed.issues) throw notInSchema(parsed.issues);
  return {
    value: parsed.value,
    key: keyOf(record),
    headers,
    topic,
    partition,
    offset,
    timestamp: new Date(timestamp),
  };
}

/** The key as text; absent when the record has none. */
function keyOf({ key }: KafkaRecord): string | undefined {
  return typeof key === 'string' ? Buffer.from(key, 'base64').toString() : undefined;
}

function textOf({ value }: KafkaRecord): string {
  if (typeof value !== 'string') {
    throw new InvalidRecordError(
      'It has no value (a tombstone); write one JSON document a record.',
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'));
  } catch {
    // The decoder's own message says only "invalid".
    throw new InvalidRecordError('Its value is not UTF-8; write it as JSON in UTF-8.');
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message is dropped: it repeats the text, which may hold a contact.
    throw new InvalidRecordError('Its value is not JSON; write one JSON document a record.');
  }
}

function notInSchema(issues: readonly StandardSchemaV1.Issue[]): InvalidRecordError {
  const faults = issues.map(({ path = [], message }) => ({ path: dotted(path), message }));
  const shown = faults.slice(0, 5).map(({ path, message }) => `${path || 'value'}: ${message}`);
  return new InvalidRecordError(`Its value breaks the schema: ${shown.join('; ')}.`, faults);
}

function dotted(path: NonNullable<StandardSchemaV1.Issue['path']>): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
