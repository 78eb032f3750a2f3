/** Puts fetched records into the buffers, or leaves them in Kafka until their schemas are loaded. */
import type { EachBatchPayload } from 'kafkajs';
import { RESULTS } from '../access/result.ts';
import type { Scheduler } from '../delivery/scheduler.ts';
import type { Stats } from '../delivery/stats.ts';
import type { Group } from './group.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import type { Reporter } from './reporter.ts';

type FetchedBatch = EachBatchPayload['batch'] & { readonly fetchedOffset?: string };

export interface FetchOptions extends Pick<IntakeOptions, 'mapping' | 'backoff'> {
  readonly scheduler: Scheduler;
  readonly stats: Stats;
  readonly group: Group;
  readonly reporter: Reporter;
}

export class Fetch {
  readonly #options: FetchOptions;
  readonly #intake: Intake;
  /** For each partition that waits for schemas: the first offset to fetch again. */
  readonly #waiting = new Map<number, number>();
  #isRegistryAway = false;

  constructor(options: FetchOptions) {
    this.#options = options;
    const { mapping, backoff } = options;
    const onProblem: IntakeOptions['onProblem'] = (result, reason) =>
      this.#reportRegistry(result, reason);
    this.#intake = new Intake({ mapping, backoff, onProblem });
  }

  // Only fills the buffer and returns: kafkajs heartbeats between two calls, however long an
  // invocation takes.
  take(payload: EachBatchPayload): void {
    const { scheduler, stats, group } = this.#options;
    if (payload.isStale() || !payload.isRunning()) return;
    const batch: FetchedBatch = payload.batch;
    const { topic, partition, messages } = batch;
    if (!group.isReady(partition) || !this.#isExpected(batch)) return;
    const end = Number(batch.lastOffset()) + 1;
    stats.fetched(partition, Number(batch.highWatermark));
    const taken = this.#intake.take({ topic, partition, messages, end });
    if (taken.kind === 'missing') {
      this.#wait(partition, Number(messages[0]?.offset), taken.schemaIds);
      return;
    }
    stats.count('filtered', taken.filtered);
    group.fetched(partition, end);
    if (taken.records.length > 0) scheduler.enqueue(partition, taken.records);
    else scheduler.skip(partition, end);
    if (scheduler.isFull(partition)) group.setPaused(partition, true);
    payload.resolveOffset(batch.lastOffset());
  }

  /** Forgets a partition that another member has now. */
  forget(partition: number): void {
    this.#waiting.delete(partition);
  }

  close(): Promise<void> {
    return this.#intake.close();
  }

  /** Whether the fetch begins where the last one ended; if not, the position is found again. */
  #isExpected({ partition, messages, fetchedOffset }: FetchedBatch): boolean {
    const { reporter, group } = this.#options;
    const expected = group.fetchedUpTo(partition);
    const fetched = Number(fetchedOffset ?? messages[0]?.offset);
    if (fetched === expected) return true;
    reporter.debug(`partition ${partition} was fetched from ${fetched} instead of ${expected}`);
    group.reposition(partition);
    return false;
  }

  /** Pauses the partition until the schemas are loaded; then the same records are fetched again. */
  #wait(partition: number, offset: number, schemaIds: ReadonlySet<number>): void {
    this.#waiting.set(partition, offset);
    const goOn = this.#options.group.pauseUntil(partition);
    void this.#intake.load(schemaIds).then(() => {
      this.#waiting.delete(partition);
      this.#reportRegistryBack();
      goOn();
    });
  }

  #reportRegistry(result: string | undefined, reason: string): void {
    const { stats, reporter } = this.#options;
    this.#isRegistryAway = true;
    stats.result(`PROBLEM: ${result ?? reason}`);
    for (const [partition, offset] of this.#waiting) {
      stats.blocked(partition, { offset, reason, attempts: 0, isRetried: true });
    }
    const what = [reason, result].filter(Boolean).join('. ').replace(/\.?$/, '.');
    reporter.problemIs(`no schema from its registry: ${what} Trying again.`);
  }

  #reportRegistryBack(): void {
    const { stats, reporter } = this.#options;
    if (this.#waiting.size > 0 || !this.#isRegistryAway) return;
    this.#isRegistryAway = false;
    reporter.problemIsOver();
    stats.result(RESULTS.ok);
    reporter.notice('its schema registry answers again');
  }
}
