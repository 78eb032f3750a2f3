/** AWS's limits of an event poller's throughput. */

export interface Rates {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface LimitedMapping {
  /** Whether the limits are kept here. */
  readonly limits?: 'aws' | undefined;
  readonly isManaged?: boolean | undefined;
  /** Undefined on demand. */
  readonly pollers?: unknown;
}

const MB = 1024 * 1024;
// AWS: an event poller handles up to 5 MB/s, and five invocations at a time; with 20 records in each
// and 50 ms for it these are 2 000 records/s.
// https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
const POLLER: Rates = { recordsPerSecond: 2_000, bytesPerSecond: 5 * MB };
// AWS: the quota of a mapping without provisioned mode, for all of its pollers.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-quotas.html
const MANAGED_ON_DEMAND: Rates = {
  recordsPerSecond: Number.POSITIVE_INFINITY,
  bytesPerSecond: 1 * MB,
};

/** The rates of one poller of the mapping; undefined without limits. */
export function ratesOf({ limits, isManaged, pollers }: LimitedMapping): Rates | undefined {
  if (limits === undefined) return undefined;
  return isManaged && pollers === undefined ? MANAGED_ON_DEMAND : POLLER;
}

/** Keeps one poller's rates: each batch holds back the next one for the time that it takes at the rates. */
export class Throughput {
  readonly #rates: Rates;
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(rates: Rates) {
    this.#rates = rates;
  }

  /** The time in ms at which the next batch may begin, by the clock of `take`. */
  get freeAt(): number {
    return this.#freeAt;
  }

  /** Counts a batch that begins at `now` ms. A batch always passes whole, also one over a second's rate. */
  take(records: number, bytes: number, now: number): void {
    const { recordsPerSecond, bytesPerSecond } = this.#rates;
    const seconds = Math.max(records / recordsPerSecond, bytes / bytesPerSecond);
    this.#freeAt = Math.max(this.#freeAt, now) + seconds * 1000;
  }
}
