/** Turns fetched records into buffered ones: decodes, filters, and writes their JSON. */
import { createSecretReader } from '../access/secret.ts';
import type { Backoff } from '../delivery/retry.ts';
import {
  dataOf,
  type EventRecord,
  type Message,
  recordWriter,
  toEventRecord,
  type WrittenRecord,
} from '../event.ts';
import { createFilter, type Filter } from '../filter/record.ts';
import type { FilteredOut } from '../life.ts';
import type { Mapping } from '../mapping.ts';
import type { BufferedRecord } from '../record.ts';
import { registryAccess } from '../schema/access.ts';
import { type Read, readAttributes } from '../schema/attributes.ts';
import { createRegistry, type Registry } from '../schema/registry.ts';
import { Schemas } from '../schema/schemas.ts';
import { type Clock, SYSTEM_CLOCK } from '../time.ts';

/** The messages of one fetch from a partition. */
export interface Fetched {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly Message[];
  /** The offset after the last message. */
  readonly end: number;
}

export type Taken =
  | {
      readonly kind: 'records';
      readonly records: readonly BufferedRecord[];
      readonly filteredOut: readonly FilteredOut[];
    }
  /** No message can be taken before these schemas are loaded. */
  | { readonly kind: 'missing'; readonly schemaIds: ReadonlySet<number> };

export interface IntakeOptions {
  readonly mapping: Pick<Mapping, 'filters' | 'schemaRegistry' | 'connection' | 'endpoints'>;
  readonly backoff: Backoff;
  /** Called when a schema cannot be loaded, with AWS's result if it has one. It is tried again. */
  readonly onProblem: (result: string | undefined, reason: string) => void;
  /** Stands between the schemas and their registry, such as to let calls fail. */
  readonly wrapRegistry?: ((real: Registry) => Registry) | undefined;
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type ReadMessage = (message: Message) => Read;

export class Intake {
  readonly #clock: Clock;
  readonly #filter: Filter | undefined;
  readonly #schemas: Schemas | undefined;
  readonly #read: ReadMessage | undefined;

  constructor({
    mapping,
    backoff,
    onProblem,
    wrapRegistry = (real) => real,
    clock = SYSTEM_CLOCK,
  }: IntakeOptions) {
    this.#clock = clock;
    const { filters, schemaRegistry: registry, endpoints } = mapping;
    if (filters.length > 0) this.#filter = createFilter(filters);
    if (!registry) return;
    const connect = async () => {
      const access = await registryAccess(registry, endpoints, createSecretReader(mapping));
      return wrapRegistry(createRegistry(access));
    };
    const schemas = new Schemas({ connect, backoff, onProblem, clock });
    this.#schemas = schemas;
    this.#read = (message) => readAttributes(registry, message, (id) => schemas.get(id));
  }

  take({ topic, partition, messages, end }: Fetched): Taken {
    const arrival = { next: end, arrived: this.#clock.monotonic() };
    const place = { topic, partition, write: recordWriter(topic, partition), arrival };
    const missing = new Set<number>();
    const records: Writable<BufferedRecord>[] = [];
    const filteredOut: FilteredOut[] = [];
    for (const message of messages) {
      const read = this.#read?.(message);
      if (read?.kind === 'missing') for (const id of read.schemaIds) missing.add(id);
      // The messages after one without its schema are read again with it.
      if (missing.size > 0) continue;
      const record = this.#record(place, message, read);
      if ('compared' in record) {
        filteredOut.push(record);
        continue;
      }
      // AWS: a record that no filter matches is committed with those that match.
      // https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
      const previous = records.at(-1);
      if (previous) previous.next = record.offset;
      records.push(record);
    }
    if (missing.size > 0) return { kind: 'missing', schemaIds: missing };
    return { kind: 'records', records, filteredOut };
  }

  /** Resolves when each schema is loaded or known to be missing, however long that takes. */
  async load(schemaIds: ReadonlySet<number>): Promise<void> {
    await this.#schemas?.load(schemaIds);
  }

  async close(): Promise<void> {
    await this.#schemas?.close();
  }

  #record(
    { topic, partition, write, arrival }: Place,
    message: Message,
    read: Read | undefined,
  ): Writable<BufferedRecord> | FilteredOut {
    if (read?.kind === 'failed') {
      return { ...write(message), ...arrival, undeliverable: read.failure };
    }
    const isDecoded = read?.kind === 'read';
    const decoded = isDecoded ? { ...message, ...read.delivered } : message;
    const { key, value } = isDecoded ? read.plain : message;
    const metadata = isDecoded ? read.metadata : undefined;
    let headers: EventRecord['headers'] | undefined;
    if (this.#filter) {
      // Without key and value, which filters see as bytes: base64 takes most of the time of a record.
      const facts = toEventRecord(topic, partition, { ...decoded, ...NO_DATA }, metadata);
      if (!this.#filter({ ...facts, key, value })) {
        const record = { ...facts, ...dataOf('key', decoded), ...dataOf('value', decoded) };
        return { record, compared: { key, value } };
      }
      headers = facts.headers;
    }
    const buffered = toBuffered(write(decoded, metadata, headers), arrival);
    const isKeyChanged = message.key !== null && decoded.key !== message.key;
    return isKeyChanged ? { ...buffered, originalKey: message.key.toString('base64') } : buffered;
  }
}

const NO_DATA = { key: null, value: null } as const;

/** The time of a fetch, and the offset after it. */
type Arrival = Pick<BufferedRecord, 'next' | 'arrived'>;

/** The facts that the records of one fetch share. */
interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly write: ReturnType<typeof recordWriter>;
  readonly arrival: Arrival;
}

function toBuffered(
  { offset, timestamp, json, bytes }: WrittenRecord,
  { next, arrived }: Arrival,
): Writable<BufferedRecord> {
  return { offset, timestamp, json, bytes, next, arrived };
}
