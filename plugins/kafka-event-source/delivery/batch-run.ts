/** Delivers one batch until none of its records is left: invokes, retries, splits and gives up. */
import { randomUUID } from 'node:crypto';
import { RESULTS } from '../access/result.ts';
import type { Condition, Failure, OmittedField } from '../destination/failure.ts';
import { toPayload } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Some } from '../life.ts';
import { messageOf } from '../log.ts';
import { plural } from '../plural.ts';
import type { BufferedRecord } from '../record.ts';
import { pause } from '../time.ts';
import { acknowledge } from './acknowledge.ts';
import { count, type PartitionRecords, ranges } from './partition.ts';
import { type Backoff, byAge, delayOf, type Failed, keep, react, split } from './retry.ts';
import type { Scheduler, SchedulerOptions } from './scheduler.ts';
import type { Slots } from './slots.ts';

/** The remaining records of a batch, and the attempts so far. */
interface Work {
  readonly batch: readonly PartitionRecords[];
  readonly retries: number;
  readonly invocations: number;
  /** The attempts that failed, which decide the delay after the next one. */
  readonly failures: number;
  /** The calls in a row that did not reach the function: they have delays of their own. */
  readonly unreached: number;
  readonly last?: LastInvocation;
}

interface LastInvocation {
  readonly requestId: string;
  readonly executedVersion: string;
  readonly functionError: string | null;
}

type Step =
  | { readonly kind: 'over' }
  | { readonly kind: 'expired'; readonly expired: Work; readonly fresh: Work }
  | {
      readonly kind: 'invoked';
      readonly id: string;
      readonly work: Work;
      readonly result: InvocationResult;
    };

/** The number of attempts after which `dropWhenDestinationFails` drops the records. */
const DESTINATION_ATTEMPTS = 3;

export class BatchRun {
  readonly #scheduler: Scheduler;
  readonly #options: SchedulerOptions;
  readonly #slots: Slots;

  constructor(scheduler: Scheduler, slots: Slots) {
    this.#scheduler = scheduler;
    this.#options = scheduler.options;
    this.#slots = slots;
  }

  deliver(batch: readonly PartitionRecords[]): Promise<void> {
    return this.#run(begin(batch));
  }

  /** Gives up records without an invocation. */
  discard(batch: readonly PartitionRecords[], condition: Condition, reason: string): Promise<void> {
    if (condition !== 'MaximumPayloadSizeExceeded') {
      this.#options.stats.emit('SchemaRegistryErrorCount', count(batch));
    }
    return this.#giveUp(begin(batch), condition, reason);
  }

