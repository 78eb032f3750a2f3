/** What serverless.yml says of a Kafka event source, as the mapping that would be deployed. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EventSource } from './event.ts';
import type { Mapping } from './mapping.ts';
import { ConfigurationError, check, type Options } from './options.ts';

/** The parts of the loaded service that mappings are made of. */
export interface Service {
  readonly service: string;
  readonly stage: string;
  readonly functions: readonly FunctionDefinition[];
  /** `resources.extensions`: what is laid over the framework's generated resources. */
  readonly extensions: Readonly<Record<string, { readonly Properties?: unknown } | undefined>>;
  readonly logicalId: (
    kind: EventKind,
    functionKey: string,
    topic: string,
    cluster: string,
  ) => string;
}

export interface FunctionDefinition {
  readonly key: string;
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly events: readonly unknown[];
}

export type EventKind = 'kafka' | 'msk';

type Properties = Readonly<Record<string, unknown>>;

const DEFAULT_BATCH_SIZE = 100;
const DEFAULT_WINDOW_MS = 500;
const MAX_TIMEOUT_SECONDS = 840;

const intrinsic = z.record(z.string(), z.unknown());
const text = z.union([z.string(), intrinsic]);

const atLeast = (field: string, min: number) => ({
  error: ({ input }: { input: unknown }) =>
    constraint(field, input, `Member must have value greater than or equal to ${min}`),
});
const atMost = (field: string, max: number) => ({
  error: ({ input }: { input: unknown }) =>
    constraint(field, input, `Member must have value less than or equal to ${max}`),
});
const between = (field: string, min: number, max: number) =>
  z.coerce.number().int().min(min, atLeast(field, min)).max(max, atMost(field, max));

const TOPIC = /^[^.]([a-zA-Z0-9\-_.]+)$/;
const topicName = z
  .string({ error: "Required 'topics' parameter is missing." })
  .max(249)
  .regex(TOPIC, {
    error: ({ input }) =>
      constraint(
        'topics',
        `[${String(input)}]`,
        'Member must satisfy regular expression pattern: [^.]([a-zA-Z0-9\\-_.]+)',
      ),
  });

const groupId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[a-zA-Z0-9\-/*:_+=.@]*$/, 'may have letters, digits and - / * : _ + = . @');

const eventProperties = {
  topic: topicName,
  batchSize: between('batchSize', 1, 10_000).optional(),
  maximumBatchingWindow: between('maximumBatchingWindowInSeconds', 0, 300).optional(),
  enabled: z.boolean().optional(),
  startingPosition: z.enum(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']).default('TRIM_HORIZON'),
  startingPositionTimestamp: z.number().optional(),
  consumerGroupId: groupId.optional(),
  filterPatterns: z.array(z.record(z.string(), z.unknown())).optional(),
  onFailureDestination: text.optional(),
  provisionedPollerConfig: z.record(z.string(), z.unknown()).optional(),
  provisionedPollers: z.union([z.record(z.string(), z.unknown()), z.literal(false)]).optional(),
} as const;

const kafkaSchema = z.strictObject({
  ...eventProperties,
  bootstrapServers: z.array(text).min(1),
  accessConfigurations: z
    .record(z.string(), z.unknown(), {
      error: "Required 'sourceAccessConfigurations' parameter is missing.",
    })
    .refine((value) => Object.keys(value).length > 0, {
      error: "Required 'sourceAccessConfigurations' parameter is missing.",
    }),
});

const mskSchema = z.strictObject({
  ...eventProperties,
  arn: text,
  saslScram512: text.optional(),
});

/** The properties of AWS::Lambda::EventSourceMapping that a Kafka mapping can have. */
const propertiesSchema = z.strictObject({
  FunctionName: z.unknown().optional(),
  EventSourceArn: text.optional(),
  SelfManagedEventSource: z.unknown().optional(),
  SourceAccessConfigurations: z.unknown().optional(),
  Topics: z
    .array(topicName)
    .min(1, "Required 'topics' parameter is missing.")
    .max(1, {
      error: ({ input }) =>
        constraint(
          'topics',
          `[${(input as unknown[]).join(', ')}]`,
          'Member must have length less than or equal to 1',
        ),
    }),
  BatchSize: between('batchSize', 1, 10_000).default(DEFAULT_BATCH_SIZE),
  MaximumBatchingWindowInSeconds: between('maximumBatchingWindowInSeconds', 0, 300).optional(),
  Enabled: z.boolean().default(true),
  StartingPosition: eventProperties.startingPosition,
  StartingPositionTimestamp: z.number().optional(),
  SelfManagedKafkaEventSourceConfig: z
    .strictObject({ ConsumerGroupId: groupId.optional(), SchemaRegistryConfig: z.unknown() })
    .partial()
    .optional(),
  AmazonManagedKafkaEventSourceConfig: z
    .strictObject({ ConsumerGroupId: groupId.optional(), SchemaRegistryConfig: z.unknown() })
    .partial()
    .optional(),
  FilterCriteria: z.strictObject({ Filters: z.array(z.unknown()).optional() }).optional(),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).max(1).default([]),
  ProvisionedPollerConfig: z.record(z.string(), z.unknown()).optional(),
  MaximumRetryAttempts: between('maximumRetryAttempts', -1, 10_000).default(-1),
  MaximumRecordAgeInSeconds: between('maximumRecordAgeInSeconds', -1, 604_800).default(-1),
  BisectBatchOnFunctionError: z.boolean().default(false),
  DestinationConfig: z.unknown().optional(),
  KmsKeyArn: z.unknown().optional(),
  MetricsConfig: z.unknown().optional(),
  LoggingConfig: z.unknown().optional(),
  Tags: z.unknown().optional(),
});

