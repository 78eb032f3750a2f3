// Gives projects with an older `lib` the type AsyncDisposable.
/// <reference lib="esnext.disposable" />
/**
 * `import { kafkaEventSource } from 'lambda-kafka-event-source/testing'`: Kafka-triggered functions in tests, on a clock
 * that the test moves. docs/testing.md is the page to begin with.
 *
 * @module testing
 */
import type { KafkaEventProperties, KafkaEventSourceOptions } from '../index.d.mts';

/**
 * Starts event source mappings in this process, with Kafka and time in memory or on a broker. Batching, filters, retries,
 * partial failures, record ages and destinations are the emulator's own.
 *
 * @throws Error for a mapping that AWS would refuse, for a wrong setting, and for an unknown function
 */
export declare function kafkaEventSource(options: KitOptions): Promise<Source>;

/** The options of `kafkaEventSource`. One of `mappings`, `service` and `template` is needed. */
export interface KitOptions {
  /** The functions that run here, by their keys; mappings of other functions do not run. */
  readonly functions: Readonly<Record<string, Handler | FunctionOptions>>;
  /** Mappings given in code, by the keys of functions: the properties of `kafka` events in serverless.yml. */
  readonly mappings?: Readonly<Record<string, MappingProperties | readonly MappingProperties[]>>;
  /** A serverless.yml in place of `mappings`. Its framework reads it, which takes a second for the first test of a file. */
  readonly service?: string;
  /** A template in place of `mappings`: of SAM, CloudFormation, CDK, a packaged Serverless service, or a Terraform plan. */
  readonly template?: string;
  /**
   * The Kafka under the records: `memory` by default; the address of a broker that runs, such as `localhost:9092`;
   * or `start` for a broker that is started for this process, by Java or Docker. On a broker the time is real.
   */
  readonly ground?: 'memory' | 'start' | (string & {}) | undefined;
  /** Topics by the number of their partitions; topics of mappings and of destinations have three by default. */
  readonly topics?: Readonly<Record<string, number>>;
  /** Records that are in their topics before the mappings begin. */
  readonly records?: Readonly<Record<string, readonly ProducedRecord[]>>;
  /**
   * Offsets that the groups of mappings have committed before the mappings begin, by the names of functions and then by
   * `topic-partition`, as `Source.committed` has them. A mapping goes on there, whatever its starting position.
   */
  readonly committed?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The time at the start, in memory: a Date, a text for one, or milliseconds since 1970; the real time by default. */
  readonly start?: Date | string | number;
  /** Whether `Date` tells the clock's time in this process until `stop`, in memory; false by default. */
  readonly virtualDate?: boolean;
  /**
   * Makes a random run: records arrive in pieces, and some first attempts crash after the handler's work, fail
   * before it, are throttled, or lose their partitions. Equal seeds give equal runs of handlers without I/O.
   */
  readonly seed?: number;
  /** The real milliseconds that `idle` and others wait for running handlers; 4 000 in memory, 30 000 on a broker. */
  readonly patienceMs?: number;
  /**
   * Timers, connections and other handles of handlers that keep the process alive after `stop`: `warn`, the default,
   * emits a warning of the process; `error` makes `stop` throw.
   */
  readonly leaks?: 'warn' | 'error' | 'ignore';
  /** Takes the emulator's log lines; without it they are not kept. */
  readonly log?: (line: string) => void;
  /** The stage of `service` or `template`; test by default, and with `service` the framework's own default. */
  readonly stage?: string;
  /** The region in ARNs; us-east-1 by default, and with `service` that of the service. */
  readonly region?: string;
  /** Further settings, as under `custom.kafkaEventSource`. */
  readonly settings?: KafkaEventSourceOptions;
}

/** A handler of Node: async, or with a callback where its runtime still has callbacks. */
export type Handler = (event: never, context: never, callback: never) => unknown;

