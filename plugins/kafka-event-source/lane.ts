/** The partitions a mapping has, each with the records that wait in it. */
import type { Entry } from './batch.ts';
import { Queue } from './queue.ts';

export interface Lane {
  readonly partition: number;
  /** `topic-partition`, as in the event. */
  readonly key: string;
  readonly waiting: Queue<Entry>;
  bytes: number;
  /** When its last invocation ended, or it was assigned. */
  freeSince: number;
  /**
   * Lost: taken away, nothing of it is delivered, repeated or reported any more. Blocked: stopped
   * by a record that no invocation can carry and no destination takes.
   */
  state: 'open' | 'blocked' | 'lost';
}

const BUFFER_BYTES = 32 * 1024 * 1024;
const LANE_BYTES = { min: 2 * 1024 * 1024, max: 8 * 1024 * 1024 } as const;

export function createLane(partition: number, key: string): Lane {
  return {
    partition,
    key,
    waiting: new Queue(),
    bytes: 0,
    freeSince: Date.now(),
    state: 'open',
  };
}

export function add(lane: Lane, entries: readonly Entry[]): void {
  lane.waiting.push(entries);
  lane.bytes += sum(entries);
}

export function take(lane: Lane, count: number): Entry[] {
  const entries = lane.waiting.take(count);
  lane.bytes -= sum(entries);
  return entries;
}

/** Whether a partition has enough waiting, as one of so many. */
export function isFull(lane: Lane, lanes: number): boolean {
  const share = BUFFER_BYTES / Math.max(1, lanes);
  return lane.bytes >= Math.max(LANE_BYTES.min, Math.min(LANE_BYTES.max, share));
}

function sum(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