/** Every Kafka mapping of the service, as it would be deployed, with the local settings applied. */
export function readMappings(service: Service, options: Options): Mapping[] {
  refuseUnknownFunctions(service, options);
  const mappings = new Map<string, Mapping>();
  for (const fn of service.functions) {
    for (const event of fn.events) {
      const found = readEvent(event);
      if (!found) continue;
      const mapping = readMapping(service, fn, found, options);
      // AWS: the framework gives two such events one logical id, and the last one is deployed.
      mappings.set(mapping.logicalId, mapping);
    }
  }
  return [...mappings.values()];
}

interface Found {
  readonly kind: EventKind;
  readonly event: unknown;
}

function readEvent(event: unknown): Found | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  if ('kafka' in event) return { kind: 'kafka', event: event.kafka };
  if ('msk' in event) return { kind: 'msk', event: event.msk };
  return undefined;
}

function readMapping(service: Service, fn: FunctionDefinition, found: Found, options: Options) {
  const where = `functions.${fn.key}.events.${found.kind}`;
  const generated = generate(found, where);
  const cluster = found.kind === 'msk' ? clusterName(generated.EventSourceArn) : '';
  const [topic = ''] = generated.Topics as string[];
  const logicalId = service.logicalId(found.kind, fn.key, topic, cluster);
  const extension = service.extensions[logicalId]?.Properties ?? {};
  const properties = check(
    propertiesSchema,
    { ...generated, ...(extension as Properties) },
    Object.keys(extension).length > 0 ? `${where} with resources.extensions.${logicalId}` : where,
  );
  refuse(fn, properties, where);
  return toMapping(service, fn, found.kind, logicalId, properties, options);
}

