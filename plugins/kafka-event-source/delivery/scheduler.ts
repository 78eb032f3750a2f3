/** Delivers one mapping's records in batches, and reports how far each partition is done. */
import type { Destination } from '../destination/destination.ts';
import { type EventSource, envelopeBytes, groupBytes, recordsKey } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { OnStep } from '../life.ts';
import type { Log } from '../log.ts';
import type { BufferedRecord } from '../record.ts';
import type { Pollers } from '../settings/settings.ts';
import { type Clock, SYSTEM_CLOCK } from '../time.ts';
import { assemble, type Limits } from './batch.ts';
import { BatchRun } from './batch-run.ts';
import {
  bytesOf,
  count,
  fullOnes,
  type InFlight,
  Partition,
  type PartitionRecords,
} from './partition.ts';
import type { Backoff, RetryPolicy } from './retry.ts';
import { Slots } from './slots.ts';
import type { Stats } from './stats.ts';
import { type LimitedMapping, ratesOf, Throughput } from './throughput.ts';

export interface SchedulerOptions extends RetryPolicy, LimitedMapping {
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
  /** The function's reserved concurrency, shared by all mappings of the function. */
  readonly concurrency?: Slots | undefined;
  readonly backoff: Backoff;
  readonly log: Log;
  readonly stats: Stats;
  /** Once it aborts, no more invocations begin. */
  readonly signal: AbortSignal;
  /** @param id names this invocation */
  readonly invoke: (payload: Buffer, id: string) => Promise<InvocationResult>;
  readonly onStep: OnStep;
  /** All records of the partition before `next` are done. */
  readonly onProgress: (partition: number, next: number) => void;
  /** The partition's buffer has room again. */
  readonly onRoom: (partition: number) => void;
  /** Whether the group takes this member for alive; if not, others may have its partitions. */
  readonly isAlive?: () => boolean;
  /** The machine's clock by default. */
  readonly clock?: Clock | undefined;
}

// AWS: in provisioned mode a poller has at most five invocations at a time.
// https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
const INVOCATIONS_OF_A_POLLER = 5;

