/** Decides which records of an invocation are done, and which are delivered again. */
import { excerpt } from '../excerpt.ts';
import type { InvocationResult } from '../lambda/result.ts';

/** The offsets of one `topic-partition` in the batch, ascending. */
export interface PartitionOffsets {
  readonly key: string;
  readonly offsets: readonly number[];
}

interface PartitionVerdict {
  readonly key: string;
  /** Ascending. */
  readonly redeliver: readonly number[];
}

export interface Verdict {
  readonly partitions: readonly PartitionVerdict[];
  /** Whether this was an attempt: an invocation that does not reach the function is none. */
  readonly attempted: boolean;
  /** The reason why records are delivered again. */
  readonly reason?: string;
}

/** Separates the records of a batch that are done from those that are delivered again. */
export function acknowledge(
  batch: readonly PartitionOffsets[],
  result: InvocationResult,
  { reportBatchItemFailures }: { reportBatchItemFailures: boolean },
): Verdict {
  // AWS: throttles and service errors do not count toward retry attempts.
  // https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
  if (result.kind !== 'ok') {
    return { ...all(batch, result.message), attempted: result.kind === 'functionError' };
  }
  if (!reportBatchItemFailures) return nothing(batch);
  const answer = readAnswer(result.payload);
  if (typeof answer === 'string') return all(batch, answer);
  return answer.length === 0 ? nothing(batch) : byItems(batch, answer);
}

// An answer that is not as documented fails the whole batch. Taken as a success, it would lose the
// records that it reports.
function readAnswer(payload: unknown): readonly unknown[] | string {
  if (payload === null || payload === undefined || payload === '') return [];
  if (Array.isArray(payload) && payload.length === 0) return [];
  if (typeof payload !== 'object' || Array.isArray(payload)) {
    return `the answer ${excerpt(payload)} is not an object with batchItemFailures`;
  }
  const failures = 'batchItemFailures' in payload ? payload.batchItemFailures : null;
  if (failures === null || failures === undefined) return [];
  return Array.isArray(failures)
    ? failures
    : `batchItemFailures ${excerpt(failures)} is not a list`;
}

function byItems(batch: readonly PartitionOffsets[], items: readonly unknown[]): Verdict {
  const known = new Map<unknown, ReadonlySet<unknown>>(
    batch.map(({ key, offsets }) => [key, new Set(offsets)]),
  );
  const failed = new Map<unknown, Set<unknown>>(batch.map(({ key }) => [key, new Set()]));
  for (const item of items) {
    const { partition, offset } = readIdentifier(item);
    // AWS: one identifier that was not in the event fails the entire batch.
    // https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
    if (!known.get(partition)?.has(offset)) {
      return all(batch, `item identifier ${excerpt(item)} is not in the batch${advice(item)}`);
    }
    failed.get(partition)?.add(offset);
  }
  // AWS: only the failed records are retried. With Kinesis all records after them are, too.
  // https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
  return {
    partitions: batch.map(({ key, offsets }) => ({
      key,
      redeliver: offsets.filter((offset) => failed.get(key)?.has(offset)),
    })),
    attempted: true,
    reason: 'reported in batchItemFailures',
  };
}

/** Advice for functions that were written for another event source, where identifiers are texts. */
function advice(item: unknown): string {
  const { partition, offset } = readIdentifier(item);
  return typeof partition === 'string' && Number.isInteger(offset)
    ? ''
    : ': Kafka\'s identifiers have the form {"itemIdentifier":{"partition":"topic-0","offset":1}}';
}

function readIdentifier(item: unknown): { partition?: unknown; offset?: unknown } {
  if (typeof item !== 'object' || item === null || !('itemIdentifier' in item)) return {};
  const { itemIdentifier } = item;
  return typeof itemIdentifier === 'object' && itemIdentifier !== null ? itemIdentifier : {};
}

function nothing(batch: readonly PartitionOffsets[]): Verdict {
  return { partitions: batch.map(({ key }) => ({ key, redeliver: [] })), attempted: true };
}

function all(batch: readonly PartitionOffsets[], reason: string): Verdict {
  const partitions = batch.map(({ key, offsets }) => ({ key, redeliver: offsets }));
  return { partitions, attempted: true, reason };
}