/** A function with more than a handler. */
export interface FunctionOptions {
  /** One handler for all instances. */
  readonly handler?: Handler;
  /** In place of `handler`: makes the handler of a new instance, such as with module state of its own. */
  readonly load?: () => Handler | Promise<Handler>;
  /** The time limit in seconds, 6 by default. With `template` or `service`, this and the settings below come from there. */
  readonly timeout?: number;
  /** Such as nodejs24.x, which allows no callbacks. */
  readonly runtime?: string;
  /** The most invocations at the same time; more are throttled. No limit by default. */
  readonly reservedConcurrency?: number;
  /** Variables of `process.env` within the handler. They win over those of the service and of the test's process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The properties of a `kafka` event in serverless.yml. */
export interface MappingProperties extends KafkaEventProperties {
  /** The topic that the mapping reads. It is created. */
  readonly topic: string;
  /** The most records of a batch, up to 10 000; 100 by default. */
  readonly batchSize?: number;
  /** The seconds that a batch waits for more records, up to 300; half a second by default. */
  readonly maximumBatchingWindow?: number;
  /** Where the mapping begins to read; TRIM_HORIZON, the first record, by default. */
  readonly startingPosition?: 'TRIM_HORIZON' | 'LATEST' | 'AT_TIMESTAMP';
  /** The time for AT_TIMESTAMP, in seconds since 1970. */
  readonly startingPositionTimestamp?: number;
  /** The consumer group; a group of the mapping's own by default. */
  readonly consumerGroupId?: string;
  /** Whether the mapping runs; true by default. */
  readonly enabled?: boolean;
  /**
   * A record reaches the function if one of the patterns matches it.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-filtering.html
   */
  readonly filterPatterns?: readonly object[];
}

/** `'90 s'`, `'15 minutes'`, `'6 days'`, or milliseconds. */
export type Duration = string | number;

/** A text, which is written as UTF-8, or bytes. */
export type Bytes = string | Uint8Array;

/** A record as a producer writes it. */
export interface ProducedRecord {
  /** An object is written as JSON; null is a tombstone. A number is refused: write it as a text. */
  readonly value?: Bytes | object | null;
  /** Records with the same key keep their order. */
  readonly key?: Bytes | null;
  /** An object, or a list of pairs where names repeat. */
  readonly headers?: Readonly<Record<string, Bytes>> | readonly (readonly [string, Bytes])[];
  /** Chosen by the key, as producers of Java do, and in turn without a key. */
  readonly partition?: number;
  /** The time of the record, a number in milliseconds since 1970; the clock's time by default. */
  readonly timestamp?: Date | number;
}

/** A record's place in Kafka. */
export interface Place {
  /** The name of the topic. */
  readonly topic: string;
  /** The number of the partition, from 0 on. */
  readonly partition: number;
  /** The offset in the partition, from 0 on. The end of a transaction takes an offset, too. */
  readonly offset: number;
}

/** A record as it is in Kafka; key, value and header values as UTF-8 text. */
export interface KafkaRecord extends Place {
  /** Null for a record without a key. */
  readonly key: string | null;
  /** Null for a tombstone. */
  readonly value: string | null;
  /** The headers in their order; a name may come twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In milliseconds since 1970. */
  readonly timestamp: number;
}

/** An attempt to deliver a batch to a function. */
export interface Invocation {
  /** The function's name among `functions`. */
  readonly functionKey: string;
  /** 1 for the first attempt of these records. */
  readonly attempt: number;
  /** The request id in the handler's context. */
  readonly requestId: string | undefined;
  /** In milliseconds since 1970, by the kit's clock. */
  readonly startedAt: number;
  /** Undefined while it runs. */
  readonly endedAt: number | undefined;
  /** The event that the handler gets. */
  readonly event: unknown;
  /** The records of the batch. */
  readonly records: readonly KafkaRecord[];
  /** `functionError` for an error, a time-out and a crash; `throttled` for an invocation that did not reach the function. */
  readonly outcome: 'running' | 'ok' | 'functionError' | 'throttled';
  /** The handler's answer, after JSON. */
  readonly answer: unknown;
  /** The error of a failed or throttled invocation. */
  readonly error: string | undefined;
  /** The records that the invocation left undone. */
  readonly failed: readonly Place[];
}

/**
 * A message about records that a mapping gave up.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
 */
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
  /** The message, after JSON. A letter that other code has written to the topic may have another form. */
  readonly message: LetterMessage;
}

