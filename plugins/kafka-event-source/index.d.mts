/**
 * `import type { WithKafkaEventSource } from 'lambda-kafka-event-source'`: the types of the plugin, for a configuration in
 * TypeScript, and the plugin itself. The README has the options with their defaults.
 *
 * @module plugin
 */

/** The options under `custom.kafkaEventSource`. */
export interface KafkaEventSourceOptions extends ConnectionOptions {
  /** Settings for one mapping, by function or by `function/topic`. */
  readonly mappings?: Readonly<Record<string, MappingOptions>>;
  /** Local contents of deployed secrets, by ARN. */
  readonly secrets?: Readonly<Record<string, LocalSecret>>;
  /** The region, and the local addresses of AWS's services and of the schema registry. */
  readonly endpoints?: Readonly<
    Partial<Record<'region' | 'sqs' | 'sns' | 's3' | 'secretsManager' | 'schemaRegistry', string>>
  >;
  /** Whether records are dropped, as on AWS, if their destination does not take them. */
  readonly dropWhenDestinationFails?: boolean;
  /** `aws` keeps the limits of AWS's event pollers: 2 000 records and 5 MB a second each. */
  readonly limits?: 'none' | 'aws';
  /** Values of the template's parameters, in place of their defaults. */
  readonly parameters?: Readonly<Record<string, string | number | readonly string[]>>;
  /** Values that other stacks export, by the names in `Fn::ImportValue`. */
  readonly imports?: Readonly<Record<string, string>>;
  /** Topics for `sls kafka redrive`, besides the destinations of mappings. */
  readonly deadLetterTopics?: readonly string[];
  /** Whether missing topics of the mappings are created, with three partitions each. */
  readonly createTopics?: boolean;
  /** The port of AWS's API for the mappings, 3004 by default; 0 for any free port. */
  readonly apiPort?: number | string;
  /** The page at `apiPort`: whether it may change something, where it listens, and its further names. */
  readonly console?: {
    /** Whether the page may change something; true by default. */
    readonly allowChanges?: boolean;
    /** The address to listen at; 127.0.0.1 by default. */
    readonly host?: string;
    /** Names other than localhost under which browsers may call it. */
    readonly names?: readonly string[];
    /** Panels of the service's own on the page; see docs/panels.md. */
    readonly panels?: readonly {
      /** The panel's file, from the service's folder. */
      readonly module: string;
      /** The settings that the panel gets. */
      readonly settings?: Readonly<Record<string, unknown>>;
    }[];
  };
  /** `log`, `off`, or a folder for the system logs of mappings. */
  readonly systemLog?: string;
  /** The memory of records and invocations: 200 MB and 7 days by default; `false` turns it off. */
  readonly recorder?: false | RecorderOptions;
  /** Whether a refused mapping, a warning, or a difference from AWS that no option makes prevents the start. */
  readonly strict?: boolean;
  /** Whether all settings are logged, and not only those that differ from the deployed ones. */
  readonly report?: boolean;
}

/** Local content of a deployed secret: a file's, or an environment variable's. */
export type LocalSecret =
  | {
      /** The path of the file, from the service's folder. */
      file: string;
    }
  | {
      /** The name of the variable. */
      environment: string;
    };

/** The bounds of what is remembered of records and invocations; docs/recorder.md describes it. */
export interface RecorderOptions {
  /** The megabytes of the file; 200 by default. */
  readonly maxMegabytes?: number;
  /** The days that records are remembered; 7 by default. */
  readonly maxDays?: number;
  /** JSON paths such as `$.contact`, and names of headers: their values are never written. */
  readonly private?: readonly string[];
}

/** The broker and the endpoint of functions on this machine. */
export interface ConnectionOptions {
  /** `host:port`, several with commas or as a list; the deployed servers by default. */
  readonly bootstrapServers?: string | readonly string[];
  /** Whether to connect with the deployed access configurations; by default with the deployed servers only. */
  readonly useDeployedAccess?: boolean;
  /** The address of Lambda's API, or the whole address of one function's invocations. */
  readonly lambdaEndpoint?: string;
  /** Whether the broker has TLS, or its files in PEM form; no TLS by default. */
  readonly ssl?: boolean | SslOptions;
  /** The login at the broker; none by default. */
  readonly sasl?: SaslPassword | SaslIam;
}

