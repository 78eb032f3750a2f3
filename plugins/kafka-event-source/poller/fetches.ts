/** Takes what is fetched into the delivery's buffers, or leaves it until its schemas are loaded. */
import type { EachBatchPayload } from 'kafkajs';
import { RESULTS } from '../access/result.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Stats } from '../delivery/stats.ts';
import type { Assignment } from './assignment.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import type { Membership } from './membership.ts';
import { NOTHING_COMMITTED, type Position, type Positions } from './positions.ts';
import type { Voice } from './voice.ts';

type FetchedBatch = EachBatchPayload['batch'] & { readonly fetchedOffset?: string };

export interface FetchesOptions extends Pick<IntakeOptions, 'mapping' | 'backoff'> {
  readonly delivery: Delivery;
  readonly stats: Stats;
  readonly positions: Positions;
  readonly member: Membership;
  readonly assignment: Assignment;
  readonly voice: Voice;
}

export class Fetches {
  readonly #options: FetchesOptions;
  readonly #intake: Intake;
  /** The first offset of partitions that wait for schemas. */
  readonly #waiting = new Map<number, number>();
  #isRegistryAway = false;

  constructor(options: FetchesOptions) {
    this.#options = options;
    const onTrouble: IntakeOptions['onTrouble'] = (result, reason) =>
      this.#tellRegistry(result, reason);
    this.#intake = new Intake({ mapping: options.mapping, backoff: options.backoff, onTrouble });
  }

  // Only fills the buffer and returns: kafkajs heartbeats between two calls, however long an
  // invocation takes.
  take(payload: EachBatchPayload): void {
    const { delivery, stats, positions, member } = this.#options;
    if (payload.isStale() || !payload.isRunning()) return;
    const batch: FetchedBatch = payload.batch;
    const { partition, messages } = batch;
    member.commitOffsets = payload.commitOffsetsIfNecessary;
    const position = positions.get(partition);
    if (!position) return;
    this.#follow(batch, position);
    const end = Number(batch.lastOffset()) + 1;
    stats.fetched(partition, Number(batch.highWatermark));
    const taken = this.#intake.take({ topic: batch.topic, partition, messages, end });
    if (taken.kind === 'missing') {
      this.#wait(partition, Number(messages[0]?.offset), taken.schemaIds);
      return;
    }
    stats.count('filtered', taken.filtered);
    const current = positions.get(partition);
    if (current) current.fetched = end;
    if (taken.entries.length > 0) delivery.enqueue(partition, taken.entries);
    else delivery.skip(partition, end);
    if (delivery.isFull(partition)) member.setPaused(partition, true);
    payload.resolveOffset(batch.lastOffset());
  }

  /** The partition is another member's now. */
  forget(partition: number): void {
    this.#waiting.delete(partition);
  }

  close(): Promise<void> {
    return this.#intake.close();
  }

  /** A fetch from another offset than where the last one ended is no fault here, and is told. */
  #follow({ topic, partition, messages, fetchedOffset }: FetchedBatch, position: Position): void {
    const { voice, assignment } = this.#options;
    const fetched = Number(fetchedOffset ?? messages[0]?.offset);
    if (position.fetched === undefined || fetched === position.fetched) return;
    const where = `${topic}-${partition}`;
    if (fetched > position.fetched) {
      voice.warn(
        `${where}: the records from offset ${position.fetched} to ${fetched - 1} were deleted ` +
          'before they were read; going on behind them',
      );
      return;
    }
    voice.warn(`${where} went back from offset ${position.fetched} to ${fetched}; starting there`);
    assignment.restart(partition, NOTHING_COMMITTED);
  }

  /** Leaves the partition where it is until the schemas are loaded; then it is fetched again. */
  #wait(partition: number, offset: number, schemaIds: ReadonlySet<number>): void {
    const { delivery, member } = this.#options;
    this.#waiting.set(partition, offset);
    member.setPaused(partition, true);
    const { consumer } = member;
    void this.#intake.load(schemaIds).then(() => {
      this.#waiting.delete(partition);
      this.#tellRegistryBack();
      if (member.consumer !== consumer || !member.isPositioned) return;
      member.setPaused(partition, delivery.isFull(partition));
    });
  }

  #tellRegistry(result: string | undefined, reason: string): void {
    const { stats, voice } = this.#options;
    this.#isRegistryAway = true;
    stats.result(`PROBLEM: ${result ?? reason}`);
    for (const [partition, offset] of this.#waiting) {
      stats.blocked(partition, { offset, reason, attempts: 0, isRetried: true });
    }
    const what = [reason, result].filter(Boolean).join('. ').replace(/\.?$/, '.');
    voice.tellOnce(`no schema from its registry: ${what} Trying again.`);
  }

  #tellRegistryBack(): void {
    const { stats, voice } = this.#options;
    if (this.#waiting.size > 0 || !this.#isRegistryAway) return;
    this.#isRegistryAway = false;
    voice.clear();
    stats.result(RESULTS.ok);
    voice.notice('its schema registry answers again');
  }
}
