/** Commits what is done, one request at a time. */
import type { Consumer } from 'kafkajs';
import type { Ending } from './ending.ts';
import type { Membership } from './membership.ts';
import type { Positions } from './positions.ts';
import { reasonOf, type Voice } from './voice.ts';

const COMMIT_AGAIN_MS = 1_000;

export class Commits {
  readonly #positions: Positions;
  readonly #member: Membership;
  readonly #voice: Voice;
  readonly #ending: Ending;
  #exclusive: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(positions: Positions, member: Membership, voice: Voice, ending: Ending) {
    this.#positions = positions;
    this.#member = member;
    this.#voice = voice;
    this.#ending = ending;
  }

  /** All of the partition before `next` is done. */
  progress(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (!position) return;
    position.done = Math.max(position.done, next);
    void this.commit();
  }

  /** Commits what is done and not committed yet. */
  commit(): Promise<void> {
    return this.alone(async () => {
      const dirty = [...this.#positions].filter(([, { done, committed }]) => done > committed);
      const { consumer, isPositioned } = this.#member;
      // Until positions are known after a join, another member may have gone further; it is
      // committed when they are.
      if (dirty.length === 0 || !consumer || !isPositioned) return;
      for (const [, position] of dirty) position.attempted = position.done;
      const offsets = dirty.map(([partition, { attempted }]) => ({ partition, offset: attempted }));
      try {
        await this.#send(consumer, offsets);
        for (const [, position] of dirty) position.committed = position.attempted;
      } catch (error) {
        this.#voice.debug(`not committed: ${reasonOf(error)}`);
        this.close();
        if (!this.#ending.hasBegun) {
          this.#timer = setTimeout(() => void this.commit(), COMMIT_AGAIN_MS);
        }
      }
    });
  }

  /** Runs one thing after the other: commits and positions never cross. */
  alone(action: () => Promise<void>): Promise<void> {
    this.#exclusive = this.#exclusive.then(action);
    return this.#exclusive;
  }

  /** Tries nothing again by itself. */
  close(): void {
    clearTimeout(this.#timer);
  }

  async #send(
    consumer: Consumer,
    offsets: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const { topic, commitOffsets } = this.#member;
    const partitions = offsets.map(({ partition, offset }) => ({
      topic,
      partition,
      offset: String(offset),
    }));
    // The commit of a batch is tried once under its generation; the consumer's own would be
    // repeated after a rebalance, for partitions that may be another member's by then.
    if (commitOffsets) await commitOffsets({ topics: [{ topic, partitions }] });
    else await consumer.commitOffsets(partitions);
  }
}
