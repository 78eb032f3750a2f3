/** Delivers one mapping's records: batches, retries, and tells how far each partition is done. */

import type { Destination } from '../destination/destination.ts';
import { type EventSource, envelopeBytes, groupBytes, recordsKey } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Log } from '../log.ts';
import type { Pollers } from '../mapping.ts';
import type { BufferedRecord } from '../record.ts';
import { assemble, type Limits } from './batch.ts';
import { Claim, type Part } from './claim.ts';
import { Flight, type Tower } from './flight.ts';
import { add, createLane, fullOnes, type Lane, take } from './lane.ts';
import type { Backoff, RetryPolicy } from './retry.ts';
import { Slots } from './slots.ts';
import type { Stats } from './stats.ts';

export interface DeliveryOptions extends RetryPolicy {
  readonly name: string;
  readonly topic: string;
  readonly functionArn: string;
  readonly source: EventSource;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly payloadBytes: number;
  readonly reportBatchItemFailures: boolean;
  readonly destination?: Destination | undefined;
  readonly dropWhenDestinationFails: boolean;
  readonly pollers?: Pollers | undefined;
  readonly backoff: Backoff;
  readonly log: Log;
  readonly stats: Stats;
  readonly invoke: (payload: string) => Promise<InvocationResult>;
  /** All records of the partition before `next` are done. */
  readonly onProgress: (partition: number, next: number) => void;
  /** The partition's buffer has room again. */
  readonly onRoom: (partition: number) => void;
}

