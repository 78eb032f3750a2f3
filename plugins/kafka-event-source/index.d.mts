/** The options under `custom.kafkaEventSource`, for a configuration in TypeScript; see the README. */
export interface KafkaEventSourceOptions extends Local {
  /** Settings for one mapping, by function or by `function/topic`. */
  readonly mappings?: Readonly<Record<string, Own>>;
  /** Local contents of deployed secrets, by ARN. */
  readonly secrets?: Readonly<Record<string, { file: string } | { environment: string }>>;
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
    readonly allowChanges?: boolean;
    readonly host?: string;
    readonly names?: readonly string[];
    /** Panels of the service's own on the page; see docs/panels.md. */
    readonly panels?: readonly {
      readonly module: string;
      readonly settings?: Readonly<Record<string, unknown>>;
    }[];
  };
  /** `log`, `off`, or a folder for the system logs of mappings. */
  readonly systemLog?: string;
  /** The memory of records and invocations: 200 MB and 7 days by default; `false` turns it off. */
  readonly recorder?: false | Recorder;
  /** Whether a refused mapping, a warning, or a difference from AWS that no option makes prevents the start. */
  readonly strict?: boolean;
  /** Whether all settings are logged, and not only those that differ from the deployed ones. */
  readonly report?: boolean;
}

interface Recorder {
  readonly maxMegabytes?: number;
  readonly maxDays?: number;
  /** JSON paths such as `$.contact`, and names of headers: their values are never written. */
  readonly private?: readonly string[];
}

interface Local {
  readonly bootstrapServers?: string | readonly string[];
  /** Whether to connect with the deployed access configurations; by default with the deployed servers only. */
  readonly useDeployedAccess?: boolean;
  /** The address of Lambda's API, or the whole address of one function's invocations. */
  readonly lambdaEndpoint?: string;
  readonly ssl?:
    | boolean
    | {
        readonly ca?: string;
        readonly certificate?: string;
        readonly privateKey?: string;
        readonly privateKeyPassword?: string;
        readonly rejectUnauthorized?: boolean;
      };
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | { readonly mechanism: 'aws-msk-iam'; readonly region?: string };
}

interface Own extends Local {
  readonly enabled?: boolean;
  readonly consumerGroupId?: string;
  /** In place of the deployed destination: an ARN, `kafka://topic`, or an empty text for none. */
  readonly onFailureDestination?: string;
}

/** A function of CloudFormation, in the place of a value. */
type CloudFormation = { readonly Ref: string } | { readonly [name: `Fn::${string}`]: unknown };

/** The properties that the plugin adds to `kafka` and `msk` events; the README has what they deploy as. */
export interface KafkaEventProperties {
  readonly maximumBatchingWindowInSeconds?: number | CloudFormation;
  readonly provisionedPollerConfig?: {
    readonly minimumPollers?: number | CloudFormation;
    readonly maximumPollers?: number | CloudFormation;
    readonly pollerGroupName?: string;
  };
  readonly provisionedPollers?:
    | false
    | {
        readonly min?: number | CloudFormation;
        readonly max?: number | CloudFormation;
        readonly group?: string;
      };
  readonly maximumRetryAttempts?: number | CloudFormation;
  readonly maximumRecordAge?: number | CloudFormation;
  readonly bisectBatchOnFunctionError?: boolean | CloudFormation;
  readonly functionResponseType?: 'ReportBatchItemFailures';
  readonly onFailureDestination?: string | CloudFormation;
  readonly metricsConfig?: {
    readonly metrics: readonly ('EventCount' | 'ErrorCount' | 'KafkaMetrics')[];
  };
  readonly loggingConfig?: { readonly systemLogLevel: 'DEBUG' | 'INFO' | 'WARN' };
  readonly schemaRegistry?: {
    readonly uri: string | CloudFormation;
    readonly eventRecordFormat: 'JSON' | 'SOURCE';
    readonly accessConfigurations?: {
      readonly basicAuth?: string | CloudFormation;
      readonly clientCertificateTlsAuth?: string | CloudFormation;
      readonly serverRootCaCertificate?: string | CloudFormation;
    };
    readonly validate: readonly ('key' | 'value' | 'KEY' | 'VALUE')[];
  };
}

/**
 * The type of a configuration, such as `AWS` of `@serverless/typescript`, with the plugin's event properties
 * and options. That type cannot be augmented in place, because its events have no names.
 */
export type WithKafkaEventSource<Configuration> = {
  [K in keyof Configuration]: K extends 'functions'
    ? Functions<Configuration[K]>
    : K extends 'custom'
      ? Configuration[K] & { readonly kafkaEventSource?: KafkaEventSourceOptions }
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
  readonly commands: object;
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>;
}
