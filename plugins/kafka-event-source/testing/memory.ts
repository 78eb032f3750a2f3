/** Kafka in memory, on a clock that the test moves. */
import type { Mapping } from '../mapping.ts';
import { MemoryClient } from './client.ts';
import type { VirtualClock } from './clock.ts';
import type { Ground, GroundTransaction, Left } from './ground.ts';
import { isVisible, type LogTransaction, MemoryLog, type NewRecord } from './log.ts';
import type { Random } from './random.ts';
import { recordOf } from './records.ts';
import type { KafkaRecord, Place } from './types.ts';
import type { Watch, Work } from './work.ts';

export interface MemoryOptions {
  readonly mappings: readonly Mapping[];
  readonly clock: VirtualClock;
  readonly work: Work;
  readonly random: Random | undefined;
}

export class MemoryGround implements Ground {
  readonly broker = undefined;
  readonly mostMs = Number.POSITIVE_INFINITY;
  readonly note = () => undefined;
  readonly refresh = async () => undefined;
  readonly close = async () => undefined;
  readonly clock: VirtualClock;
  readonly #mappings: readonly Mapping[];
  readonly #work: Work;
  readonly #log = new MemoryLog();
  readonly #client: MemoryClient;

  constructor({ mappings, clock, work, random }: MemoryOptions) {
    this.clock = clock;
    this.#mappings = mappings;
    this.#work = work;
    this.#client = new MemoryClient(this.#log, clock, random);
  }

  async createTopics(topics: ReadonlyMap<string, number>): Promise<void> {
    for (const [topic, partitions] of topics) this.#log.createTopic(topic, partitions);
  }

  async client() {
    return this.#client.kafka;
  }

  async begun(): Promise<void> {
    await this.#work.settle(false);
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<Place[]> {
    return this.#log.append(topic, records);
  }

  transaction(): GroundTransaction {
    const transaction: LogTransaction = { state: 'open' };
    return {
      append: async (topic, records) => this.#log.append(topic, records, transaction),
      commit: async () => this.#log.end(transaction, 'committed', this.clock.date()),
      abort: async () => this.#log.end(transaction, 'aborted', this.clock.date()),
    };
  }

  records(topic: string): readonly KafkaRecord[] {
    return this.#log
      .partitions(topic)
      .flatMap((_, partition) => this.#log.read(topic, partition, 0))
      .filter(isVisible)
      .map((record) => recordOf(topic, record));
  }

  ends(topic: string): readonly number[] {
    return this.#log.partitions(topic).map(({ length }) => length);
  }

  committed({ groupId, topic }: Mapping): ReadonlyMap<number, number> {
    const offsets = this.#log.partitions(topic).map((_, partition) => {
      return [partition, this.#log.committed(groupId, `${topic}-${partition}`)?.offset] as const;
    });
    return new Map(
      offsets.flatMap(([partition, offset]) => (offset === undefined ? [] : [[partition, offset]])),
    );
  }

  async idle(): Promise<void> {
    const watch = this.#work.watch();
    await this.#work.settle(true, watch);
    const { clock } = this;
    for (let next = clock.next('batch'); next < Infinity; next = clock.next('batch')) {
      await this.#moveTo(next, true, watch);
    }
  }

  async advance(ms: number, isPatient: boolean): Promise<void> {
    await this.#moveTo(this.clock.monotonic() + ms, isPatient);
  }

  async goOn(end: number, watch?: Watch): Promise<boolean> {
    const next = this.clock.next();
    if (next > end) return false;
    await this.#moveTo(next, true, watch);
    return true;
  }

  async left(): Promise<readonly Left[]> {
    return this.#mappings.flatMap((mapping) => {
      const { topic } = mapping;
      const committed = this.committed(mapping);
      return this.#log.partitions(topic).flatMap((_, partition) => {
        const offset = committed.get(partition) ?? 0;
        const waits = this.#log.read(topic, partition, offset).length > 0;
        return waits ? [{ mapping, place: { topic, partition, offset } }] : [];
      });
    });
  }

  async rebalance(): Promise<void> {
    this.#client.rebalance();
  }

  async rewind(firstOf: Parameters<Ground['rewind']>[0]): Promise<void> {
    for (const mapping of this.#mappings) {
      const { topic, groupId } = mapping;
      for (const [partition, offset] of firstOf(mapping)) {
        this.#log.commit(groupId, `${topic}-${partition}`, { offset, metadata: null });
      }
    }
  }

  /** Moves the time to `ms` of the monotonic clock; all timers until then fire at their own times. */
  async #moveTo(ms: number, isPatient: boolean, watch?: Watch): Promise<void> {
    const { clock } = this;
    await this.#work.settle(isPatient, watch);
    for (let next = clock.next(); next <= ms; next = clock.next()) {
      clock.moveTo(next);
      await this.#work.settle(isPatient, watch);
    }
    clock.moveTo(ms);
  }
}
