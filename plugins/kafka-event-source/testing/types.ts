/** The test kit's names: Kafka-triggered functions in tests, on a clock that the test moves. */
import type { KafkaEventProperties, KafkaEventSourceOptions } from '../index.d.mts';

/**
 * Starts event source mappings in this process, with Kafka and time in memory. Batching, filters, retries,
 * partial failures, record ages and destinations are the emulator's own.
 *
 * @throws Error for a mapping that AWS would refuse, for a wrong setting, and for an unknown function
 */
export declare function kafkaEventSource(options: KitOptions): Promise<Source>;

export interface KitOptions {
  /** The functions that run here, by their keys; mappings of other functions do not run. */
  readonly functions: Readonly<Record<string, Handler | FunctionOptions>>;
  /** Mappings given in code, by the keys of functions: the properties of `kafka` events in serverless.yml. */
  readonly mappings?: Readonly<Record<string, MappingProperties | readonly MappingProperties[]>>;
  /** A serverless.yml in place of `mappings`. Its framework reads it, which takes a second for the first test of a file. */
  readonly service?: string;
  /** A template in place of `mappings`: of SAM, CloudFormation, CDK, a packaged Serverless service, or a Terraform plan. */
  readonly template?: string;
  /** The ground of the records; `memory` is the only one yet. */
  readonly ground?: 'memory';
  /** Topics by the number of their partitions; topics of mappings and of destinations have three by default. */
  readonly topics?: Readonly<Record<string, number>>;
  /** The time at the start: a Date, a text for one, or milliseconds since 1970; the real time by default. */
  readonly start?: Date | string | number;
  /** Whether `Date` tells the clock's time in this process until `stop`; false by default. */
  readonly virtualDate?: boolean;
  /**
   * Makes a random run: records arrive in pieces, and some first attempts crash after the handler's work, fail
   * before it, are throttled, or lose their partitions. Equal seeds give equal runs of handlers without I/O.
   */
  readonly seed?: number;
  /** The real milliseconds that `idle` and others wait for running handlers; 4 000 by default. */
  readonly patienceMs?: number;
  /** Takes the emulator's log lines; without it they are not kept. */
  readonly log?: (line: string) => void;
  readonly stage?: string;
  readonly region?: string;
  /** Further settings, as under `custom.kafkaEventSource`. */
  readonly settings?: KafkaEventSourceOptions;
}

/** A handler of Node: async, or with a callback where its runtime still has callbacks. */
export type Handler = (event: never, context: never, callback: never) => unknown;

export interface FunctionOptions {
  /** One handler for all instances. */
  readonly handler?: Handler;
  /** In place of `handler`: makes the handler of a new instance, such as with module state of its own. */
  readonly load?: () => Handler | Promise<Handler>;
  /** The time limit in seconds, 6 by default. With `template` or `service`, this and the settings below come from there. */
  readonly timeout?: number;
  /** Such as nodejs24.x, which allows no callbacks. */
  readonly runtime?: string;
  readonly reservedConcurrency?: number;
}

/** The properties of a `kafka` event in serverless.yml. */
export interface MappingProperties extends KafkaEventProperties {
  readonly topic: string;
  readonly batchSize?: number;
  readonly maximumBatchingWindow?: number;
  readonly startingPosition?: 'TRIM_HORIZON' | 'LATEST' | 'AT_TIMESTAMP';
  /** In seconds since 1970. */
  readonly startingPositionTimestamp?: number;
  readonly consumerGroupId?: string;
  readonly enabled?: boolean;
  readonly filterPatterns?: readonly object[];
}

/** `'90 s'`, `'15 minutes'`, `'6 days'`, or milliseconds. */
export type Duration = string | number;

export type Bytes = string | Uint8Array;

export interface ProducedRecord {
  /** An object is written as JSON; null is a tombstone. */
  readonly value?: Bytes | object | null;
  readonly key?: Bytes | null;
  /** An object, or a list of pairs where names repeat. */
  readonly headers?: Readonly<Record<string, Bytes>> | readonly (readonly [string, Bytes])[];
  /** Chosen by the key, as producers of Java do, and in turn without a key. */
  readonly partition?: number;
  /** The time of the record; the clock's by default. */
  readonly timestamp?: Date | number;
}

/** A record's place in Kafka. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A record as it is in Kafka; key, value and header values as UTF-8 text. */
export interface KafkaRecord extends Place {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In milliseconds since 1970. */
  readonly timestamp: number;
}

