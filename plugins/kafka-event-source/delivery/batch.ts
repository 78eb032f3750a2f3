/** Decides which waiting records go into the next invocation, and when. */
import type { BufferedRecord } from '../record.ts';

/** The waiting records: their number, and each by its index. */
interface Waiting {
  readonly length: number;
  at(index: number): BufferedRecord | undefined;
}

/** A partition that has no invocation in flight. */
export interface FreePartition {
  readonly partition: number;
  readonly waiting: Waiting;
  /** The time at which its last invocation ended, or at which it was assigned. */
  readonly freeSince: number;
}

export interface Limits {
  readonly batchSize: number;
  readonly windowMs: number;
  /** The largest JSON body, envelope included. */
  readonly payloadBytes: number;
  readonly envelopeBytes: number;
  readonly groupBytes: (partition: number) => number;
}

export type Decision =
  | { readonly kind: 'deliver'; readonly counts: ReadonlyMap<number, number> }
  | { readonly kind: 'wait'; readonly until: number }
  /** The partition's first record is larger than a payload, or could not be decoded. */
  | { readonly kind: 'undeliverable'; readonly partition: number }
  | { readonly kind: 'nothing' };

/** Lambda's limit for the payload of a synchronous invocation. */
export const PAYLOAD_BYTES = 6 * 1024 * 1024;

const COMMA = 1;

/**
 * Assembles the next batch from all partitions of one mapping. The batch closes at the batch size,
 * the payload size or the end of the window, whichever comes first.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
 */
export function assemble(
  partitions: readonly FreePartition[],
  limits: Limits,
  now: number,
): Decision {
  const filled = fill(partitions.filter((one) => one.waiting.length > 0).sort(longestFree), limits);
  if (filled.undeliverable !== undefined)
    return { kind: 'undeliverable', partition: filled.undeliverable };
  if (filled.partitions.length === 0) return { kind: 'nothing' };
  const until = Math.min(...filled.partitions.map((one) => windowEnd(one, limits.windowMs)));
  if (filled.full || until <= now) return { kind: 'deliver', counts: filled.counts };
  return { kind: 'wait', until };
}

interface Filled {
  readonly partitions: readonly FreePartition[];
  readonly counts: ReadonlyMap<number, number>;
  readonly full: boolean;
  readonly undeliverable?: number;
}

// Takes one partition after the other, not a record of each in turn: the partitions that a full
// batch leaves out can then have an invocation at the same time.
function fill(partitions: readonly FreePartition[], limits: Limits): Filled {
  const counts = new Map<number, number>();
  const done = (full: boolean, undeliverable?: number): Filled => ({
    partitions: partitions.filter((one) => counts.has(one.partition)),
    counts,
    full,
    ...(undeliverable !== undefined && { undeliverable }),
  });
  let bytes = limits.envelopeBytes;
  let records = 0;
  for (const { partition, waiting } of partitions) {
    const group = limits.groupBytes(partition);
    for (let index = 0; index < waiting.length; index += 1) {
      const record = waiting.at(index);
      const isUndeliverable =
        !record ||
        record.undeliverable ||
        limits.envelopeBytes + group + record.bytes > limits.payloadBytes;
      if (isUndeliverable && index === 0) return done(false, partition);
      if (isUndeliverable) break;
      const before = index > 0 ? COMMA : group + (counts.size > 0 ? COMMA : 0);
      if (bytes + before + record.bytes > limits.payloadBytes) return done(true);
      bytes += before + record.bytes;
      records += 1;
      counts.set(partition, index + 1);
      if (records === limits.batchSize) return done(true);
    }
  }
  return done(false);
}

// AWS: the next window begins as soon as the previous invocation completes, not with the first
// record; an empty window is followed by the next one at once.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
function windowEnd({ waiting, freeSince }: FreePartition, windowMs: number): number {
  if (windowMs === 0) return 0;
  const first = waiting.at(0)?.arrived ?? freeSince;
  return freeSince + Math.max(1, Math.ceil((first - freeSince) / windowMs)) * windowMs;
}

function longestFree(a: FreePartition, b: FreePartition): number {
  return a.freeSince - b.freeSince || a.partition - b.partition;
}
