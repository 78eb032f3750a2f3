/** Counts a mapping's results since its start, and keeps the record that blocks each partition. */
import { RESULTS } from '../access/result.ts';
import type { Emit } from '../monitoring/metrics.ts';
import { type Clock, SYSTEM_CLOCK } from '../time.ts';

export interface MappingStats {
  /** In the words of AWS's `LastProcessingResult` where they are known. */
  readonly lastResult: string;
  readonly lastResultAt: number | undefined;
  readonly invocations: number;
  /** Invocations that failed, or reported failures. */
  readonly failedInvocations: number;
  /** Invocations that did not reach the function. */
  readonly throttles: number;
  /** Records done by the function. */
  readonly succeeded: number;
  readonly retries: number;
  readonly filtered: number;
  readonly dropped: number;
  readonly sentToDestination: number;
  /** Letters that lack fields, because their topic takes no larger ones. */
  readonly shortened: number;
  /** Attempts to send that failed. */
  readonly destinationFailures: number;
  readonly partitions: readonly PartitionStats[];
}

interface PartitionStats {
  readonly partition: number;
  /** The offset after the last one that is done; unknown before the first. */
  readonly done: number | undefined;
  /** The end of the partition at the last fetch. */
  readonly end: number | undefined;
  readonly lag: number | undefined;
  readonly blocked: Blocked | undefined;
}

export interface Blocked {
  readonly offset: number;
  readonly reason: string;
  /** Invocations that the record has had. */
  readonly attempts: number;
  readonly since: number;
  /** Whether the emulator tries it again. */
  readonly isRetried: boolean;
}

type Counter =
  | 'invocations'
  | 'failedInvocations'
  | 'throttles'
  | 'succeeded'
  | 'retries'
  | 'filtered'
  | 'dropped'
  | 'sentToDestination'
  | 'shortened'
  | 'destinationFailures';

interface PartitionState {
  done?: number;
  end?: number;
  blocked?: Blocked | undefined;
}

export class Stats {
  /** Adds a value to a metric as CloudWatch counts it. */
  readonly emit: Emit;
  readonly #clock: Clock;
  readonly #counters: Record<Counter, number> = {
    invocations: 0,
    failedInvocations: 0,
    throttles: 0,
    succeeded: 0,
    retries: 0,
    filtered: 0,
    dropped: 0,
    sentToDestination: 0,
    shortened: 0,
    destinationFailures: 0,
  };
  readonly #partitions = new Map<number, PartitionState>();
  #lastResult: string = RESULTS.none;
  #lastResultAt: number | undefined;

  constructor(emit: Emit = () => undefined, clock: Clock = SYSTEM_CLOCK) {
    this.emit = emit;
    this.#clock = clock;
  }

  count(counter: Counter, by = 1): void {
    this.#counters[counter] += by;
  }

  result(text: string): void {
    this.#lastResult = text;
    this.#lastResultAt = this.#clock.date();
  }

  /** The partition ended at `end` when it was fetched last. */
  fetched(partition: number, end: number): void {
    this.#of(partition).end = end;
  }

  done(partition: number, next: number): void {
    const state = this.#of(partition);
    state.done = Math.max(state.done ?? 0, next);
    if (state.blocked && state.blocked.offset < next) state.blocked = undefined;
  }

  blocked(partition: number, blocked: Omit<Blocked, 'since'>): void {
    const state = this.#of(partition);
    const since =
      state.blocked?.offset === blocked.offset ? state.blocked.since : this.#clock.date();
    state.blocked = { ...blocked, since };
  }

  /** Forgets a partition that another member has now, or that begins anew. */
  forget(partition: number): void {
    this.#partitions.delete(partition);
  }

  snapshot(): MappingStats {
    return {
      lastResult: this.#lastResult,
      lastResultAt: this.#lastResultAt,
      ...this.#counters,
      partitions: [...this.#partitions]
        .sort(([a], [b]) => a - b)
        .map(([partition, { done, end, blocked }]) => ({
          partition,
          done,
          end,
          lag: end !== undefined && done !== undefined ? Math.max(0, end - done) : undefined,
          blocked,
        })),
    };
  }

  #of(partition: number): PartitionState {
    const state = this.#partitions.get(partition) ?? {};
    this.#partitions.set(partition, state);
    return state;
  }
}