/** Files in PEM form, from the service's folder, for TLS with a broker. */
export interface SslOptions {
  /** The certificates of the authorities that are trusted. */
  readonly ca?: string;
  /** The certificate of this client. */
  readonly certificate?: string;
  /** The key of this client's certificate. */
  readonly privateKey?: string;
  /** The password of the key; a text, and no file. */
  readonly privateKeyPassword?: string;
  /** Whether a broker without a trusted certificate is refused; true by default. */
  readonly rejectUnauthorized?: boolean;
}

/** A login with user name and password. */
export interface SaslPassword {
  /** Kafka's mechanism. */
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  /** The user. */
  readonly username: string;
  /** The user's password. */
  readonly password: string;
}

/** A login with the credentials of AWS; it needs the package aws-msk-iam-sasl-signer-js. */
export interface SaslIam {
  /** MSK's mechanism. */
  readonly mechanism: 'aws-msk-iam';
  /** The region of the cluster; that of the service by default. */
  readonly region?: string;
}

/** The options of one mapping. */
export interface MappingOptions extends ConnectionOptions {
  /** Whether it runs, in place of the deployed setting. */
  readonly enabled?: boolean;
  /** In place of the deployed consumer group. */
  readonly consumerGroupId?: string;
  /** In place of the deployed destination: an ARN, `kafka://topic`, or an empty text for none. */
  readonly onFailureDestination?: string;
}

/** A function of CloudFormation, in the place of a value. */
export type CloudFormation =
  | {
      /** The logical id of a resource, or the name of a parameter. */
      readonly Ref: string;
    }
  | { readonly [name: `Fn::${string}`]: unknown };

/**
 * The properties that the plugin adds to `kafka` and `msk` events; docs/mappings.md has what they deploy as. Most of them need
 * the provisioned mode.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-configure.html
 */
export interface KafkaEventProperties {
  /** The seconds that a batch waits for more records, from 0 to 300; half a second by default. */
  readonly maximumBatchingWindowInSeconds?: number | CloudFormation;
  /**
   * The provisioned mode, in the words of CloudFormation.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-scaling-modes.html
   */
  readonly provisionedPollerConfig?: {
    /** The event pollers that always run, 1 to 200. */
    readonly minimumPollers?: number | CloudFormation;
    /** The most event pollers, 1 to 2 000. */
    readonly maximumPollers?: number | CloudFormation;
    /** The name of the group of mappings that share event pollers. */
    readonly pollerGroupName?: string;
  };
  /** The provisioned mode, in the framework's words; `false` for none. */
  readonly provisionedPollers?: false | ProvisionedPollers;
  /**
   * The retries after a failed attempt, up to 10 000. By default, and with -1, ten with a destination, and no limit without one.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
   */
  readonly maximumRetryAttempts?: number | CloudFormation;
  /** The seconds after which a record is given up, 60 to 604 800; -1, the default, for no limit. */
  readonly maximumRecordAge?: number | CloudFormation;
  /** Whether a failed batch is split in two before it is retried; false by default. */
  readonly bisectBatchOnFunctionError?: boolean | CloudFormation;
  /** Lets the answer name the records that failed; without it the whole batch fails. */
  readonly functionResponseType?: 'ReportBatchItemFailures';
  /**
   * Where given-up records are sent: the ARN of a queue, a topic or a bucket, or `kafka://topic`.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
   */
  readonly onFailureDestination?: string | CloudFormation;
  /**
   * The metrics of the mapping.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
   */
  readonly metricsConfig?: {
    /** The groups of metrics. */
    readonly metrics: readonly ('EventCount' | 'ErrorCount' | 'KafkaMetrics')[];
  };
  /**
   * The system log of the mapping.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/esm-logging.html
   */
  readonly loggingConfig?: {
    /** The least level of a line. */
    readonly systemLogLevel: 'DEBUG' | 'INFO' | 'WARN';
  };
  /**
   * The schema registry of keys and values.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html
   */
  readonly schemaRegistry?: {
    /** The address of a registry with Confluent's API, or the ARN of a Glue registry. */
    readonly uri: string | CloudFormation;
    /** `JSON`: the function gets JSON; `SOURCE`: the bytes without the schema's id. */
    readonly eventRecordFormat: 'JSON' | 'SOURCE';
    /** The ARNs of secrets with the login. */
    readonly accessConfigurations?: {
      /** User name and password. */
      readonly basicAuth?: string | CloudFormation;
      /** The certificate of the client, with its key. */
      readonly clientCertificateTlsAuth?: string | CloudFormation;
      /** The certificate of the authority of the registry. */
      readonly serverRootCaCertificate?: string | CloudFormation;
    };
    /** The parts of a record that are read with their schemas. */
    readonly validate: readonly ('key' | 'value' | 'KEY' | 'VALUE')[];
  };
}

