/** Compares the records that a reader understood with the records that were produced. */
import { isDeepStrictEqual } from 'node:util';
import { acknowledge } from '../../delivery/acknowledge.ts';
import { listHeaders } from '../../protocol/headers.ts';
import { FAILING, type Payload, type Produced, TOPIC } from './payloads.ts';

/** The members that a reader may understand; a member without a value is null or absent. */
export interface Reading {
  readonly eventSource?: string;
  readonly eventSourceArn?: string | null;
  readonly bootstrapServers?: string;
  /** The keys of the event's `records`. */
  readonly partitions?: readonly string[];
  readonly records?: readonly RecordReading[];
  /** Members that the reader's types do not know. */
  readonly unknown?: readonly string[];
  /** The answer of a handler that reports failures. */
  readonly answer?: unknown;
}

/** A record; key, value and headers are base64 of the bytes that were understood. */
interface RecordReading {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly keySchema?: unknown;
  readonly valueSchema?: unknown;
}

export type Member = keyof Reading;

/** The differences between a payload's records and a reading, a line each; empty if they agree. */
export function differences(
  payload: Payload,
  reading: Reading,
  members: readonly Member[],
): string[] {
  const produced = expected(payload);
  const read = {
    ...reading,
    partitions: reading.partitions?.toSorted(),
    records: reading.records?.toSorted(inOrder),
    ...('answer' in reading && { answer: failedRecords(payload, reading.answer) }),
  };
  return members.flatMap((member) => compare(produced[member], read[member], member));
}

function expected({ source, produced }: Payload): Record<Member, unknown> {
  return {
    eventSource: source.eventSource,
    eventSourceArn: source.eventSource === 'aws:kafka' ? source.eventSourceArn : null,
    bootstrapServers: source.bootstrapServers,
    partitions: [...new Set(produced.map(keyOf))].sort(),
    records: produced.map(recordReading).sort(inOrder),
    unknown: [],
    answer: produced
      .filter(({ message }) => message.value?.toString() === FAILING)
      .map((one) => `${keyOf(one)} ${one.message.offset}`),
  };
}

function recordReading({ partition, message, schemas }: Produced): RecordReading {
  return {
    topic: TOPIC,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    timestampType: message.batchContext?.timestampType === 1 ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
    key: message.key?.toString('base64') ?? null,
    value: message.value?.toString('base64') ?? null,
    headers: listHeaders(message.headers ?? []).map(({ key, value }) => [
      key,
      Buffer.from(value ?? '').toString('base64'),
    ]),
    keySchema: schemas?.key,
    valueSchema: schemas?.value,
  };
}

/** The records that the emulator delivers again after this answer. */
function failedRecords({ produced }: Payload, answer: unknown): string[] {
  const batch = Array.from(Map.groupBy(produced, keyOf), ([key, group]) => ({
    key,
    offsets: group.map(({ message }) => Number(message.offset)),
  }));
  const verdict = acknowledge(
    batch,
    { kind: 'ok', payload: answer },
    { reportBatchItemFailures: true },
  );
  return verdict.partitions.flatMap(({ key, redeliver }) =>
    redeliver.map((offset) => `${key} ${offset}`),
  );
}

function keyOf({ partition }: Produced): string {
  return `${TOPIC}-${partition}`;
}

function inOrder(one: RecordReading, other: RecordReading): number {
  return one.partition - other.partition || one.offset - other.offset;
}

function compare(produced: unknown, read: unknown, path: string): string[] {
  const [wanted, found] = [produced ?? null, read ?? null];
  if (isDeepStrictEqual(wanted, found)) return [];
  if (!isObject(wanted) || !isObject(found) || Array.isArray(wanted) !== Array.isArray(found)) {
    return [`${path}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`];
  }
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  return [...names].flatMap((name) => compare(wanted[name], found[name], `${path}.${name}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
