/** What an invocation's outcome means for the records that were in it. */
import { excerpt } from '../excerpt.ts';
import type { InvocationResult } from '../lambda/result.ts';

/** The offsets of one `topic-partition` in the batch, ascending. */
export interface PartitionOffsets {
  readonly key: string;
  readonly offsets: readonly number[];
}

export interface PartitionVerdict {
  readonly key: string;
  /** Ascending. */
  readonly redeliver: readonly number[];
}

export interface Verdict {
  readonly partitions: readonly PartitionVerdict[];
  /** Whether this was an attempt; what does not reach the function is none. */
  readonly attempted: boolean;
  /** Why something is delivered again. */
  readonly reason?: string;
}

/** Splits a batch into what is done and what is delivered again. */
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

// Whatever cannot be read as the documented answer fails the whole batch: reading it as a success
// would lose the records that it meant.
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
  // AWS: only the failed records are retried, unlike Kinesis, where all from the lowest on are.
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

/** For those who come from other sources, whose identifiers are texts. */
function advice(item: unknown): string {
  const { partition, offset } = readIdentifier(item);
  return typeof partition === 'string' && Number.isInteger(offset)
    ? ''
    : ': Kafka\'s has the form {"itemIdentifier":{"partition":"topic-0","offset":1}}';
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