/** The provisioned mode, in the framework's words. */
export interface ProvisionedPollers {
  /** The event pollers that always run, 1 to 200. */
  readonly min?: number | CloudFormation;
  /** The most event pollers, 1 to 2 000. */
  readonly max?: number | CloudFormation;
  /** The name of the group of mappings that share event pollers. */
  readonly group?: string;
}

/**
 * The type of a configuration, such as `AWS` of `@serverless/typescript`, with the plugin's event properties
 * and options. That type cannot be augmented in place, because its events have no names.
 */
export type WithKafkaEventSource<Configuration> = {
  [K in keyof Configuration]: K extends 'functions'
    ? Functions<Configuration[K]>
    : K extends 'custom'
      ? Configuration[K] & {
          /** The plugin's options. */
          readonly kafkaEventSource?: KafkaEventSourceOptions;
        }
      : Configuration[K];
};

type Functions<All> = { [Key in keyof All]: Events<All[Key]> };

type Events<One> = {
  [K in keyof One]: K extends 'events' ? KafkaEvents<One[K]> : One[K];
};

type KafkaEvents<List> = List extends readonly (infer One)[] ? KafkaEvent<One>[] : List;

type KafkaEvent<One> = One extends { kafka: infer Kafka }
  ? { kafka: Extended<Kafka> }
  : One extends { msk: infer Msk }
    ? { msk: Extended<Msk> }
    : One;

type Extended<Event> = Omit<Event, keyof KafkaEventProperties> & KafkaEventProperties;

/** The plugin's class, which the framework loads. */
// biome-ignore lint/style/noDefaultExport: the framework takes the default export.
export default class KafkaEventSource {
  constructor(serverless: object, options: object, utils: object);
  /** The commands under `sls kafka`, as the framework wants them described. */
  readonly commands: object;
  /** The functions that the framework calls, by their events. */
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>;
}

/**
 * The function that a panel's module exports under this name: docs/panels.md has an example.
 *
 * @throws an Error leaves the panel out of the page, with a warning
 */
export type CreatePanel = (context: PanelContext) => Promise<Panel> | Panel;

/** The surroundings of a panel. */
export interface PanelContext {
  /** The service's name. */
  readonly service: string;
  /** The stage that runs. */
  readonly stage: string;
  /** The region of the service. */
  readonly region: string;
  /** The path of the service's folder. */
  readonly folder: string;
  /** The panel's settings under `console.panels`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The memory of records and invocations; undefined with `recorder: false`. */
  readonly recorder: PanelRecorder | undefined;
}