export interface Invocation {
  readonly functionKey: string;
  /** 1 for the first attempt of these records. */
  readonly attempt: number;
  readonly requestId: string | undefined;
  /** In milliseconds since 1970, by the kit's clock. */
  readonly startedAt: number;
  /** Undefined while it runs. */
  readonly endedAt: number | undefined;
  /** The event that the handler gets. */
  readonly event: unknown;
  readonly records: readonly KafkaRecord[];
  readonly outcome: 'running' | 'ok' | 'functionError' | 'throttled';
  /** The handler's answer, after JSON. */
  readonly answer: unknown;
  /** The error of a failed or throttled invocation. */
  readonly error: string | undefined;
  /** The records that the invocation left undone. */
  readonly failed: readonly Place[];
}

/** A message about records that a mapping gave up. */
export interface Letter {
  /** In milliseconds since 1970, by the kit's clock. */
  readonly at: number;
  /** Such as RetriesExhausted. */
  readonly condition: string;
  /** The attempts. */
  readonly invocations: number;
  /** The record's key; null for destinations of AWS, whose messages have none. */
  readonly key: string | null;
  /** Empty for destinations of AWS. */
  readonly headers: Readonly<Record<string, string>>;
  /** The message, after JSON. */
  readonly message: unknown;
}

/** The invocations that go wrong. */
export interface Faulty {
  /** How many; 1 by default, and all of them for a record. */
  readonly times?: number;
  /** Only invocations with such a record. */
  readonly record?: Partial<KafkaRecord> | ((record: KafkaRecord) => boolean);
  /** Whether the handler does its work before the fault; by default only before a crash. */
  readonly after?: boolean;
  /**
   * The fault comes in the midst of the handler's work, when this resolves, or at the end of the work if that
   * is earlier. No one can stop the handler's code: the test keeps it from doing more, such as by a database
   * that no longer answers this instance.
   */
  readonly during?: Promise<unknown>;
  /** The error's message. */
  readonly message?: string;
}

export interface KitClock {
  /** In milliseconds since 1970. */
  readonly now: number;
  /**
   * Moves the time on. All that is due happens at its own time: windows, retries, time limits, ages.
   *
   * @param options `whileRunning` moves it although handlers run, such as to let one time out
   * @throws Error that names the handlers that do not end
   */
  advance(duration: Duration, options?: { readonly whileRunning?: boolean }): Promise<void>;
}

export interface Transaction {
  produce(topic: string, records: ProducedRecord | readonly ProducedRecord[]): Promise<Place[]>;
  /** Makes its records visible. */
  commit(): Promise<void>;
  /** Its records are never seen. */
  abort(): Promise<void>;
}

export interface Source extends AsyncDisposable {
  readonly clock: KitClock;
  /** Appends records to a topic. @throws Error for a topic that does not exist, naming the known ones */
  produce(topic: string, records: ProducedRecord | readonly ProducedRecord[]): Promise<Place[]>;
  /** Begins a transaction. Records behind its first one wait for its end. */
  transaction(): Transaction;
  /**
   * Resolves when nothing is left to do but to wait for a retry. The time moves over batching windows, and no
   * further.
   *
   * @throws Error that says what is waited for, if handlers do not end
   */
  idle(): Promise<void>;
  /**
   * Moves the time on until each record is done or given up.
   *
   * @param within the most that the time moves, 7 days by default
   * @throws Error with the life of each record that is not done by then
   */
  drain(within?: Duration): Promise<void>;
  /** The function's invocations as they are now, throttled ones included, in the order of their beginnings. */
  invocations(functionKey: string): readonly Invocation[];
  /** The letters of a destination: the name of a Kafka topic, or the ARN of a queue, a topic or a bucket. */
  letters(destination: string): Promise<readonly Letter[]>;
  /** The records of a topic that consumers can see. */
  records(topic: string): readonly KafkaRecord[];
  /** The committed offsets of the function's mappings, by `topic-partition`. */
  committed(functionKey: string): Readonly<Record<string, number>>;
  /** The next invocations fail, before the handler is called. */
  fail(functionKey: string, faulty?: Faulty): void;
  /** The next invocations time out at once. */
  timeout(functionKey: string, faulty?: Faulty): void;
  /** The next invocations are throttled, which is no attempt. */
  throttle(functionKey: string, faulty?: Faulty): void;
  /** In the next invocations the process ends after the handler's work, and its answer is lost. */
  crash(functionKey: string, faulty?: Faulty): void;
  /** Takes all partitions away and gives them back: records in flight are delivered again. */
  rebalance(): Promise<void>;
  /** Ends mappings and instances, and starts them again at the committed offsets. */
  restart(): Promise<void>;
  /** Delivers all records once more, from the first one, and drains: to find handlers that are not idempotent. */
  redeliverEverything(): Promise<void>;
  /** The steps of a record so far, a line each, with the time since the start. */
  life(record: Place): string;
  /** Ends everything. May be called again. */
  stop(): Promise<void>;
}