/**
 * The message of a letter.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
 */
export interface LetterMessage {
  /** The last invocation with the records. */
  readonly requestContext: {
    /** Its request id. */
    readonly requestId: string;
    /** The function's ARN, which ends with its version in letters on Kafka. */
    readonly functionArn: string;
    /** Such as RetriesExhausted. */
    readonly condition: string;
    /** The attempts. */
    readonly approximateInvokeCount: number;
  };
  /** The answer of the last invocation: absent for records that were too old, null for those that did not reach the function. */
  readonly responseContext?: {
    /** 200, also for an error of the function. */
    readonly statusCode: number;
    /** The version that ran. */
    readonly executedVersion: string;
    /** Such as Unhandled; null if the function's answer reported the records. */
    readonly functionError: string | null;
  } | null;
  /** The version of the message's form. */
  readonly version: string;
  /** The time of the letter, in ISO 8601. */
  readonly timestamp: string;
  /** The records. */
  readonly KafkaBatchInfo: {
    /** Their number. */
    readonly batchSize: number;
    /** The cluster of a mapping of Amazon MSK. */
    readonly eventSourceArn?: string;
    /** The addresses of the cluster, separated by commas. */
    readonly bootstrapServers: string;
    /** The size of the event, in bytes. */
    readonly payloadSize: number;
    /** In letters on Kafka: the place and the time of the one record. */
    readonly recordInfo?: {
      /** A whole number as a text. */
      readonly offset: string;
      /** In ISO 8601. */
      readonly timestamp: string;
    };
    /** In letters for SQS, SNS and S3: the first and the last record, by `topic-partition`. */
    readonly recordsInfo?: Readonly<
      Record<
        string,
        {
          /** A whole number as a text. */
          readonly firstRecordOffset: string;
          /** A whole number as a text. */
          readonly lastRecordOffset: string;
          /** In ISO 8601. */
          readonly firstRecordTimestamp: string;
          /** In ISO 8601. */
          readonly lastRecordTimestamp: string;
        }
      >
    >;
  };
  /** The event with the records: an object in letters on Kafka, JSON as a text in those for S3, absent for SQS and SNS. */
  readonly payload?: unknown;
}

/** The letters to put back: those that match every given property. */
export interface LettersToRedrive {
  /** The key of their records. */
  readonly key?: string;
  /** The topic of their records. */
  readonly topic?: string;
  /** Such as RetriesExhausted. */
  readonly condition?: string;
  /** A part of their reason. */
  readonly reason?: string;
  /** Whether letters that have been put back before are put back again; false by default. */
  readonly again?: boolean;
  /** A record that has been put back this many times is left; 3 by default. */
  readonly limit?: number;
}

/** A letter after `redrive`. */
export interface RedrivenLetter {
  /** The letter's place in the topic of letters. */
  readonly letter: Place;
  /** `left` for a letter that could not be put back. */
  readonly outcome: 'redriven' | 'left';
  /** The reason why it is left. */
  readonly why: string | undefined;
  /** The key of its record. */
  readonly key: string | null;
  /** The place where its record failed; undefined for a message that is no letter. */
  readonly record: Place | undefined;
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
   * The fault comes when this promise resolves, while the handler works, or at the end of the work if that is
   * earlier. The handler's code runs on, because nothing can stop it: let the test keep it from doing more, such
   * as by a database that no longer answers this instance.
   */
  readonly during?: Promise<unknown>;
  /** The error's message. */
  readonly message?: string;
}

/** The end that a test expects of a record. */
export interface Expected {
  /** done: a handler took it; sent: it became a letter; dropped: given up without one; waiting: none of these yet. */
  readonly end: 'done' | 'sent' | 'dropped' | 'filtered out' | 'waiting';
  /** How often a handler got it. */
  readonly attempts?: number;
  /** Only for the mappings of this function. */
  readonly functionKey?: string;
}