export class Scheduler {
  readonly options: SchedulerOptions;
  readonly clock: Clock;
  readonly #limits: Limits;
  readonly #partitions = new Map<number, Partition>();
  /** By partition. A partition that was revoked and assigned again waits for its old records. */
  readonly #inFlight = new Map<number, InFlight>();
  readonly #slots: Slots[] = [];
  /** By poller; empty without limits. */
  readonly #throughput: Throughput[] = [];
  readonly #running = new Set<Promise<void>>();
  #isScaled = false;
  /** Resolves when invocations may begin again. */
  #hold: PromiseWithResolvers<void> | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(options: SchedulerOptions) {
    this.options = options;
    this.clock = options.clock ?? SYSTEM_CLOCK;
    this.#limits = {
      batchSize: options.batchSize,
      windowMs: options.windowMs,
      payloadBytes: options.payloadBytes,
      envelopeBytes: envelopeBytes(options.source),
      groupBytes: (partition) => groupBytes(this.#key(partition)),
    };
    const stop = () => {
      this.#cancelTimer();
      this.#hold?.resolve();
    };
    options.signal.addEventListener('abort', stop, { once: true });
  }

  /** Adds a partition with an empty buffer. */
  assign(partition: number): void {
    this.revoke(partition);
    this.#partitions.set(partition, new Partition(partition, this.#key(partition), this.clock));
  }

  /** Throws a partition's buffer away; the result of an invocation in flight no longer counts. */
  revoke(partition: number): void {
    const revoked = this.#partitions.get(partition);
    if (!revoked) return;
    const full = this.#fullOnes();
    revoked.revoke();
    this.options.onStep({ kind: 'revoked', partition });
    this.#partitions.delete(partition);
    full.delete(revoked);
    if (full.size > 0) this.#tellRoom(full);
    this.options.stats.forget(partition);
    const inFlight = this.#inFlight.get(partition);
    if (inFlight && !inFlight.isInvoking) this.#free(inFlight);
  }

  /** Adds fetched records, ascending by offset, to the buffer of their partition. */
  enqueue(partition: number, records: readonly BufferedRecord[]): void {
    const found = this.#partitions.get(partition);
    if (!found) return;
    found.add(records);
    this.#schedule();
  }

  /**
   * Skips the offsets after the last enqueued record up to `next`. They are done together with that
   * record, or at once if it is done already.
   */
  skip(partition: number, next: number): void {
    const found = this.#partitions.get(partition);
    if (!found) return;
    const inFlight = this.#inFlight.get(partition);
    if (found.extend(next)) return;
    if (inFlight?.partition === found) inFlight.extend(next);
    else if (found.isOpen) this.#progress(partition, next);
  }

  isFull(partition: number): boolean {
    const found = this.#partitions.get(partition);
    return found !== undefined && this.#fullOnes().has(found);
  }

  /** Holds back new invocations until `resume`, such as during a rebalance. */
  hold(): void {
    this.#hold ??= Promise.withResolvers();
  }

  resume(): void {
    this.#hold?.resolve();
    this.#hold = undefined;
    this.#schedule();
  }

  /** Resolves when invocations may begin, or when the signal aborts. */
  async resumed(): Promise<void> {
    while (this.isHeld() && !this.options.signal.aborted) await this.#hold?.promise;
  }

  /** Waits for the invocations in flight, until `limit` resolves. */
  async drain(limit: Promise<unknown>): Promise<void> {
    const { log, name } = this.options;
    const ended = Promise.all(this.#running).then(() => true);
    if (await Promise.race([ended, limit.then(() => false)])) return;
    log.warning(`${name}: an invocation is still running; its records are delivered again`);
  }

  endInvocation(batch: readonly PartitionRecords[]): void {
    for (const { inFlight } of batch) {
      inFlight.endInvocation();
      if (inFlight.partition.isRevoked) this.#free(inFlight);
    }
  }

  /** Counts records of open partitions as done: they need no further delivery. */
  finish(batch: readonly PartitionRecords[]): void {
    for (const { inFlight, records } of batch) {
      const next = inFlight.finish(records);
      if (next !== undefined) this.#progress(inFlight.partition.partition, next);
      if (inFlight.isDone) this.#free(inFlight);
    }
    this.#schedule();
  }

  // AWS does not say whether it drops a record over 6 MB when no destination is set, or stays at the
  // record. Staying loses no record. https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-troubleshoot.html
  standStill({ inFlight, records }: PartitionRecords, reason: string, attempts: number): void {
    const { partition } = inFlight;
    if (!partition.isOpen) return;
    partition.stop();
    const { name, log, stats } = this.options;
    const offset = records[0]?.offset ?? 0;
    stats.blocked(partition.partition, { offset, reason, attempts, isRetried: false });
    const batch = [{ partition: partition.partition, records }];
    this.options.onStep({ kind: 'stoodStill', batch, reason });
    log.error(
      `${name}: ${partition.key} stands still at offset ${offset}: ${reason}. Nothing is skipped or ` +
        'committed past it. Send smaller records, or set a destination on failure; to go past ' +
        "this one, stop and set the group's offset after it (kafka-consumer-groups --reset-offsets).",
    );
  }

  /** A process that was suspended begins nothing before the group has heard of it again. */
  isHeld(): boolean {
    if (this.options.isAlive?.() === false) this.hold();
    return this.#hold !== undefined;
  }

  #key(partition: number): string {
    return recordsKey(this.options.topic, partition);
  }

  /** Begins all batches that can begin, and checks again when the next window ends. */
  #schedule(): void {
    this.#cancelTimer();
    if (this.options.signal.aborted || this.isHeld()) return;
    const until = this.#byPoller().map((partitions, poller) => this.#begin(poller, partitions));
    const next = Math.min(...until);
    if (!Number.isFinite(next)) return;
    const delay = Math.max(0, next - this.clock.monotonic());
    this.#cancelTimer = this.clock.after(delay, () => this.#schedule(), 'batch');
  }

  /** The number of pollers at work. */
  get pollers(): number {
    return this.#byPoller().length;
  }

  /** Begins the batches of one poller, and returns the time of the next check. */
  #begin(poller: number, partitions: readonly Partition[]): number {
    const slots = this.#slotsOf(poller);
    const throughput = this.#throughputOf(poller);
    const isFree = ({ partition, isOpen }: Partition) => isOpen && !this.#inFlight.has(partition);
    while (slots.hasFree) {
      const decision = assemble(partitions.filter(isFree), this.#limits, this.clock.monotonic());
      if (decision.kind === 'wait') return decision.until;
      if (decision.kind === 'nothing') break;
      if (throughput && throughput.freeAt > this.clock.monotonic()) return throughput.freeAt;
      const run = new BatchRun(this, slots);
      if (decision.kind === 'deliver') this.#deliver(run, decision.counts, throughput);
      else this.#track(this.#discard(run, decision.partition));
    }
    return Number.POSITIVE_INFINITY;
  }

  // AWS: in provisioned mode Lambda divides the partitions among pollers, at most one poller for each
  // partition, and adds pollers under load. In on-demand mode Lambda decides; here one poller has an
  // invocation for each partition. https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
  #byPoller(): Partition[][] {
    const all = [...this.#partitions.values()].sort((a, b) => a.partition - b.partition);
    const { pollers } = this.options;
    if (this.#fullOnes().size > 0) this.#isScaled = true;
    else if (all.every(({ waiting }) => waiting.length === 0)) this.#isScaled = false;
    const wanted = (this.#isScaled ? pollers?.maximum : pollers?.minimum) ?? 1;
    const number = Math.max(1, Math.min(wanted, all.length));
    return Array.from({ length: number }, (_, poller) =>
      all.filter((_, index) => index % number === poller),
    );
  }

  #slotsOf(poller: number): Slots {
    const limit = this.options.pollers ? INVOCATIONS_OF_A_POLLER : Number.POSITIVE_INFINITY;
    this.#slots[poller] ??= new Slots(limit, () => this.#schedule());
    return this.#slots[poller];
  }

  #throughputOf(poller: number): Throughput | undefined {
    const rates = ratesOf(this.options);
    if (rates) this.#throughput[poller] ??= new Throughput(rates);
    return this.#throughput[poller];
  }

  #deliver(run: BatchRun, counts: ReadonlyMap<number, number>, throughput?: Throughput): void {
    const batch = this.#take(counts);
    if (throughput) {
      const now = this.clock.monotonic();
      throughput.take(count(batch), bytesOf(batch), now);
      const { log, name } = this.options;
      const ms = Math.round(throughput.freeAt - now);
      log.debug(`${name}: limits: aws: its poller begins the next batch in ${ms} ms or later`);
    }
    this.#track(run.deliver(batch));
  }

  /** Gives up the first record of a partition without an invocation. */
  #discard(run: BatchRun, partition: number): Promise<void> {
    const batch = this.#take(new Map([[partition, 1]]));
    const record = batch[0]?.records[0];
    const { condition, message } = record?.undeliverable ?? {
      condition: 'MaximumPayloadSizeExceeded' as const,
      message: `the record has ${record?.bytes} bytes in the event; an invocation takes ${this.options.payloadBytes}`,
    };
    return run.discard(batch, condition, message);
  }

  /** Takes the given number of first records of each partition; they are in flight from now on. */
  #take(counts: ReadonlyMap<number, number>): PartitionRecords[] {
    return [...counts].flatMap(([partition, count]) => {
      const found = this.#partitions.get(partition);
      if (!found) return [];
      const full = this.#fullOnes();
      const inFlight = found.take(count);
      this.#inFlight.set(partition, inFlight);
      if (full.size > 0) this.#tellRoom(full);
      return [{ inFlight, records: inFlight.records }];
    });
  }

  #fullOnes(): Set<Partition> {
    return fullOnes(this.#partitions.values(), this.options.batchSize);
  }

  #tellRoom(before: ReadonlySet<Partition>): void {
    const after = this.#fullOnes();
    for (const one of before) if (!after.has(one)) this.options.onRoom(one.partition);
  }

  #track(run: Promise<void>): void {
    const running = run.finally(() => {
      this.#running.delete(running);
      this.#schedule();
    });
    this.#running.add(running);
  }

  #progress(partition: number, next: number): void {
    this.options.stats.done(partition, next);
    this.options.onProgress(partition, next);
  }

  /** The partition has no more records in flight, so its next records may be delivered. */
  #free(inFlight: InFlight): void {
    const { partition } = inFlight.partition;
    if (this.#inFlight.get(partition) !== inFlight) return;
    this.#inFlight.delete(partition);
    this.#partitions.get(partition)?.free();
  }
}
