/** One batch on its way: invoked, retried, split, and given up, until nothing of it is left. */
import { randomUUID } from 'node:crypto';
import type { Condition, Failure } from '../destination/failure.ts';
import { toPayload } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { BufferedRecord } from '../record.ts';
import { acknowledge } from './acknowledge.ts';
import { type Claim, count, type Part, ranges } from './claim.ts';
import type { DeliveryOptions } from './delivery.ts';
import { byAge, delayOf, type Failed, keep, react, split } from './retry.ts';
import type { Slots } from './slots.ts';

/** What a batch needs of the delivery that it belongs to. */
export interface Tower {
  readonly options: DeliveryOptions;
  isClosed(): boolean;
  /** Resolves while invocations may begin. */
  allowed(): Promise<void>;
  /** Resolves early at the end of all. */
  pause(ms: number): Promise<void>;
  /** Records that need no further delivery. */
  finish(parts: readonly Part[]): void;
  /** An invocation with the claim has ended. */
  landed(claim: Claim): void;
  /** The partition stands still at its first record that is not done. */
  block(part: Part, reason: string, attempts: number): void;
}

interface Work {
  readonly parts: readonly Part[];
  readonly retries: number;
  readonly invocations: number;
  /** In a row, for the delay. */
  readonly failures: number;
  readonly last?: Last;
}

type Step =
  | { readonly kind: 'over' }
  | { readonly kind: 'expired'; readonly expired: Work; readonly fresh: Work }
  | { readonly kind: 'invoked'; readonly work: Work; readonly result: InvocationResult };

interface Last {
  readonly requestId: string;
  readonly executedVersion: string;
  readonly functionError: string | null;
}

/** With `dropWhenDestinationFails`. */
const DESTINATION_ATTEMPTS = 3;

export class Flight {
  readonly #tower: Tower;
  readonly #slots: Slots;

  constructor(tower: Tower, slots: Slots) {
    this.#tower = tower;
    this.#slots = slots;
  }

  deliver(parts: readonly Part[]): Promise<void> {
    return this.#run({ parts, retries: 0, invocations: 0, failures: 0 });
  }

  /** Records that are not to be invoked with at all. */
  giveUp(parts: readonly Part[], condition: Condition, reason: string): Promise<void> {
    return this.#giveUp({ parts, retries: 0, invocations: 0, failures: 0 }, condition, reason);
  }

