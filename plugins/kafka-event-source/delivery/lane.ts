/** The partitions a mapping has, each with the records that wait in it. */
import type { BufferedRecord } from '../record.ts';
import { Queue } from './queue.ts';

export interface Lane {
  readonly partition: number;
  /** `topic-partition`, as in the event. */
  readonly key: string;
  readonly waiting: Queue<BufferedRecord>;
  bytes: number;
  /** When its last invocation ended, or it was assigned. */
  freeSince: number;
  /**
   * Lost: taken away, nothing of it is delivered, repeated or reported any more. Blocked: stopped
   * by a record that no invocation can carry and no destination takes.
   */
  state: 'open' | 'blocked' | 'lost';
}

/** What waits in one partition: enough for a payload, whatever the others hold. */
const LANE_BYTES = 6 * 1024 * 1024;
/** What waits in all; beyond it, each partition still has its minimum. */
const BUFFER_BYTES = 12 * 1024 * 1024;
/** Enough for small batches until the next fetch is there. */
const MINIMUM_BYTES = 512 * 1024;

export function createLane(partition: number, key: string): Lane {
  return {
    partition,
    key,
    waiting: new Queue(),
    bytes: 0,
    freeSince: performance.now(),
    state: 'open',
  };
}

export function add(lane: Lane, entries: readonly BufferedRecord[]): void {
  lane.waiting.push(entries);
  lane.bytes += sum(entries);
}

export function take(lane: Lane, count: number): BufferedRecord[] {
  const entries = lane.waiting.take(count);
  lane.bytes -= sum(entries);
  return entries;
}

/** The partitions that have enough waiting: a payload, or a batch where that is smaller. */
export function fullOnes(lanes: Iterable<Lane>, batchSize: number): Set<Lane> {
  const all = [...lanes];
  const total = all.reduce((bytes, lane) => bytes + lane.bytes, 0);
  const isFull = ({ bytes, waiting }: Lane) =>
    bytes >= LANE_BYTES ||
    (bytes >= MINIMUM_BYTES && (total >= BUFFER_BYTES || waiting.length >= batchSize));
  return new Set(all.filter(isFull));
}

function sum(entries: readonly BufferedRecord[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