/** A view of the service's own on the page. */
export interface Panel {
  /** The part of its address, `#/panels/<name>`: small letters, digits and hyphens, 41 at most. */
  name: string;
  /** Its name in the menu. */
  title: string;
  /** One sentence, shown until there is a view. */
  said?: string | undefined;
  /** The fields to fill in; none by default. */
  inputs?: PanelInput[] | undefined;
  /** The topics whose records have a link to the panel. */
  records?: PanelRecords | undefined;
  /**
   * Answers the view; asked again when something has happened, and every five seconds.
   *
   * @param query the values of the inputs; those that are not given are left out
   * @throws an Error is shown in the place of the view
   */
  read(query: PanelQuery): Promise<PanelView> | PanelView;
  /**
   * Answers the HTML of a preview of the kind `html`.
   *
   * @param query the preview's
   * @returns undefined if there is none
   */
  frame?(query: PanelQuery): Promise<string | undefined> | string | undefined;
}

/** Values of a panel's inputs, by their names. */
export type PanelQuery = Record<string, string>;

/** A field of a panel. */
export interface PanelInput {
  /** Letters, digits and low lines, 40 at most. */
  name: string;
  /** The text beside the field. */
  label: string;
  /** An example of a value. */
  hint?: string | undefined;
}

/** The records that link to a panel. */
export interface PanelRecords {
  /** Their topics. */
  topics: string[];
  /** The input that gets a record's key. */
  key: string;
}

/** The content of a panel. An unknown property is an error. */
export interface PanelView {
  /** The heading. */
  title: string;
  /** The state of the whole. */
  state?: PanelState | undefined;
  /** A sentence below the heading. */
  said?: string | undefined;
  /** The parts, in their order. */
  sections: PanelSection[];
}

/** A part of a view, with facts, a table, steps, or several of them. */
export interface PanelSection {
  /** The heading. */
  title: string;
  /** Pairs of a name and a text. */
  facts?: [name: string, text: PanelText][] | undefined;
  /** A table. */
  table?: PanelTable | undefined;
  /** Steps, in their order. */
  steps?: PanelStep[] | undefined;
}

/** A table. */
export interface PanelTable {
  /** The headings; one at least. */
  columns: string[];
  /** The rows. */
  rows: PanelText[][];
}

/** A step of a path. */
export interface PanelStep {
  /** The heading. */
  title: PanelText;
  /** Its time, in milliseconds since 1970. */
  at?: number | undefined;
  /** Its state. */
  state?: PanelState | undefined;
  /** A sentence. */
  said?: string | undefined;
  /** The reason why it does not go on, and what has to happen. */
  waitsFor?: string | undefined;
  /** Pairs of a name and a text. */
  facts?: [name: string, text: PanelText][] | undefined;
  /** The messages and pages as the customer sees them. */
  previews?: PanelPreview[] | undefined;
}

/** A state in words, and its colour. */
export interface PanelState {
  /** The colour. */
  tone: 'ok' | 'warn' | 'bad' | 'busy' | 'idle';
  /** The words. */
  words: string;
}

/** A text, a text with a link, or a time in milliseconds since 1970. */
export type PanelText = string | LinkedText | PanelTime;

/** A text that may lead to a place of the page. */
export interface LinkedText {
  /** The text. */
  text: string;
  /** Where it leads; a text without a link by default. */
  link?: PanelLink | undefined;
}

/** A time. */
export interface PanelTime {
  /** In milliseconds since 1970. */
  at: number;
}

/** A place of the page: a record, an invocation, a trace, or the same panel with other values. */
export type PanelLink = RecordLink | InvocationLink | TraceLink | SamePanelLink;

/** Leads to a record. */
export interface RecordLink {
  /** The record's place. */
  record: {
    /** The mapping's UUID. */
    mapping: string;
    /** The name of the topic. */
    topic: string;
    /** Kafka's id of the topic; the topic as it was seen last by default. */
    topicId?: string | undefined;
    /** The number of the partition. */
    partition: number;
    /** The offset, in decimal digits. */
    offset: string;
  };
}

/** Leads to an invocation. */
export interface InvocationLink {
  /** The emulator's id for it. */
  invocation: string;
}