/** What the framework compiles the event to. */
function generate({ kind, event }: Found, where: string): Properties {
  const yml = kind === 'kafka' ? check(kafkaSchema, event, where) : check(mskSchema, event, where);
  const group = yml.consumerGroupId && { ConsumerGroupId: yml.consumerGroupId };
  const pollers = yml.provisionedPollerConfig ?? yml.provisionedPollers;
  return {
    ...('arn' in yml
      ? { EventSourceArn: yml.arn, ...(group && { AmazonManagedKafkaEventSourceConfig: group }) }
      : {
          SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: yml.bootstrapServers } },
          ...(group && { SelfManagedKafkaEventSourceConfig: group }),
        }),
    Topics: [yml.topic],
    StartingPosition: yml.startingPosition,
    ...(yml.startingPositionTimestamp !== undefined && {
      StartingPositionTimestamp: yml.startingPositionTimestamp,
    }),
    ...(yml.batchSize && { BatchSize: yml.batchSize }),
    // AWS: the framework drops a window of 0, so it deploys as the default of 500 ms.
    ...(yml.maximumBatchingWindow && { MaximumBatchingWindowInSeconds: yml.maximumBatchingWindow }),
    ...(yml.enabled !== undefined && { Enabled: yml.enabled }),
    ...(yml.filterPatterns && {
      FilterCriteria: { Filters: yml.filterPatterns.map((p) => ({ Pattern: JSON.stringify(p) })) },
    }),
    ...(yml.onFailureDestination && {
      DestinationConfig: { OnFailure: { Destination: yml.onFailureDestination } },
    }),
    ...(pollers && { ProvisionedPollerConfig: pollers }),
  };
}

type Deployed = z.output<typeof propertiesSchema>;

function refuse(fn: FunctionDefinition, properties: Deployed, where: string): void {
  if (properties.StartingPosition === 'AT_TIMESTAMP' && !properties.StartingPositionTimestamp) {
    throw new ConfigurationError(
      `You must specify startingPositionTimestamp for function: ${fn.key} when startingPosition is AT_TIMESTAMP.`,
    );
  }
  if (fn.timeoutSeconds > MAX_TIMEOUT_SECONDS) {
    throw new ConfigurationError(
      `functions.${fn.key}.timeout: ${fn.timeoutSeconds} s; a Kafka event source takes functions ` +
        `with a timeout of at most ${MAX_TIMEOUT_SECONDS} s. Lower the timeout.`,
    );
  }
  if (properties.FilterCriteria?.Filters?.length) {
    throw new ConfigurationError(
      `${where}.filterPatterns: filters are not emulated yet, and without them the function would ` +
        'get records that it never gets on AWS. Take the event out of this stage or its filters.',
    );
  }
}

