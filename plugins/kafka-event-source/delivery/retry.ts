/** Decides the next step for the records of a failed invocation. */
import type { BufferedRecord } from '../record.ts';
import { count, type PartitionRecords } from './partition.ts';

export interface RetryPolicy {
  /** -1 for no limit. The first invocation is not a retry. */
  readonly maximumRetryAttempts: number;
  /** -1 for no limit. */
  readonly maximumRecordAgeSeconds: number;
  readonly bisectBatchOnFunctionError: boolean;
  readonly destination?: object | undefined;
}

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The kind of a failure, the number of records, and the retries before it. */
export interface Failed {
  readonly kind: 'functionError' | 'reported' | 'notReached' | 'tooLarge';
  readonly records: number;
  readonly retries: number;
}

export type Reaction = 'retry' | 'retryUncounted' | 'split' | 'giveUp';

const RETRIES_WITH_DESTINATION = 10;
const UNREACHED_MAX_MS = 5_000;

/** The number of retries that a batch has. */
export function retryLimit({ maximumRetryAttempts, destination }: RetryPolicy): number {
  if (maximumRetryAttempts >= 0) return maximumRetryAttempts;
  // AWS: with a destination, no limit means ten retries.
  // https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
  return destination ? RETRIES_WITH_DESTINATION : Number.POSITIVE_INFINITY;
}

export function react(policy: RetryPolicy, { kind, records, retries }: Failed): Reaction {
  if (kind === 'tooLarge') return records > 1 ? 'split' : 'giveUp';
  if (kind === 'notReached') return 'retryUncounted';
  // AWS: splitting does not consume the retry quota (documented for Kinesis). The records that the
  // function reported are retried without the others, and are not split.
  // https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
  if (kind === 'functionError' && policy.bisectBatchOnFunctionError && records > 1) return 'split';
  return retries < retryLimit(policy) ? 'retry' : 'giveUp';
}

/** Separates the records that are too old for the function from the others. */
export function byAge(
  batch: readonly PartitionRecords[],
  { maximumRecordAgeSeconds }: RetryPolicy,
  now: number,
): { expired: readonly PartitionRecords[]; fresh: readonly PartitionRecords[] } {
  if (maximumRecordAgeSeconds < 0) return { expired: [], fresh: batch };
  const oldest = now - maximumRecordAgeSeconds * 1000;
  // AWS does not say from when it counts the age, nor whether it gives up the whole batch. Here the
  // record's own timestamp counts, and only the records that are too old are given up.
  const isExpired = ({ timestamp }: BufferedRecord) => timestamp >= 0 && timestamp < oldest;
  return {
    expired: keep(batch, isExpired),
    fresh: keep(batch, (record) => !isExpired(record)),
  };
}

/**
 * Cuts a batch in two halves. A batch of several partitions is cut between two of them, so that the
 * halves do not wait for each other; a batch of one partition is cut in its middle. AWS does not say
 * where it cuts.
 */
export function split(
  batch: readonly PartitionRecords[],
): readonly [PartitionRecords[], PartitionRecords[]] {
  const [only] = batch;
  if (batch.length === 1 && only) {
    const middle = Math.ceil(only.records.length / 2);
    return [
      [{ ...only, records: only.records.slice(0, middle) }],
      [{ ...only, records: only.records.slice(middle) }],
    ];
  }
  const half = count(batch) / 2;
  const cuts = batch.slice(1).map((_, index) => index + 1);
  const distance = (cut: number) => Math.abs(count(batch.slice(0, cut)) - half);
  const cut = cuts.reduce((best, one) => (distance(one) < distance(best) ? one : best), 1);
  return [batch.slice(0, cut), batch.slice(cut)];
}

/** The batch with only the records that are kept, without empty partitions. */
export function keep(
  batch: readonly PartitionRecords[],
  isKept: (record: BufferedRecord, one: PartitionRecords) => boolean,
): PartitionRecords[] {
  return batch
    .map((one) => ({ ...one, records: one.records.filter((record) => isKept(record, one)) }))
    .filter(({ records }) => records.length > 0);
}

// AWS does not say how long it waits between attempts.
export function delayOf({ firstMs, maxMs }: Backoff, failures: number, wasReached = true): number {
  const limit = wasReached ? maxMs : Math.min(maxMs, UNREACHED_MAX_MS);
  return Math.min(limit, firstMs * 2 ** Math.min(failures - 1, 20));
}