/** Leads to a trace. */
export interface TraceLink {
  /** Its id: 32 hexadecimal digits. */
  trace: string;
}

/** Leads to the same panel. */
export interface SamePanelLink {
  /** The values of the inputs. */
  panel: PanelQuery;
}

/** A mail or another document, a short message, or a text, as a customer sees it. */
export type PanelPreview = HtmlPreview | TextPreview;

/** HTML that the panel's `frame` answers. It is shown in a frame without scripts. */
export interface HtmlPreview {
  /** HTML. */
  kind: 'html';
  /** Its name. */
  label: string;
  /** Whether it is shown at once; false by default. */
  isOpen?: boolean | undefined;
  /** The values that `frame` gets. */
  query: PanelQuery;
}

/** A text. */
export interface TextPreview {
  /** A short message as a phone shows it, or a plain text. */
  kind: 'message' | 'text';
  /** Its name. */
  label: string;
  /** Whether it is shown at once; false by default. */
  isOpen?: boolean | undefined;
  /** The text. */
  text: string;
}

/** The part of the recorder that panels need most. The newest come first, 50 of them by default. */
export interface PanelRecorder {
  /** Finds records. */
  records(query?: RecordedQuery): Promise<RecordedPage<RecordedRecord>>;
  /** Finds invocations. */
  invocations(
    query?: Omit<RecordedQuery, 'topic' | 'key'>,
  ): Promise<RecordedPage<RecordedInvocation>>;
}

/** The records or invocations to find: those that fit each property that is given. */
export interface RecordedQuery {
  /** The mapping's UUID. */
  readonly mapping?: string;
  /** The function's name in the service. */
  readonly functionKey?: string;
  /** The topic of records. */
  readonly topic?: string;
  /** The whole key of records, as text. */
  readonly key?: string;
  /** The earliest time, in milliseconds since 1970. */
  readonly from?: number;
  /** The latest time, in milliseconds since 1970. */
  readonly to?: number;
  /** The most to find, up to 200; 50 by default. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly cursor?: string;
}

/** A part of an answer. */
export interface RecordedPage<T> {
  /** The records or invocations. */
  readonly items: readonly T[];
  /** The cursor of the next page; undefined on the last one. */
  readonly next?: string | undefined;
}

/** A remembered record. */
export interface RecordedRecord {
  /** The mapping's UUID. */
  readonly mapping: string;
  /** The function's name in the service. */
  readonly functionKey: string;
  /** The name of the topic. */
  readonly topic: string;
  /** The number of the partition. */
  readonly partition: number;
  /** The offset, in decimal digits. */
  readonly offset: string;
  /** The record's own time, in milliseconds since 1970; -1 when it has none. */
  readonly timestamp: number;
  /** The time at which it was read, in milliseconds since 1970. */
  readonly seenAt: number;
  /** The first characters of the key; undefined without one. */
  readonly keyPreview?: string | undefined;
  /** The first characters of the value; undefined for a tombstone. */
  readonly valuePreview?: string | undefined;
  /** How far it is: `done`, `retrying`, `deadLettered` and others. */
  readonly state: string;
  /** Invocations with it that reached the function. */
  readonly attempts: number;
  /** Why it is in this state, in one sentence. */
  readonly reason?: string | undefined;
}

/** A remembered invocation. */
export interface RecordedInvocation {
  /** The emulator's id for it. */
  readonly id: string;
  /** The request id that the function saw, where the endpoint tells it. */
  readonly requestId?: string | undefined;
  /** The mapping's UUID. */
  readonly mapping: string;
  /** The function's name in the service. */
  readonly functionKey: string;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  /** In milliseconds; undefined while it runs. */
  readonly durationMs?: number | undefined;
  /** The number of its records. */
  readonly records: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How it ended: `succeeded`, `failed`, `timedOut` and others. */
  readonly state: string;
  /** The error of a failed one. */
  readonly error?: string | undefined;
}

// biome-ignore lint/complexity/noUselessEmptyExport: without it, all types of this declaration file would be exported.
export {};
