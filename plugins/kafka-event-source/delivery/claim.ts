/** The records of one partition that are in a batch, and how far they are done. */
import type { BufferedRecord } from '../record.ts';
import type { Lane } from './lane.ts';

/** How many stretches of offsets a message names. */
const MAX_RUNS = 50;

export class Claim {
  readonly lane: Lane;
  readonly entries: readonly BufferedRecord[];
  /** Whether an invocation with records of it is in flight. */
  isInvoking = false;
  /** Whether its partition has been let go. */
  isReleased = false;
  #upTo: number;
  #first = 0;
  readonly #done = new Set<number>();

  constructor(lane: Lane, entries: readonly BufferedRecord[]) {
    this.lane = lane;
    this.entries = entries;
    this.#upTo = entries.at(-1)?.next ?? 0;
  }

  get isDone(): boolean {
    return this.#first === this.entries.length;
  }

  /** Nothing between its last record and `next` is delivered. */
  extend(next: number): void {
    this.#upTo = Math.max(this.#upTo, next);
  }

  /**
   * Counts records as done, and tells what may be committed now, if that has moved: the lowest
   * offset that is not done, or what follows the last record.
   */
  finish(entries: readonly BufferedRecord[]): number | undefined {
    const before = this.#first;
    if (entries.length === this.entries.length) this.#first = this.entries.length;
    else for (const { offset } of entries) this.#done.add(offset);
    for (let next = this.entries[this.#first]; next && this.#done.delete(next.offset); ) {
      this.#first += 1;
      next = this.entries[this.#first];
    }
    if (this.#first === before) return undefined;
    return this.isDone ? this.#upTo : this.entries[this.#first]?.offset;
  }
}

/** Records of a claim that are delivered together. */
export interface Part {
  readonly claim: Claim;
  readonly entries: readonly BufferedRecord[];
}

export function count(parts: readonly Part[]): number {
  return parts.reduce((records, { entries }) => records + entries.length, 0);
}

/** Exactly which records, such as `orders-0 5…9,12, orders-1 7`. */
export function ranges(parts: readonly Part[]): string {
  return parts.map(({ claim, entries }) => `${claim.lane.key} ${runs(entries)}`).join(', ');
}

function runs(entries: readonly BufferedRecord[]): string {
  const found: { first: number; last: number }[] = [];
  for (const { offset } of entries) {
    const current = found.at(-1);
    if (current && offset === current.last + 1) current.last = offset;
    else found.push({ first: offset, last: offset });
  }
  const shown = found
    .slice(0, MAX_RUNS)
    .map(({ first, last }) => (first === last ? first : `${first}…${last}`));
  const more = found.length - shown.length;
  return `${shown.join(',')}${more > 0 ? ` and ${more} more stretches up to ${found.at(-1)?.last}` : ''}`;
}