/** The time of the kit. In memory it stands still until it is moved. */
export interface KitClock {
  /** In milliseconds since 1970. */
  readonly now: number;
  /**
   * Moves the time on. All that is due happens at its own time: windows, retries, time limits, ages. On a broker
   * it really waits, for a minute at most.
   *
   * @param duration how far
   * @param options `whileRunning` moves it although handlers run, such as to let one time out
   * @throws Error that names the handlers that do not end; for more than a minute on a broker; and if a handler produces
   *   to its own topic without end
   */
  advance(duration: Duration, options?: { readonly whileRunning?: boolean }): Promise<void>;
}

/**
 * Appends one record, or several, to a topic.
 *
 * @returns their places in Kafka
 * @throws Error for a topic or a partition that does not exist, naming the known ones, and for records that are larger
 *   together than a batch of Kafka may be
 */
export interface Produce {
  (topic: string, record: ProducedRecord): Promise<[Place]>;
  (topic: string, records: readonly ProducedRecord[]): Promise<Place[]>;
}

/** A transaction of a producer. */
export interface Transaction {
  /** Appends records that consumers see after the commit. */
  readonly produce: Produce;
  /** Makes its records visible. @throws Error if the transaction has ended */
  commit(): Promise<void>;
  /** Its records are never seen. @throws Error if the transaction has ended */
  abort(): Promise<void>;
}

/** The language of a schema, and the schemas that it needs. */
export interface SchemaOptions {
  /** The schema's language; AVRO by default. */
  readonly type?: 'AVRO' | 'PROTOBUF' | 'JSON';
  /**
   * The registered schemas that it refers to, each before those that use it, by the names in the schema: a type of
   * Avro, a file of Protobuf, an address of JSON Schema.
   */
  readonly references?: readonly SchemaReference[];
}

/** A registered schema that another one refers to. */
export interface SchemaReference {
  /** Its name in the schema that refers to it. */
  readonly name: string;
  /** The id that `register` gave it. */
  readonly id: number;
}

/**
 * The schema registry of all mappings with `schemaRegistry`, in memory. It takes the place of the registry at the
 * deployed address. With `settings.endpoints.schemaRegistry` the mappings ask the registry at that address instead.
 */
export interface SchemaRegistry {
  /**
   * Registers a schema.
   *
   * @param schema JSON as an object or as a text; Protobuf as a text
   * @returns its id: 1 for the first one
   */
  register(schema: object | string, options?: SchemaOptions): number;
  /**
   * Writes a value as a producer with Confluent's serializer does: five bytes with the schema's id, and then the value.
   * Avro needs the package avsc, Protobuf protobufjs, and JSON ajv and ajv-formats. Schemas of Avro are written only
   * with names of Avro's specification and defaults that fit, although the emulator reads others.
   *
   * @param value for Avro, a plain value in a union, or `{ type: value }` where the union is ambiguous; for Protobuf, the
   *   first message of the schema
   * @throws Error for an unknown id, a missing package, a schema that cannot be read or written, and a value that does not fit
   */
  encode(id: number, value: unknown): Promise<Uint8Array>;
}

