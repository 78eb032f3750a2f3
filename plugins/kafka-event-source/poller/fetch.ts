/** Puts fetched records into the buffers, or leaves them in Kafka until their schemas are loaded. */
import type { EachBatchPayload } from 'kafkajs';
import { RESULTS } from '../access/result.ts';
import type { Scheduler } from '../delivery/scheduler.ts';
import type { Stats } from '../delivery/stats.ts';
import type { Message } from '../event.ts';
import type { OnStep } from '../life.ts';
import type { Mapping } from '../mapping.ts';
import { listHeaders } from '../protocol/headers.ts';
import type { Group } from './group.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import type { Reporter } from './reporter.ts';

type FetchedBatch = EachBatchPayload['batch'] & { readonly fetchedOffset?: string };

export interface FetchOptions extends Pick<IntakeOptions, 'backoff' | 'wrapRegistry' | 'clock'> {
  readonly mapping: Mapping;
  readonly scheduler: Scheduler;
  readonly stats: Stats;
  readonly group: Group;
  readonly reporter: Reporter;
  readonly onStep: OnStep;
}

export class Fetch {
  readonly #options: FetchOptions;
  readonly #intake: Intake;
  /** For each partition that waits for schemas: the first offset to fetch again. */
  readonly #waiting = new Map<number, number>();
  #isRegistryAway = false;
  /** Whether records came since the last answer of the broker. */
  #hasPolled = true;

  constructor(options: FetchOptions) {
    this.#options = options;
    const { mapping, backoff, wrapRegistry, clock } = options;
    const onProblem: IntakeOptions['onProblem'] = (result, reason) =>
      this.#reportRegistry(result, reason);
    this.#intake = new Intake({ mapping, backoff, onProblem, wrapRegistry, clock });
  }

  // Only fills the buffer and returns: kafkajs heartbeats between two calls, however long an
  // invocation takes.
  take(payload: EachBatchPayload): void {
    const { scheduler, stats, group, onStep } = this.#options;
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
    const { records, filteredOut } = taken;
    this.#count(messages, filteredOut.length);
    if (filteredOut.length > 0) onStep({ kind: 'filteredOut', partition, records: filteredOut });
    if (records.length > 0) onStep({ kind: 'read', partition, records });
    group.fetched(partition, end);
    if (records.length > 0) scheduler.enqueue(partition, records);
    else scheduler.skip(partition, end);
    if (scheduler.isFull(partition)) group.setPaused(partition, true);
    payload.resolveOffset(batch.lastOffset());
  }

  /** The broker has answered a fetch; its records, if there are any, are taken after this. */
  answered(): void {
    if (!this.#hasPolled) this.#options.stats.emit('PolledEventCount', 0);
    this.#hasPolled = false;
  }

  /** Forgets a partition that another member has now. */
  forget(partition: number): void {
    this.#waiting.delete(partition);
  }

  close(): Promise<void> {
    return this.#intake.close();
  }

  #count(messages: readonly Message[], filtered: number): void {
    const { stats, mapping } = this.#options;
    this.#hasPolled = true;
    stats.count('filtered', filtered);
    stats.emit('PolledEventCount', messages.length);
    if (mapping.filters.length > 0) stats.emit('FilteredOutEventCount', filtered);
    if (mapping.pollers) stats.emit('EventPollerThroughputInBytes', bytesOf(messages));
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
    stats.emit('SchemaRegistryErrorCount', 1);
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

/** The bytes of the keys, values and headers. */
function bytesOf(messages: readonly Message[]): number {
  let bytes = 0;
  for (const { key, value, headers } of messages) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    for (const header of listHeaders(headers ?? [])) {
      bytes += header.key.length + (header.value?.length ?? 0);
    }
  }
  return bytes;
}