// AWS: what one poller may have under way in provisioned mode.
// https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
const INVOCATIONS_OF_A_POLLER = 5;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #limits: Limits;
  readonly #tower: Tower;
  readonly #lanes = new Map<number, Lane>();
  /** Partitions with records in a batch; what was taken away and came back waits for its end. */
  readonly #claims = new Map<number, Claim>();
  readonly #slots: Slots[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  #isScaled = false;
  #gate: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#limits = {
      batchSize: options.batchSize,
      windowMs: options.windowMs,
      payloadBytes: options.payloadBytes,
      envelopeBytes: envelopeBytes(options.source),
      groupBytes: (partition) => groupBytes(this.#key(partition)),
    };
    this.#tower = {
      options,
      isClosed: () => this.#isClosed,
      allowed: () => this.#allowed(),
      pause: (ms) => this.#pause(ms),
      finish: (parts) => this.#finish(parts),
      landed: (claim) => this.#landed(claim),
      block: (part, reason, attempts) => this.#block(part, reason, attempts),
    };
  }

  /** Begins with a partition, with an empty buffer. */
  assign(partition: number): void {
    this.revoke(partition);
    this.#lanes.set(partition, createLane(partition, this.#key(partition)));
  }

  /** Throws a partition's buffer away; the result of an invocation in flight no longer counts. */
  revoke(partition: number): void {
    const lane = this.#lanes.get(partition);
    if (!lane) return;
    const full = this.#fullOnes();
    lane.state = 'lost';
    this.#lanes.delete(partition);
    full.delete(lane);
    if (full.size > 0) this.#tellRoom(full);
    this.#options.stats.forget(partition);
    const claim = this.#claims.get(partition);
    if (claim && !claim.isInvoking) this.#release(claim);
  }

  /** Adds fetched records, ascending by offset; they go into a buffer of their own partition. */
  enqueue(partition: number, entries: readonly BufferedRecord[]): void {
    const lane = this.#lanes.get(partition);
    if (!lane) return;
    add(lane, entries);
    this.#schedule();
  }

  /**
   * Nothing from the last record enqueued up to `next` is to be delivered; it is done with that
   * record, or at once when none is left.
   */
  skip(partition: number, next: number): void {
    const lane = this.#lanes.get(partition);
    if (!lane) return;
    const claim = this.#claims.get(partition);
    if (lane.waiting.length > 0) lane.waiting.replaceLast((last) => ({ ...last, next }));
    else if (claim?.lane === lane) claim.extend(next);
    else if (lane.state === 'open') this.#progress(partition, next);
  }

  isFull(partition: number): boolean {
    const lane = this.#lanes.get(partition);
    return lane !== undefined && this.#fullOnes().has(lane);
  }

  /** Begins no invocation until released: while the group decides whose the partitions are. */
  hold(): void {
    this.#gate ??= Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
    this.#schedule();
  }

  /** Begins nothing more, and waits for the invocations in flight up to the limit. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#closed.resolve();
    const inFlight = Promise.all(this.#running);
    const limit = new AbortController();
    const expired = sleep(limitMs, limit.signal).then(() => {
      const { log, name } = this.#options;
      if (this.#running.size > 0) {
        log.warning(`${name}: an invocation is still running; its records are delivered again`);
      }
    });
    await Promise.race([inFlight, expired]);
    limit.abort();
  }

  #key(partition: number): string {
    return recordsKey(this.#options.topic, partition);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed || this.#gate) return;
    const until = this.#byPoller().map((lanes, poller) => this.#scheduleFor(poller, lanes));
    const next = Math.min(...until);
    if (!Number.isFinite(next)) return;
    this.#timer = setTimeout(() => this.#schedule(), Math.max(0, next - performance.now()));
  }

  /** Begins what can begin, and tells when to look again. */
  #scheduleFor(poller: number, lanes: readonly Lane[]): number {
    const slots = this.#slotsOf(poller);
    const isFree = ({ partition, state }: Lane) => state === 'open' && !this.#claims.has(partition);
    while (slots.hasFree) {
      const decision = assemble(lanes.filter(isFree), this.#limits, performance.now());
      if (decision.kind === 'deliver') this.#start(new Flight(this.#tower, slots), decision.counts);
      else if (decision.kind === 'aside') this.#setAside(decision.partition, slots);
      else return decision.kind === 'wait' ? decision.until : Number.POSITIVE_INFINITY;
    }
    return Number.POSITIVE_INFINITY;
  }

  // AWS: in provisioned mode partitions are shared out among pollers, at most one for each; more
  // join under load. Without it, Lambda decides; here it is one, with an invocation for each
  // partition. https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
  #byPoller(): Lane[][] {
    const lanes = [...this.#lanes.values()].sort((a, b) => a.partition - b.partition);
    const { pollers } = this.#options;
    if (this.#fullOnes().size > 0) this.#isScaled = true;
    else if (lanes.every(({ waiting }) => waiting.length === 0)) this.#isScaled = false;
    const wanted = (this.#isScaled ? pollers?.maximum : pollers?.minimum) ?? 1;
    const number = Math.max(1, Math.min(wanted, lanes.length));
    return Array.from({ length: number }, (_, poller) =>
      lanes.filter((_, index) => index % number === poller),
    );
  }

  #slotsOf(poller: number): Slots {
    const limit = this.#options.pollers ? INVOCATIONS_OF_A_POLLER : Number.POSITIVE_INFINITY;
    this.#slots[poller] ??= new Slots(limit, () => this.#schedule());
    return this.#slots[poller];
  }

  #start(flight: Flight, counts: ReadonlyMap<number, number>): void {
    this.#track(flight.deliver([...counts].flatMap(([partition, n]) => this.#take(partition, n))));
  }

  /** The first record of a partition, which is not to be invoked with. */
  #setAside(partition: number, slots: Slots): void {
    const flight = new Flight(this.#tower, slots);
    const parts = this.#take(partition, 1);
    const entry = parts[0]?.entries[0];
    const { condition, message } = entry?.aside ?? {
      condition: 'MaximumPayloadSizeExceeded' as const,
      message: `as an event the record has ${entry?.bytes} bytes, an invocation takes ${this.#options.payloadBytes}`,
    };
    this.#track(flight.giveUp(parts, condition, message));
  }

  #take(partition: number, n: number): Part[] {
    const lane = this.#lanes.get(partition);
    if (!lane) return [];
    const full = this.#fullOnes();
    const entries = take(lane, n);
    const claim = new Claim(lane, entries);
    this.#claims.set(partition, claim);
    if (full.size > 0) this.#tellRoom(full);
    return [{ claim, entries }];
  }

  #fullOnes(): Set<Lane> {
    return fullOnes(this.#lanes.values(), this.#options.batchSize);
  }

  #tellRoom(before: ReadonlySet<Lane>): void {
    const after = this.#fullOnes();
    for (const lane of before) if (!after.has(lane)) this.#options.onRoom(lane.partition);
  }

  #track(flight: Promise<void>): void {
    const running = flight.finally(() => {
      this.#running.delete(running);
      this.#schedule();
    });
    this.#running.add(running);
  }

  #finish(parts: readonly Part[]): void {
    for (const { claim, entries } of parts) {
      const next = claim.finish(entries);
      if (next !== undefined && claim.lane.state !== 'lost') {
        this.#progress(claim.lane.partition, next);
      }
      if (claim.isDone) this.#release(claim);
    }
    this.#schedule();
  }

  #progress(partition: number, next: number): void {
    this.#options.stats.done(partition, next);
    this.#options.onProgress(partition, next);
  }

  #landed(claim: Claim): void {
    claim.isInvoking = false;
    if (claim.lane.state === 'lost') this.#release(claim);
  }

  /** Lets go of a partition; it may be delivered again. */
  #release(claim: Claim): void {
    if (claim.isReleased) return;
    claim.isReleased = true;
    const { lane } = claim;
    this.#claims.delete(lane.partition);
    const current = this.#lanes.get(lane.partition);
    if (current) current.freeSince = performance.now();
  }

  // AWS does not say whether it drops a record over 6 MB when no destination is set or stays at it.
  // Staying loses nothing. https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-troubleshoot.html
  #block({ claim, entries }: Part, reason: string, attempts: number): void {
    const { lane } = claim;
    if (lane.state !== 'open') return;
    lane.state = 'blocked';
    const { name, log, stats } = this.#options;
    const offset = entries[0]?.offset ?? 0;
    stats.blocked(lane.partition, { offset, reason, attempts, isRetried: false });
    log.error(
      `${name}: ${lane.key} stands still at offset ${offset}: ${reason}. Nothing is skipped or ` +
        'committed past it. Send smaller records, or set a destination on failure; to go past ' +
        "this one, stop and set the group's offset after it (kafka-consumer-groups --reset-offsets).",
    );
  }

  async #allowed(): Promise<void> {
    while (this.#gate && !this.#isClosed) await this.#orClosed(this.#gate.promise);
  }

  async #pause(ms: number): Promise<void> {
    const ended = new AbortController();
    await this.#orClosed(sleep(ms, ended.signal));
    ended.abort();
  }

  #orClosed(promise: Promise<void>): Promise<void> {
    return Promise.race([promise, this.#closed.promise]);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