  async #run(work: Work): Promise<void> {
    for (let current: Work | undefined = work; current; ) {
      await this.#slots.take();
      const step: Step = await this.#step(current).finally(() => this.#slots.release());
      if (step.kind === 'over') return;
      if (step.kind === 'invoked') current = await this.#goOn(step);
      else {
        const age = this.#options.maximumRecordAgeSeconds;
        await this.#giveUp(step.expired, 'RecordAgeExceeded', `older than ${age} s`);
        current = step.fresh;
      }
    }
  }

  /** Invokes with the remaining records, unless some of them are too old. */
  async #step(work: Work): Promise<Step> {
    if (!(await this.#enter(work))) return { kind: 'over' };
    try {
      return await this.#invoke(work);
    } finally {
      this.#options.concurrency?.release();
    }
  }

  /** Waits until the function may be invoked. @returns false if polling stops before */
  async #enter(work: Work): Promise<boolean> {
    const { concurrency, signal } = this.#options;
    for (;;) {
      await this.#scheduler.resumed();
      if (!concurrency) return true;
      if (!concurrency.hasFree) this.#reportThrottle(work, concurrency.limit);
      if (!(await concurrency.take(signal))) return false;
      if (!this.#scheduler.isHeld()) return true;
      // Other mappings of the function go on.
      concurrency.release();
    }
  }

  async #invoke(work: Work): Promise<Step> {
    const batch = open(work.batch);
    if (this.#options.signal.aborted || batch.length === 0) return { kind: 'over' };
    const { expired, fresh } = byAge(batch, this.#options, this.#scheduler.clock.date());
    if (expired.length > 0) {
      return {
        kind: 'expired',
        expired: { ...work, batch: expired },
        fresh: { ...work, batch: fresh },
      };
    }
    for (const { inFlight } of batch) inFlight.beginInvocation();
    const [id, payload] = [randomUUID(), payloadOf(this.#options, batch)];
    const attempt = work.invocations + 1;
    this.#options.onStep({ kind: 'invoked', id, batch: batch.map(some), attempt, payload });
    const result = await this.#options.invoke(payload, id);
    this.#scheduler.endInvocation(batch);
    return { kind: 'invoked', id, work: { ...work, batch }, result };
  }

  /** The work that remains after an invocation. */
  async #goOn({ id, work, result }: Step & { kind: 'invoked' }): Promise<Work | undefined> {
    const { batch } = work;
    const verdict = acknowledge(batch.map(offsetsOf), result, this.#options);
    const again = new Map(
      verdict.partitions.map(({ key, redeliver }) => [key, new Set(redeliver)]),
    );
    const isFailed = ({ offset }: BufferedRecord, { inFlight }: PartitionRecords) =>
      again.get(inFlight.partition.key)?.has(offset) === true;
    const isSuccess = verdict.reason === undefined;
    const succeeded = isSuccess ? batch : keep(batch, (record, one) => !isFailed(record, one));
    const failed = isSuccess ? [] : keep(batch, isFailed);
    const { reason } = verdict;
    this.#options.onStep({ kind: 'answered', id, result, failed: failed.map(some), reason });
    const next: Work = {
      batch: open(failed),
      retries: work.retries,
      invocations: work.invocations + (verdict.attempted ? 1 : 0),
      failures: work.failures + (verdict.attempted ? 1 : 0),
      unreached: verdict.attempted ? 0 : work.unreached + 1,
      ...(verdict.attempted ? { last: lastOf(result) } : work.last && { last: work.last }),
    };
    this.#count(result, { records: count(batch), succeeded: count(succeeded) }, reason);
    this.#scheduler.finish(open(succeeded));
    if (next.batch.length === 0) return undefined;
    const kind = result.kind === 'ok' ? 'reported' : result.kind;
    return this.#react(next, kind, reason ?? '');
  }

  async #react(work: Work, kind: Failed['kind'], reason: string): Promise<Work | undefined> {
    const { signal, backoff, stats } = this.#options;
    const { batch, retries } = work;
    const reaction = react(this.#options, { kind, records: count(batch), retries });
    if (reaction === 'giveUp') {
      const condition = kind === 'tooLarge' ? 'MaximumPayloadSizeExceeded' : 'RetriesExhausted';
      await this.#giveUp(work, condition, reason);
      return undefined;
    }
    const delay = kind === 'tooLarge' ? 0 : delayAfter(work, backoff);
    this.#report(work, reason, reaction === 'split' ? 'Trying both halves' : 'Trying again', delay);
    const kindOfStep = reaction === 'split' ? 'bisected' : 'retried';
    this.#options.onStep({ kind: kindOfStep, batch: batch.map(some), reason, delayMs: delay });
    await pause(delay, signal, this.#scheduler.clock);
    if (reaction === 'split') {
      await this.#halves(work);
      return undefined;
    }
    stats.count('retries', reaction === 'retry' ? 1 : 0);
    return { ...work, retries: retries + (reaction === 'retry' ? 1 : 0) };
  }

  /** Runs both halves at the same time, or one after the other if they share a partition. */
  async #halves(work: Work): Promise<void> {
    const anew = { failures: 0, unreached: 0 };
    const [first, second] = split(work.batch).map((batch) => ({ ...work, batch, ...anew }));
    if (!first || !second) return;
    const running = this.#run(first);
    if (work.batch.length === 1) await running;
    await Promise.all([running, this.#run(second)]);
  }

  /** Sends the records to the destination, with retries; without a destination it drops them. */
  async #giveUp(work: Work, condition: Condition, reason: string): Promise<void> {
    const { destination, name, log, stats, signal, backoff } = this.#options;
    if (!destination && condition === 'MaximumPayloadSizeExceeded') {
      for (const one of work.batch) this.#scheduler.standStill(one, reason, work.invocations);
      return;
    }
    const taken = new Set<BufferedRecord>();
    const isLeft = (record: BufferedRecord) => !taken.has(record);
    for (let failures = 1; ; failures += 1) {
      await this.#scheduler.resumed();
      const batch = open(keep(work.batch, isLeft));
      if (signal.aborted || batch.length === 0) return;
      const describe = (some: readonly PartitionRecords[]) =>
        `${plural(count(some), 'record')} (${ranges(some)}), ${condition}: ${unended(reason)}`;
      if (!destination) {
        log.error(`${name}: DROPPED ${describe(batch)}. No destination is set.`);
        stats.count('dropped', count(batch));
        // AWS: expiry and exhausted retries only.
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        if (condition === 'RecordAgeExceeded' || condition === 'RetriesExhausted') {
          stats.emit('DroppedEventCount', count(batch));
        }
        this.#tell('dropped', batch, condition, reason);
        this.#scheduler.finish(batch);
        return;
      }
      try {
        const failure = failureOf(this.#scheduler, { ...work, batch }, condition, reason);
        await destination.send(failure, (record, omitted) => {
          taken.add(record);
          if (omitted.length === 0) return;
          this.#reportShortened(
            keep(batch, (one) => one === record),
            omitted,
          );
        });
        this.#reportSent(batch, describe, condition, reason);
        return;
      } catch (error) {
        const left = keep(batch, isLeft);
        const sent = keep(batch, (record) => taken.has(record));
        this.#reportSent(sent, describe, condition, reason);
        stats.count('destinationFailures');
        stats.emit('OnFailureDestinationDeliveryErrorCount', 1);
        const isOver = this.#options.dropWhenDestinationFails && failures >= DESTINATION_ATTEMPTS;
        if (isOver || !this.#options.dropWhenDestinationFails) {
          stats.emit('DestinationDeliveryFailures', 1);
        }
        const why = `${destination.name} did not take ${describe(left)}: ${unended(messageOf(error))}`;
        // AWS drops records that the destination does not take.
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        // Differs from AWS: by default they are kept, and their partition waits for it.
        if (isOver) {
          log.error(`${name}: DROPPED: ${why}`);
          stats.count('dropped', count(left));
          stats.emit('DroppedEventCount', count(left));
          this.#tell('dropped', left, condition, `${reason}; ${messageOf(error)}`);
          this.#scheduler.finish(open(left));
          return;
        }
        const delay = delayOf(backoff, failures);
        log.error(`${name}: ${why}. They are kept, and sent again in ${delay} ms.`);
        this.#tell('refused', left, condition, messageOf(error));
        this.#reportBlocked({ ...work, batch: left }, why);
        await pause(delay, signal, this.#scheduler.clock);
      }
    }
  }

  /** Finishes records that the destination has acknowledged. */
  #reportSent(
    batch: readonly PartitionRecords[],
    describe: (batch: readonly PartitionRecords[]) => string,
    condition: Condition,
    reason: string,
  ): void {
    if (batch.length === 0) return;
    this.#tell('sent', batch, condition, reason);
    const { destination, name, log, stats } = this.#options;
    log.warning(`${name}: sent to ${destination?.name}: ${describe(batch)}`);
    stats.count('sentToDestination', count(batch));
    stats.emit('OnFailureDestinationDeliveredEventCount', count(batch));
    this.#scheduler.finish(open(batch));
  }

  #tell(
    kind: 'sent' | 'refused' | 'dropped',
    batch: readonly PartitionRecords[],
    condition: Condition,
    reason: string,
  ): void {
    const { destination, onStep } = this.#options;
    onStep({ kind, batch: batch.map(some), destination: destination?.name, condition, reason });
  }

  #reportShortened(letter: readonly PartitionRecords[], omitted: readonly OmittedField[]): void {
    const { destination, name, log, stats } = this.#options;
    stats.count('shortened');
    log.warning(
      `${name}: the letter of ${ranges(letter)} lacks its ${omitted.join(' and ')}: ` +
        `${destination?.name} takes no larger letter`,
    );
  }

  // AWS: what exceeds the reserved concurrency is throttled, and a reserved concurrency of 0 stops
  // processing. https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
  #reportThrottle(work: Work, limit: number): void {
    const { name, log } = this.#options;
    const message = `throttled: the function's reservedConcurrency is ${limit}`;
    const records = count(work.batch);
    this.#count({ kind: 'notReached', message }, { records, succeeded: 0 }, message);
    this.#reportBlocked(work, message);
    this.#options.onStep({ kind: 'throttled', batch: work.batch.map(some), reason: message });
    if (limit === 0) log.error(`${name}: ${message}; its records wait`);
  }

  #report(work: Work, reason: string, what: string, delay: number): void {
    const { name, log } = this.#options;
    log.error(
      `${name}: ${plural(count(work.batch), 'record')} failed (${ranges(work.batch)}), attempt ` +
        `${work.invocations}: ${unended(reason)}. ${what} in ${delay} ms.`,
    );
    this.#reportBlocked(work, reason);
  }

  #reportBlocked({ batch, invocations }: Work, reason: string): void {
    for (const { inFlight, records } of batch) {
      const offset = records[0]?.offset ?? 0;
      this.#options.stats.blocked(inFlight.partition.partition, {
        offset,
        reason,
        attempts: invocations,
        isRetried: true,
      });
    }
  }

  #count(
    { kind }: InvocationResult,
    { records, succeeded }: { readonly records: number; readonly succeeded: number },
    reason?: string,
  ): void {
    const { stats } = this.#options;
    stats.emit('InvokedEventCount', records);
    if (succeeded < records) stats.emit('FailedInvokeEventCount', records - succeeded);
    if (kind !== 'ok') stats.emit('InvokeErrorCount', 1);
    stats.count('succeeded', succeeded);
    stats.count(kind === 'notReached' ? 'throttles' : 'invocations');
    if (reason !== undefined && kind !== 'notReached') stats.count('failedInvocations');
    stats.result(reason === undefined ? RESULTS.ok : `PROBLEM: Function call failed: ${reason}`);
  }
}

