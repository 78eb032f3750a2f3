import type { StandardSchemaV1 } from '@standard-schema/spec';
import { pool } from '../pool.ts';
import { decode, InvalidRecordError, type Message } from './decode.ts';
import { type Item, itemsOf, type KafkaEvent } from './event.ts';

/** The answer that a mapping with ReportBatchItemFailures reads. */
export type BatchResponse = { batchItemFailures: ItemFailure[] };

/**
 * AWS: unlike for other sources, the identifier of a Kafka record is an object.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 */
type ItemFailure = { itemIdentifier: { partition: string; offset: number } };

/** A record to be delivered again: it failed, waits behind its key's failure, or had no time. */
export type Failure = Item &
  ({ why: 'failed'; error: unknown } | { why: 'behind a failure' } | { why: 'no time left' });

export type BatchOptions<Schema extends StandardSchemaV1> = {
  /** What the value of a record, read as JSON, must be. Any validator of standardschema.dev. */
  schema: Schema;
  /** Processes one record. What it throws makes the record a failure, to be delivered again. */
  process(message: Message<StandardSchemaV1.InferOutput<Schema>>, item: Item): Promise<void>;
  /**
   * Takes a record that is not in the schema, which no further delivery can help; then it is done.
   * Without it such a record is a failure.
   */
  refuse?(item: Item, reason: InvalidRecordError): Promise<void>;
  /** How many keys may be under way at once. */
  concurrency: number;
} & TimeLimit;

type TimeLimit = {
  /** The longest that one record may take, by its own time limits: with less left none is begun. */
  recordTimeMs: number;
  /** The time left to the invocation. */
  remainingTimeMs(): number;
};

export type BatchResult = {
  /** How many records the event has. */
  records: number;
  /** The records to be delivered again, in the order of the event. */
  failures: Failure[];
  response: BatchResponse;
};

type Step = (item: Item) => Promise<void>;

/**
 * Processes the records of one event of a Kafka event source.
 *
 * A key's order is its promise: its records are processed one after the other in the order of their
 * offsets, and after the first failure the later ones are not begun and fail with it. Different keys
 * go on at once, up to the limit. What cannot be begun in time fails too.
 */
export async function processBatch<Schema extends StandardSchemaV1>(
  event: KafkaEvent,
  { schema, process, refuse, concurrency, ...time }: BatchOptions<Schema>,
): Promise<BatchResult> {
  const items = itemsOf(event);
  const step = async (item: Item) => {
    const message = await decode(item, schema).catch(asInvalid);
    if (!(message instanceof InvalidRecordError)) return process(message, item);
    if (!refuse) throw message;
    return refuse(item, message);
  };
  const failures = await walk(items, step, { concurrency, hasTime: timeWatch(time) });
  return { records: items.length, failures, response: responseOf(failures) };
}

/**
 * Gives the records to `step`: those of a key in turn, different keys at once.
 *
 * @returns the records to be delivered again, in the order given
 */
export async function walk(
  items: Item[],
  step: Step,
  { concurrency, hasTime }: { concurrency: number; hasTime: () => boolean },
): Promise<Failure[]> {
  const failures = new Map<Item, Failure>();
  await pool(lanesOf(items), Math.max(1, concurrency), async (lane) => {
    for (const [item, failure] of await walkLane(lane, step, hasTime)) failures.set(item, failure);
  });
  return items.flatMap((item) => failures.get(item) ?? []);
}

export function responseOf(failures: Failure[]): BatchResponse {
  return {
    batchItemFailures: failures.map(({ partition, record: { offset } }) => ({
      itemIdentifier: { partition, offset },
    })),
  };
}

/** The records that keep their order among themselves, lane after lane; one without a key is alone. */
function lanesOf(items: Item[]): Item[][] {
  const lanes = Map.groupBy(items, (item) => orderKeyOf(item) ?? item);
  return [...lanes.values()];
}

async function walkLane(
  lane: Item[],
  step: Step,
  hasTime: () => boolean,
): Promise<[Item, Failure][]> {
  for (const [i, item] of lane.entries()) {
    const failure = await attempt(item, step, hasTime);
    if (!failure) continue;
    const behind = lane.slice(i + 1).map((later): [Item, Failure] => {
      return [later, { ...later, why: 'behind a failure' }];
    });
    return [[item, failure], ...behind];
  }
  return [];
}

async function attempt(
  item: Item,
  step: Step,
  hasTime: () => boolean,
): Promise<Failure | undefined> {
  if (!hasTime()) return { ...item, why: 'no time left' };
  try {
    await step(item);
    return undefined;
  } catch (error) {
    // Kept with the record: the caller logs it and answers, or throws.
    return { ...item, why: 'failed', error };
  }
}

/** A function with little time still makes progress: half of what it has is never kept back. */
function timeWatch({ recordTimeMs, remainingTimeMs }: TimeLimit): () => boolean {
  const kept = Math.min(recordTimeMs, remainingTimeMs() / 2);
  return () => remainingTimeMs() >= kept;
}

function asInvalid(error: unknown): InvalidRecordError {
  if (error instanceof InvalidRecordError) return error;
  throw error;
}

function orderKeyOf({ partition, record: { key } }: Item): string | undefined {
  return typeof key === 'string' ? `${partition} ${key}` : undefined;
}
