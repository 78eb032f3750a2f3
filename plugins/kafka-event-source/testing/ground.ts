/** The ground of a test's records: Kafka in memory, or a real broker. */
import type { Kafka } from 'kafkajs';
import type { Step } from '../life.ts';
import type { Mapping } from '../mapping.ts';
import type { Poller } from '../poller/poller.ts';
import type { Clock } from '../time.ts';
import type { NewRecord } from './log.ts';
import type { KafkaRecord, Place, Source } from './types.ts';
import type { Watch } from './work.ts';

/** A mapping's partition with records that are not done. */
export interface Left {
  readonly mapping: Mapping;
  /** The first of them. */
  readonly place: Place;
}

export interface GroundTransaction {
  append(topic: string, records: readonly NewRecord[]): Promise<Place[]>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface Ground {
  /** The clock of the mappings and the functions. */
  readonly clock: Clock;
  readonly broker: Source['broker'];
  /** Creates topics with so many partitions each. */
  createTopics(topics: ReadonlyMap<string, number>): Promise<void>;
  /** A client, such as of a mapping's poller, with the names of the test. */
  client(mapping?: Mapping): Promise<Kafka>;
  /** Takes note of a mapping's step. */
  note(mapping: Mapping, step: Step): void;
  /** Waits until the pollers poll. */
  begun(pollers: readonly Poller[]): Promise<void>;
  append(topic: string, records: readonly NewRecord[]): Promise<Place[]>;
  transaction(): GroundTransaction;
  /** Brings `records` and `committed` up to date. */
  refresh(): Promise<void>;
  records(topic: string): readonly KafkaRecord[];
  /** The offset after the last record of each partition of a topic. */
  ends(topic: string): readonly number[];
  /** The committed offsets by partition. */
  committed(mapping: Mapping): ReadonlyMap<number, number>;
  /** See Source.idle. */
  idle(): Promise<void>;
  /** See KitClock.advance. */
  advance(ms: number, isPatient: boolean): Promise<void>;
  /** The most that a drain may take, in milliseconds. */
  readonly mostMs: number;
  /** Moves on to the next timer that is due. @returns false if none is due until `end` of the clock */
  goOn(end: number, watch?: Watch): Promise<boolean>;
  left(): Promise<readonly Left[]>;
  rebalance(pollers: readonly Poller[]): Promise<void>;
  /**
   * Sets the committed offsets of all mappings; no poller runs.
   *
   * @param firstOf returns the offsets by partition
   */
  rewind(firstOf: (mapping: Mapping) => ReadonlyMap<number, number>): Promise<void>;
  close(): Promise<void>;
}
