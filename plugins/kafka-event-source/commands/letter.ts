/** A dead letter in the shape of AWS's Kafka on-failure destination, and the record that is in it. */
import { isDeepStrictEqual } from 'node:util';
import type { KafkaMessage } from 'kafkajs';
import { z } from 'zod';
import { LETTER_HEADERS } from '../destination/failure.ts';
import type { Header } from '../protocol/decode.ts';
import { type Headers, listHeaders } from '../protocol/headers.ts';

/** Counts how often a record has been put back; AWS has no such header. */
const REDRIVE_COUNT = 'redrive-count';

/** A record as it was before it failed. */
interface OriginalRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In their order, without the count of redrives. */
  readonly headers: readonly Header[];
}

export interface Letter {
  readonly record: OriginalRecord;
  readonly condition: string;
  readonly functionArn: string;
  /** When the letter was written. */
  readonly at: Date;
  /** How often the record has been put back before. */
  readonly redriven: number;
  /** The fields that a schema decoded; only the original record has their bytes. */
  readonly decoded: readonly Field[];
  /** The fields that did not fit into the letter; only the original record has them. */
  readonly omitted: readonly Field[];
}

type Field = 'key' | 'value' | 'headers';

const FIELDS: readonly Field[] = ['key', 'value', 'headers'];

const base64 = z
  .string()
  .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'must be base64')
  .transform((text) => Buffer.from(text, 'base64'));

const isByte = (value: unknown) =>
  Number.isInteger(value) && -128 <= Number(value) && Number(value) <= 127;

// One check of the whole list: a schema for each byte takes a second for a header of 1 MB.
const bytes = z.custom<number[]>(
  (list) => Array.isArray(list) && list.every(isByte),
  'must be a list of bytes from -128 to 127',
);

// As entries: an object of zod's would lack a header with the name `__proto__`.
const header = z
  .custom<object>((one) => typeof one === 'object' && one !== null && !Array.isArray(one))
  .transform((one) => Object.entries(one))
  .pipe(z.array(z.tuple([z.string(), bytes])).length(1, 'must have one member'));

const record = z.object({
  topic: z.string().min(1).max(249),
  partition: z.int().min(0),
  offset: z.int().min(0),
  timestamp: z.number().optional(),
  key: base64.nullish(),
  value: base64.nullish(),
  headers: z.array(header).default([]),
  keySchemaMetadata: z.unknown().optional(),
  valueSchemaMetadata: z.unknown().optional(),
});

const letter = z.object({
  requestContext: z.object({ functionArn: z.string(), condition: z.string() }),
  timestamp: z.iso.datetime({ offset: true }),
  payload: z.object({
    records: z
      .record(z.string(), z.array(record).length(1, 'must hold one record'))
      .refine((one) => Object.keys(one).length === 1, 'must hold one partition'),
  }),
});

/**
 * Reads a letter, with the headers of its message.
 *
 * @throws Error that names the letter's fault
 */
export function readLetter(value: Buffer | null, about: Headers = []): Letter {
  const { requestContext, timestamp, payload } = parse(value);
  const found = Object.values(payload.records)[0]?.[0];
  if (!found) throw new Error('payload.records: must hold one record');
  const headers = found.headers.flatMap((one) =>
    one.map(([key, bytes]) => ({ key, value: Buffer.from(bytes) })),
  );
  const { topic, partition, offset, timestamp: time, key = null, value: content = null } = found;
  const place = { topic, partition, offset, timestamp: time };
  return {
    record: { ...place, key, value: content, headers: withoutCount(headers) },
    condition: requestContext.condition,
    functionArn: requestContext.functionArn,
    at: new Date(timestamp),
    redriven: countOf(headers),
    decoded: [
      ...(found.keySchemaMetadata ? (['key'] as const) : []),
      ...(found.valueSchemaMetadata ? (['value'] as const) : []),
    ],
    omitted: omittedIn(about),
  };
}

/** The text of the first header with the name; empty if there is none. */
export function headerText(headers: Headers, name: string): string {
  return String(listHeaders(headers).find(({ key }) => key === name)?.value ?? '');
}

/** Whether a header of the record may have had no value: a letter shows it like an empty one. */
export function hasEmptyHeader({ record: { headers } }: Letter): boolean {
  return headers.some(({ value }) => !value?.length);
}

/** The letter with the record from its topic; undefined if the topic has another record there. */
export function withOriginal(letter: Letter, original: KafkaMessage): Letter | undefined {
  const { record, decoded, omitted } = letter;
  const { key, value } = original;
  const headers = listHeaders(original.headers ?? []).map((one) => ({
    key: one.key,
    value: one.value === null || one.value === undefined ? null : Buffer.from(one.value),
  }));
  const found = { key, value, headers: withoutCount(headers) };
  // A letter has no bytes for a header without a value, as for an empty one.
  const inLetter = found.headers.map((one) => ({ ...one, value: one.value ?? Buffer.alloc(0) }));
  const { timestamp = Number(original.timestamp) } = record;
  const isSame = FIELDS.every(
    (field) =>
      decoded.includes(field) ||
      omitted.includes(field) ||
      isDeepStrictEqual(field === 'headers' ? inLetter : found[field], record[field]),
  );
  if (!isSame || timestamp !== Number(original.timestamp)) return undefined;
  return { ...letter, record: { ...record, ...found }, redriven: countOf(headers) };
}

/** The headers of the record when it is put back: its own, in their order, and then the count. */
export function headersOf({ record: { headers }, redriven }: Letter): Header[] {
  return [...headers, { key: REDRIVE_COUNT, value: Buffer.from(String(redriven + 1)) }];
}

function parse(value: Buffer | null): z.output<typeof letter> {
  if (value === null) throw new Error('it has no value');
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch {
    throw new Error('it is not JSON');
  }
  const result = letter.safeParse(json);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(
    `it is not the record of a Kafka on-failure destination: ${faults.slice(0, 3).join('; ')}`,
  );
}

function omittedIn(about: Headers): Field[] {
  const names = headerText(about, LETTER_HEADERS.omitted).split(',');
  return FIELDS.filter((field) => names.includes(field));
}

function withoutCount<One extends { readonly key: string }>(headers: readonly One[]): One[] {
  return headers.filter(({ key }) => key !== REDRIVE_COUNT);
}

function countOf(headers: readonly Header[]): number {
  const counts = headers
    .filter(({ key }) => key === REDRIVE_COUNT)
    .map(({ value }) => Number(value?.toString('utf8')))
    .filter((count) => Number.isSafeInteger(count) && count > 0);
  return Math.max(0, ...counts);
}