/** Mappings that run, with their functions and their Kafka. `await using` stops it at the end of a test. */
export interface Source extends AsyncDisposable {
  /** The time. */
  readonly clock: KitClock;
  /** The schema registry of the mappings. */
  readonly registry: SchemaRegistry;
  /** Appends records to a topic. */
  readonly produce: Produce;
  /** Begins a transaction. Records behind its first one wait for its end. */
  transaction(): Transaction;
  /**
   * Resolves when nothing is left to do but to wait for a retry. In memory the time moves over batching windows,
   * and no further.
   *
   * @throws Error that says what is waited for, if handlers do not end
   */
  idle(): Promise<void>;
  /**
   * Moves the time on until each record is done or given up.
   *
   * @param within the most that the time moves: 7 days by default in memory, and a minute at most on a broker
   * @throws Error with the life of each record that is not done by then
   */
  drain(within?: Duration): Promise<void>;
  /**
   * The function's invocations as they are now, throttled ones included, in the order of their beginnings.
   *
   * @throws Error for an unknown function, naming the known ones
   */
  invocations(functionKey: string): readonly Invocation[];
  /**
   * The letters of a destination: the name of a Kafka topic, or the ARN of a queue, a topic or a bucket.
   *
   * @throws Error for an unknown topic or ARN, and for a record that is no letter
   */
  letters(destination: string): Promise<readonly Letter[]>;
  /**
   * Puts letters of a Kafka topic back on the topics of their records, as the command `redrive` does: each
   * letter once, with its key, headers and partition.
   *
   * @param letters the letters to put back; all that have not been put back yet by default
   * @returns the letters that were put back, and those that could not be, partition by partition
   * @throws Error for a topic that does not exist, and for a destination of AWS
   */
  redrive(topic: string, letters?: LettersToRedrive): Promise<readonly RedrivenLetter[]>;
  /**
   * The records of a topic that consumers can see; on a broker, those at the end of the last awaited call.
   *
   * @throws Error for an unknown topic, naming the known ones
   */
  records(topic: string): readonly KafkaRecord[];
  /**
   * The committed offsets of the function's mappings, by `topic-partition`; on a broker as `records`.
   *
   * @throws Error for an unknown function, naming the known ones
   */
  committed(functionKey: string): Readonly<Record<string, number>>;
  /**
   * The next invocations fail, before the handler is called.
   *
   * @param faulty the invocations that are meant; the next one by default
   * @throws Error for an unknown function, naming the known ones; for a wrong field of the fault; and after `stop`
   */
  fail(functionKey: string, faulty?: Faulty): void;
  /**
   * The next invocations time out at once.
   *
   * @param faulty the invocations that are meant; the next one by default
   * @throws Error for an unknown function, naming the known ones; for a wrong field of the fault; and after `stop`
   */
  timeout(functionKey: string, faulty?: Faulty): void;
  /**
   * The next invocations are throttled, which is no attempt.
   *
   * @param faulty the invocations that are meant; the next one by default
   * @throws Error for an unknown function, naming the known ones; for a wrong field of the fault; and after `stop`
   */
  throttle(functionKey: string, faulty?: Faulty): void;
  /**
   * In the next invocations the process ends after the handler's work, and its answer is lost.
   *
   * @param faulty the invocations that are meant; the next one by default
   * @throws Error for an unknown function, naming the known ones; for a wrong field of the fault; and after `stop`
   */
  crash(functionKey: string, faulty?: Faulty): void;
  /**
   * Takes all partitions away and gives them back: records in flight are delivered again.
   *
   * @throws Error if a handler produces to its own topic without end
   */
  rebalance(): Promise<void>;
  /** Ends mappings and instances, and starts them again at the committed offsets. */
  restart(): Promise<void>;
  /**
   * Delivers all records once more, from the first one that each mapping has read, and drains: to find handlers that
   * are not idempotent.
   *
   * @throws Error with the life of each record that is not done by then; if a handler produces to its own topic without end
   */
  redeliverEverything(): Promise<void>;
  /**
   * The steps of a record so far, a line each, with the time since the start. The last one is the commit after it.
   *
   * @throws Error for an unknown topic, naming the known ones
   */
  life(record: Place): string;
  /**
   * Checks how a record has ended, for each mapping of its topic or for the one function.
   *
   * @throws Error with the life of each such record that has ended otherwise; if there is no such record; for a field
   *   that records do not have; and if no mapping is enabled
   */
  expectRecord(
    record: Partial<KafkaRecord> | ((record: KafkaRecord) => boolean),
    expected: Expected,
  ): void;
  /** The broker under the source, for clients of the test's own; undefined in memory. */
  readonly broker:
    | {
        /** Their addresses, each host:port. */
        readonly servers: readonly string[];
        /** The topic's name there: each source has topics of its own. */
        topic(name: string): string;
      }
    | undefined;
  /** Ends everything. May be called again. @throws Error if handlers leave handles open and `leaks` is `error` */
  stop(): Promise<void>;
}
