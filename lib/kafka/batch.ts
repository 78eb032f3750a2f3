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
  /** Checks the value of a record, read as JSON. Any validator of standardschema.dev will do. */
  schema: Schema;
  /** Processes one record. If it throws, the record is a failure and is delivered again. */
  process(message: Message<StandardSchemaV1.InferOutput<Schema>>, item: Item): Promise<void>;
  /**
   * Takes a record that breaks the schema, since no further delivery can help it. The record is then
   * done. Without `refuse` such a record is a failure.
   */
  refuse?(item: Item, reason: InvalidRecordError): Promise<void>;
  /** The number of keys that may be processed at once. */
  concurrency: number;
} & TimeLimit;

type TimeLimit = {
  /** The longest time that one record may take. With less time left no record is begun. */
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

type ProcessItem = (item: Item) => Promise<void>;

/**
 * Processes the records of one event of a Kafka event source.
 *
 * The records of a key are processed one after the other, in the order of their offsets. After the
 * first failure the later records of that key are not begun, and are failures too. Different keys are
 * processed at once, up to the limit. A record that cannot be begun in time is a failure.
 */
export async function processBatch<Schema extends StandardSchemaV1>(
  event: KafkaEvent,
  { schema, process, refuse, concurrency, ...time }: BatchOptions<Schema>,
): Promise<BatchResult> {
  const items = itemsOf(event);
  const processItem = async (item: Item) => {
    const message = await decode(item, schema).catch(asInvalid);
    if (!(message instanceof InvalidRecordError)) return process(message, item);
    if (!refuse) throw message;
    return refuse(item, message);
  };
  const failures = await walk(items, processItem, { concurrency, hasTime: timeWatch(time) });
  return { records: items.length, failures, response: responseOf(failures) };
}

/**
 * Gives the records to `processItem`: the records of a key in turn, different keys at once.
 *
 * @returns the records to be delivered again, in the order given
 */
export async function walk(
  items: Item[],
  processItem: ProcessItem,
  { concurrency, hasTime }: { concurrency: number; hasTime: () => boolean },
): Promise<Failure[]> {
  const failures = new Map<Item, Failure>();
  await pool(byKey(items), Math.max(1, concurrency), async (group) => {
    for (const [item, failure] of await walkKey(group, processItem, hasTime))
      failures.set(item, failure);
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

/** Groups the records that keep their order: those of one key. A record without a key is alone. */
function byKey(items: Item[]): Item[][] {
  const groups = Map.groupBy(items, (item) => orderKeyOf(item) ?? item);
  return [...groups.values()];
}

async function walkKey(
  group: Item[],
  processItem: ProcessItem,
  hasTime: () => boolean,
): Promise<[Item, Failure][]> {
  for (const [i, item] of group.entries()) {
    const failure = await attempt(item, processItem, hasTime);
    if (!failure) continue;
    const behind = group.slice(i + 1).map((later): [Item, Failure] => {
      return [later, { ...later, why: 'behind a failure' }];
    });
    return [[item, failure], ...behind];
  }
  return [];
}

async function attempt(
  item: Item,
  processItem: ProcessItem,
  hasTime: () => boolean,
): Promise<Failure | undefined> {
  if (!hasTime()) return { ...item, why: 'no time left' };
  try {
    await processItem(item);
    return undefined;
  } catch (error) {
    // Kept with the record: the caller logs it and answers, or throws.
    return { ...item, why: 'failed', error };
  }
}

/** Uses at least half of the time, so that a function with little time still makes progress. */
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
