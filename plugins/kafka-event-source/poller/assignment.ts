/** After each join of the group: which partitions are the poller's, and from where each is read. */
import type { Consumer } from 'kafkajs';
import type { Delivery } from '../delivery/delivery.ts';
import type { Mapping } from '../mapping.ts';
import type { Commits } from './commits.ts';
import type { Ending } from './ending.ts';
import type { Membership } from './membership.ts';
import { begin, isOwn, NOTHING_COMMITTED, type Positions } from './positions.ts';
import type { Topic } from './topic.ts';
import { reasonOf, type Voice } from './voice.ts';

const POSITION_AGAIN_MS = 500;

export interface AssignmentOptions {
  readonly mapping: Mapping;
  readonly delivery: Delivery;
  readonly positions: Positions;
  readonly member: Membership;
  readonly commits: Commits;
  readonly known: Topic;
  readonly voice: Voice;
  readonly ending: Ending;
  readonly onLost: (partition: number) => void;
  readonly onPositioned: () => void;
}

export class Assignment {
  readonly #options: AssignmentOptions;

  constructor(options: AssignmentOptions) {
    this.#options = options;
  }

  /**
   * kafkajs calls this before its next fetch, so that the partitions taken away are gone before a
   * late result could be committed under the new generation.
   */
  join(consumer: Consumer, assigned: readonly number[]): void {
    const { member, commits, ending } = this.#options;
    const isLatest = member.join(consumer);
    this.#giveUp(assigned);
    // Nothing is fetched until it is known from where; heartbeats go on.
    for (const partition of assigned) member.setPaused(partition, true);
    const isCurrent = () => isLatest() && !ending.hasBegun;
    void commits.alone(() => this.#position(assigned, isCurrent));
  }

  /** Begins again with a partition whose records are not those that were read before. */
  restart(partition: number, committed: number, fetched?: number): void {
    const { delivery, positions, member } = this.#options;
    delivery.assign(partition);
    positions.set(partition, begin(committed, fetched));
    member.setPaused(partition, false);
  }

  #giveUp(assigned: readonly number[]): void {
    const { positions, delivery, onLost } = this.#options;
    for (const partition of positions.keys()) {
      if (assigned.includes(partition)) continue;
      delivery.revoke(partition);
      positions.delete(partition);
      onLost(partition);
    }
  }

  async #position(assigned: readonly number[], isCurrent: () => boolean): Promise<void> {
    const { mapping, delivery, member, commits, voice, ending, onPositioned } = this.#options;
    let isKnown = false;
    while (isCurrent() && !isKnown) {
      try {
        const committed = await this.#committed();
        const starts = await this.#startingOffsets(assigned, committed);
        if (!isCurrent()) return;
        for (const partition of assigned) {
          const offset = committed.get(partition) ?? NOTHING_COMMITTED;
          this.#resume(partition, offset, starts.get(partition));
        }
        isKnown = true;
      } catch (error) {
        voice.tellOnce(`no committed offsets yet: ${reasonOf(error)}`);
        await ending.orAfter(POSITION_AGAIN_MS);
      }
    }
    if (!isCurrent()) return;
    member.isPositioned = true;
    voice.clear();
    onPositioned();
    const which = assigned.length > 0 ? assigned.join(', ') : 'none: other members have them';
    voice.notice(`polling ${mapping.topic}, partitions ${which}`);
    delivery.release();
    void commits.commit();
  }

  async #committed(): Promise<ReadonlyMap<number, number>> {
    const { mapping, member } = this.#options;
    const { groupId, topic } = mapping;
    const [offsets] = (await member.admin?.fetchOffsets({ groupId, topics: [topic] })) ?? [];
    return new Map(offsets?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /**
   * A partition whose committed offset is where this poller left it keeps its buffer and its
   * invocation in flight; any other starts again at the committed offset.
   */
  #resume(partition: number, committed: number, start?: number): void {
    const { delivery, positions, member, commits } = this.#options;
    const held = positions.get(partition);
    if (held && isOwn(held, committed)) {
      held.committed = committed;
      if (held.fetched !== undefined) member.seek(partition, held.fetched);
      member.setPaused(partition, delivery.isFull(partition));
      return;
    }
    this.restart(partition, committed, start);
    if (start === undefined) return;
    member.seek(partition, start);
    commits.progress(partition, start);
  }

  /**
   * Where to begin without a committed offset; a partition without one here begins at its beginning.
   * It is committed at once: a record that comes before the first commit is then not skipped by a
   * restart.
   */
  async #startingOffsets(
    assigned: readonly number[],
    committed: ReadonlyMap<number, number>,
  ): Promise<ReadonlyMap<number, number>> {
    const { mapping, positions, member, known } = this.#options;
    const { startingPosition, startingTimestampMs, topic } = mapping;
    // AWS does not say where it begins in a partition added later, or made again with its topic; the
    // beginning loses nothing.
    const hasBegun = (partition: number) => (positions.get(partition)?.committed ?? -1) >= 0;
    const isStarting = (partition: number) =>
      known.isKnown(partition) &&
      !hasBegun(partition) &&
      assigned.includes(partition) &&
      (committed.get(partition) ?? NOTHING_COMMITTED) === NOTHING_COMMITTED;
    if (startingPosition === 'TRIM_HORIZON' || !assigned.some(isStarting)) return new Map();
    const offsets =
      startingPosition === 'AT_TIMESTAMP'
        ? await member.admin?.fetchTopicOffsetsByTimestamp(topic, startingTimestampMs)
        : await member.admin?.fetchTopicOffsets(topic);
    const starting = (offsets ?? []).filter(({ partition }) => isStarting(partition));
    return new Map(starting.map(({ partition, offset }) => [partition, Number(offset)]));
  }
}