function begin(batch: readonly PartitionRecords[]): Work {
  return { batch, retries: 0, invocations: 0, failures: 0, unreached: 0 };
}

/** The text without its full stop, for the middle of a sentence. */
function unended(text: string): string {
  return text.replace(/\.+$/, '');
}

function delayAfter({ failures, unreached }: Work, backoff: Backoff): number {
  return unreached > 0 ? delayOf(backoff, unreached, false) : delayOf(backoff, failures);
}

function open(batch: readonly PartitionRecords[]): PartitionRecords[] {
  return batch.filter(({ inFlight }) => inFlight.partition.isOpen);
}

function some({ inFlight, records }: PartitionRecords): Some {
  return { partition: inFlight.partition.partition, records };
}

function offsetsOf({ inFlight, records }: PartitionRecords) {
  return { key: inFlight.partition.key, offsets: records.map(({ offset }) => offset) };
}

/** Bytes: a large text that outlives its invocation costs the garbage collection far more. */
function payloadOf({ source }: SchedulerOptions, batch: readonly PartitionRecords[]): Buffer {
  const groups = batch.map(
    ({ inFlight, records }) => [inFlight.partition.key, records.map(({ json }) => json)] as const,
  );
  return Buffer.from(toPayload(source, groups));
}

function lastOf(result: InvocationResult): LastInvocation {
  const { requestId = randomUUID(), executedVersion = '$LATEST' } =
    result.kind === 'ok' || result.kind === 'functionError' ? result : {};
  // AWS: there is no function error when the function's answer reported the records (recorded of
  // Kinesis).
  return { requestId, executedVersion, functionError: result.kind === 'ok' ? null : 'Unhandled' };
}

function failureOf(
  { options, clock }: Scheduler,
  { batch, invocations, last }: Work,
  condition: Condition,
  reason: string,
): Failure {
  const unknown = { requestId: randomUUID(), executedVersion: '$LATEST', functionError: null };
  return {
    functionArn: options.functionArn,
    source: options.source,
    condition,
    reason,
    invocations,
    ...(last ?? unknown),
    at: new Date(clock.date()),
    partitions: batch.map(({ inFlight, records }) => ({ key: inFlight.partition.key, records })),
  };
}