  async #run(work: Work): Promise<void> {
    for (let current: Work | undefined = work; current; ) {
      await this.#slots.take();
      const step: Step = await this.#step(current).finally(() => this.#slots.release());
      if (step.kind === 'over') return;
      if (step.kind === 'invoked') current = await this.#goOn(step.work, step.result);
      else {
        const age = this.#tower.options.maximumRecordAgeSeconds;
        await this.#giveUp(step.expired, 'RecordAgeExceeded', `older than ${age} s`);
        current = step.fresh;
      }
    }
  }

  /** Invokes with what is left of the work, unless some of it is too old. */
  async #step(work: Work): Promise<Step> {
    const { options } = this.#tower;
    await this.#tower.allowed();
    const parts = open(work.parts);
    if (this.#tower.isClosed() || parts.length === 0) return { kind: 'over' };
    const { expired, fresh } = byAge(parts, options, Date.now());
    if (expired.length > 0) {
      return {
        kind: 'expired',
        expired: { ...work, parts: expired },
        fresh: { ...work, parts: fresh },
      };
    }
    for (const { claim } of parts) claim.isInvoking = true;
    const result = await options.invoke(payloadOf(options, parts));
    for (const { claim } of parts) this.#tower.landed(claim);
    return { kind: 'invoked', work: { ...work, parts }, result };
  }

  /** What is left to do after an invocation. */
  async #goOn(work: Work, result: InvocationResult): Promise<Work | undefined> {
    const { parts } = work;
    const verdict = acknowledge(parts.map(view), result, this.#tower.options);
    const again = new Map(verdict.parts.map(({ key, redeliver }) => [key, new Set(redeliver)]));
    const isFailed = ({ offset }: BufferedRecord, { claim }: Part) =>
      again.get(claim.lane.key)?.has(offset) === true;
    const isSuccess = verdict.reason === undefined;
    const succeeded = isSuccess ? parts : keep(parts, (entry, part) => !isFailed(entry, part));
    const next: Work = {
      parts: isSuccess ? [] : open(keep(parts, isFailed)),
      retries: work.retries,
      invocations: work.invocations + (verdict.attempted ? 1 : 0),
      failures: work.failures + 1,
      ...(verdict.attempted ? { last: lastOf(result) } : work.last && { last: work.last }),
    };
    this.#count(result, count(succeeded), verdict.reason);
    this.#tower.finish(open(succeeded));
    if (next.parts.length === 0) return undefined;
    const kind = result.kind === 'ok' ? 'reported' : result.kind;
    return this.#react(next, kind, verdict.reason ?? '');
  }

  async #react(work: Work, kind: Failed['kind'], reason: string): Promise<Work | undefined> {
    const { options } = this.#tower;
    const reaction = react(options, { kind, records: count(work.parts), retries: work.retries });
    if (reaction === 'giveUp') {
      const condition = kind === 'tooLarge' ? 'MaximumPayloadSizeExceeded' : 'RetriesExhausted';
      await this.#giveUp(work, condition, reason);
      return undefined;
    }
    const delay =
      kind === 'tooLarge' ? 0 : delayOf(options.backoff, work.failures, kind !== 'notReached');
    this.#tell(work, reason, reaction === 'split' ? 'In two halves' : 'Again', delay);
    await this.#tower.pause(delay);
    if (reaction === 'split') {
      await this.#halves(work);
      return undefined;
    }
    options.stats.count('retries', reaction === 'retry' ? 1 : 0);
    return { ...work, retries: work.retries + (reaction === 'retry' ? 1 : 0) };
  }

  /** At the same time when they have no partition in common, else one after the other. */
  async #halves(work: Work): Promise<void> {
    const [first, second] = split(work.parts).map((parts) => ({ ...work, parts, failures: 0 }));
    if (!first || !second) return;
    const running = this.#run(first);
    if (work.parts.length === 1) await running;
    await Promise.all([running, this.#run(second)]);
  }

  async #giveUp(work: Work, condition: Condition, reason: string): Promise<void> {
    const { options } = this.#tower;
    const { destination, name, log, stats } = options;
    if (!destination && condition === 'MaximumPayloadSizeExceeded') {
      for (const part of work.parts) this.#tower.block(part, reason, work.invocations);
      return;
    }
    for (let failures = 1; ; failures += 1) {
      await this.#tower.allowed();
      const parts = open(work.parts);
      if (this.#isClosed() || parts.length === 0) return;
      const what = `${count(parts)} record(s) (${ranges(parts)}), ${condition}: ${reason}`;
      if (!destination) {
        log.error(`${name}: DROPPED ${what}. No destination is set.`);
        stats.count('dropped', count(parts));
        this.#tower.finish(parts);
        return;
      }
      try {
        await destination.send(failureOf(options, { ...work, parts }, condition, reason));
        log.warning(`${name}: sent to ${destination.name}: ${what}`);
        stats.count('sentToDestination', count(parts));
        this.#tower.finish(open(parts));
        return;
      } catch (error) {
        stats.count('destinationFailures');
        const why = `${destination.name} did not take ${what}: ${messageOf(error)}`;
        // AWS drops what the destination does not take.
        // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
        // Differs from AWS: by default it is kept, and its partition stands still until it is taken.
        if (options.dropWhenDestinationFails && failures >= DESTINATION_ATTEMPTS) {
          log.error(`${name}: DROPPED: ${why}`);
          stats.count('dropped', count(parts));
          this.#tower.finish(open(parts));
          return;
        }
        const delay = delayOf(options.backoff, failures);
        log.error(`${name}: ${why}. Kept, and sent again in ${delay} ms.`);
        this.#blocked({ ...work, parts }, why);
        await this.#tower.pause(delay);
      }
    }
  }

  #isClosed(): boolean {
    return this.#tower.isClosed();
  }

  #tell(work: Work, reason: string, what: string, delay: number): void {
    const { name, log } = this.#tower.options;
    log.error(
      `${name}: ${count(work.parts)} record(s) failed (${ranges(work.parts)}), attempt ` +
        `${work.invocations}: ${reason.replace(/\.$/, '')}. ${what} in ${delay} ms.`,
    );
    this.#blocked(work, reason);
  }

  #blocked({ parts, invocations }: Work, reason: string): void {
    for (const { claim, entries } of parts) {
      const offset = entries[0]?.offset ?? 0;
      this.#tower.options.stats.blocked(claim.lane.partition, {
        offset,
        reason,
        attempts: invocations,
        isRetried: true,
      });
    }
  }

  #count({ kind }: InvocationResult, succeeded: number, reason?: string): void {
    const { stats } = this.#tower.options;
    stats.count('succeeded', succeeded);
    stats.count(kind === 'notReached' ? 'throttles' : 'invocations');
    if (reason !== undefined && kind !== 'notReached') stats.count('failedInvocations');
    stats.result(reason === undefined ? 'OK' : `PROBLEM: Function call failed: ${reason}`);
  }
}

function open(parts: readonly Part[]): Part[] {
  return parts.filter(({ claim }) => claim.lane.state === 'open');
}

function view({ claim, entries }: Part) {
  return { key: claim.lane.key, offsets: entries.map(({ offset }) => offset) };
}

function payloadOf({ source }: DeliveryOptions, parts: readonly Part[]): string {
  return toPayload(
    source,
    parts.map(({ claim, entries }) => [claim.lane.key, entries.map(({ json }) => json)]),
  );
}

function lastOf(result: InvocationResult): Last {
  const { requestId = randomUUID(), executedVersion = '$LATEST' } =
    result.kind === 'ok' || result.kind === 'functionError' ? result : {};
  // AWS: no function error where the function answered and reported the records (recorded for
  // Kinesis).
  return { requestId, executedVersion, functionError: result.kind === 'ok' ? null : 'Unhandled' };
}

function failureOf(
  { functionArn, source }: DeliveryOptions,
  { parts, invocations, last }: Work,
  condition: Condition,
  reason: string,
): Failure {
  const unknown = { requestId: randomUUID(), executedVersion: '$LATEST', functionError: null };
  return {
    functionArn,
    source,
    condition,
    reason,
    invocations,
    ...(last ?? unknown),
    at: new Date(),
    parts: parts.map(({ claim, entries }) => ({ key: claim.lane.key, entries })),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