function toMapping(
  { service, stage }: Service,
  fn: FunctionDefinition,
  kind: EventKind,
  logicalId: string,
  properties: Deployed,
  options: Options,
): Mapping {
  const [topic = ''] = properties.Topics;
  const deployedServers = readServers(properties);
  const bootstrapServers = localServers(fn.key, kind, deployedServers, options);
  const config =
    properties.SelfManagedKafkaEventSourceConfig ?? properties.AmazonManagedKafkaEventSourceConfig;
  const cluster = JSON.stringify(deployedServers ?? properties.EventSourceArn);
  const window = properties.MaximumBatchingWindowInSeconds;
  const timestamp = properties.StartingPositionTimestamp;
  const uuid = stableUuid([service, stage, fn.key, topic, cluster]);
  const mapping = {
    name: `${fn.key} (${topic})`,
    logicalId,
    uuid,
    functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${fn.name}`,
    consumptionMode: 'Stream',
    maximumRetryAttempts: properties.MaximumRetryAttempts,
    maximumRecordAgeSeconds: properties.MaximumRecordAgeInSeconds,
    bisectBatchOnFunctionError: properties.BisectBatchOnFunctionError,
    dropWhenDestinationFails: false,
    filters: [],
    access: [],
    connection: { useDeployedAccess: false, secrets: {} },
    endpoints: { region: 'us-east-1' },
    functionKey: fn.key,
    functionName: fn.name,
    timeoutMs: fn.timeoutSeconds * 1000,
    source: toSource(kind, properties, bootstrapServers),
    topic,
    bootstrapServers,
    groupId: config?.ConsumerGroupId ?? uuid,
    batchSize: properties.BatchSize,
    windowMs: window === undefined ? DEFAULT_WINDOW_MS : window * 1000,
    enabled: properties.Enabled,
    startingPosition: properties.StartingPosition,
    ...(timestamp !== undefined && { startingTimestampMs: timestamp * 1000 }),
    reportBatchItemFailures: properties.FunctionResponseTypes.length > 0,
    notEmulated: notEmulated(properties),
  } satisfies Mapping;
  if (options.strict && mapping.notEmulated.length > 0) {
    throw new ConfigurationError(
      `${mapping.name}: not emulated: ${mapping.notEmulated.join(', ')}, and ` +
        'custom.kafkaEventSource.strict is true. Take the setting out of this stage, or strict.',
    );
  }
  return mapping;
}

// The addresses of the cluster that the records come from, as on AWS; here that is the local one.
function toSource(kind: EventKind, properties: Deployed, servers: readonly string[]): EventSource {
  const bootstrapServers = servers.join(',');
  if (kind === 'kafka') return { eventSource: 'SelfManagedKafka', bootstrapServers };
  const arn = properties.EventSourceArn;
  const eventSourceArn =
    typeof arn === 'string'
      ? arn
      : `arn:aws:kafka:us-east-1:000000000000:cluster/${clusterName(arn)}/${stableUuid([JSON.stringify(arn)])}`;
  return { eventSource: 'aws:kafka', eventSourceArn, bootstrapServers };
}

function readServers({ SelfManagedEventSource: source }: Deployed): readonly unknown[] | undefined {
  const schema = z.object({
    Endpoints: z.object({ KafkaBootstrapServers: z.array(z.unknown()) }),
  });
  return schema.safeParse(source).data?.Endpoints.KafkaBootstrapServers;
}

function localServers(
  functionKey: string,
  kind: EventKind,
  deployed: readonly unknown[] | undefined,
  options: Options,
): readonly string[] {
  const local = options.mappings[functionKey]?.bootstrapServers ?? options.bootstrapServers;
  if (local) return local;
  if (deployed?.every((one) => typeof one === 'string')) return deployed;
  const why =
    kind === 'msk' ? 'an msk event names no servers' : 'the deployed servers are known to AWS only';
  throw new ConfigurationError(
    `functions.${functionKey}: ${why}. Set custom.kafkaEventSource.bootstrapServers, or ` +
      `custom.kafkaEventSource.mappings.${functionKey}.bootstrapServers, to the local broker.`,
  );
}

function notEmulated(properties: Deployed): string[] {
  const destination = z
    .object({ OnFailure: z.object({ Destination: z.unknown() }) })
    .safeParse(properties.DestinationConfig).data?.OnFailure.Destination;
  const registry =
    properties.SelfManagedKafkaEventSourceConfig?.SchemaRegistryConfig ??
    properties.AmazonManagedKafkaEventSourceConfig?.SchemaRegistryConfig;
  const set = {
    MaximumRetryAttempts: properties.MaximumRetryAttempts !== -1,
    MaximumRecordAgeInSeconds: properties.MaximumRecordAgeInSeconds !== -1,
    BisectBatchOnFunctionError: properties.BisectBatchOnFunctionError,
    DestinationConfig: Boolean(destination),
    ProvisionedPollerConfig: Object.keys(properties.ProvisionedPollerConfig ?? {}).length > 0,
    SchemaRegistryConfig: registry !== undefined,
    MetricsConfig: properties.MetricsConfig !== undefined,
    LoggingConfig: properties.LoggingConfig !== undefined,
  };
  return Object.entries(set).flatMap(([name, isSet]) => (isSet ? [name] : []));
}

function refuseUnknownFunctions({ functions }: Service, { mappings }: Options): void {
  for (const key of Object.keys(mappings)) {
    if (!functions.some((fn) => fn.key === key)) {
      throw new ConfigurationError(
        `custom.kafkaEventSource.mappings.${key}: there is no function "${key}". ` +
          'Name a function of this service that has a kafka or msk event.',
      );
    }
  }
}

// The same token as the framework's, for the logical id.
function clusterName(arn: unknown): string {
  if (typeof arn === 'string') return arn.split('/')[1] ?? '';
  const { Ref: ref, 'Fn::ImportValue': imported } = arn as Record<string, unknown>;
  return String(imported ?? ref ?? '');
}

function stableUuid(parts: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

function constraint(field: string, value: unknown, rule: string): string {
  return `1 validation error detected: Value '${String(value)}' at '${field}' failed to satisfy constraint: ${rule}`;
}
