/** The properties of an AWS::Lambda::EventSourceMapping for Kafka, with AWS's bounds and words. */
import { z } from 'zod';
import { isObject } from '../template/merge.ts';

/** AWS: the message of a value that its service model does not allow. */
export function constraint(field: string, value: unknown, rule: string): string {
  return `1 validation error detected: Value '${String(value)}' at '${field}' failed to satisfy constraint: ${rule}`;
}

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

const matching = (field: string, pattern: string, max: number, min = 1) =>
  z
    .string()
    .min(min, {
      error: ({ input }) =>
        constraint(field, input, `Member must have length greater than or equal to ${min}`),
    })
    .max(max, {
      error: ({ input }) =>
        constraint(field, input, `Member must have length less than or equal to ${max}`),
    })
    .regex(new RegExp(`^${pattern}$`), {
      error: ({ input }) =>
        constraint(field, input, `Member must satisfy regular expression pattern: ${pattern}`),
    });

const oneOf = <T extends string>(field: string, values: readonly [T, ...T[]]) =>
  z.enum(values, {
    error: ({ input }) =>
      constraint(field, input, `Member must satisfy enum value set: [${values.join(', ')}]`),
  });

// CloudFormation takes the texts "true" and "false" too.
const flag = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
);

const NO_TOPICS = "Required 'topics' parameter is missing.";
export const TOPIC_PATTERN = '[^.]([a-zA-Z0-9\\-_.]+)';
const topic = z
  .string()
  .max(249, {
    error: ({ input }) =>
      constraint('topics', `[${input}]`, 'Member must have length less than or equal to 249'),
  })
  .regex(new RegExp(`^${TOPIC_PATTERN}$`), {
    error: ({ input }) =>
      constraint(
        'topics',
        `[${input}]`,
        `Member must satisfy regular expression pattern: ${TOPIC_PATTERN}`,
      ),
  });

const access = z.strictObject({ Type: z.string(), URI: z.unknown() });

const registry = z.strictObject({
  SchemaRegistryURI: z.unknown().optional(),
  EventRecordFormat: z.unknown().optional(),
  AccessConfigs: z.array(access).optional(),
  SchemaValidationConfigs: z
    .array(z.strictObject({ Attribute: oneOf('attribute', ['KEY', 'VALUE']) }))
    .optional(),
});

const GROUP = '[a-zA-Z0-9-\\/*:_+=.@-]*';
const config = z.strictObject({
  ConsumerGroupId: matching('consumerGroupId', GROUP, 200).optional(),
  // AWS: an empty one removes the registry.
  SchemaRegistryConfig: z.preprocess(
    (value) => (isObject(value) && Object.keys(value).length === 0 ? undefined : value),
    registry.optional(),
  ),
  ConsumptionMode: oneOf('consumptionMode', ['Stream', 'Queue']).optional(),
});

/** All but the function's name. What only CloudFormation knows is allowed where it does no harm here. */
export const shape = z.strictObject({
  EventSourceArn: z.unknown().optional(),
  SelfManagedEventSource: z
    .strictObject({
      Endpoints: z.strictObject({
        KafkaBootstrapServers: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]),
      }),
    })
    .optional(),
  SourceAccessConfigurations: z.array(access).max(23).default([]),
  Topics: z
    .array(topic, { error: ({ input }) => (input === undefined ? NO_TOPICS : undefined) })
    .min(1, NO_TOPICS)
    .max(1, {
      error: ({ input }) =>
        constraint(
          'topics',
          `[${(input as unknown[]).join(', ')}]`,
          'Member must have length less than or equal to 1',
        ),
    }),
  BatchSize: between('batchSize', 1, 10_000).default(100),
  MaximumBatchingWindowInSeconds: between('maximumBatchingWindowInSeconds', 0, 300).optional(),
  Enabled: flag.default(true),
  StartingPosition: oneOf('startingPosition', ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']).default(
    'TRIM_HORIZON',
  ),
  StartingPositionTimestamp: z.coerce.number().optional(),
  SelfManagedKafkaEventSourceConfig: config.optional(),
  AmazonManagedKafkaEventSourceConfig: config.optional(),
  FilterCriteria: z
    .strictObject({
      Filters: z.array(z.strictObject({ Pattern: z.string().optional() })).optional(),
    })
    .optional(),
  FunctionResponseTypes: z
    .array(oneOf('functionResponseTypes', ['ReportBatchItemFailures']))
    .max(1)
    .default([]),
  ProvisionedPollerConfig: z
    .strictObject({
      MinimumPollers: between('provisionedPollerConfig.minimumPollers', 1, 200).optional(),
      MaximumPollers: between('provisionedPollerConfig.maximumPollers', 1, 2_000).optional(),
      PollerGroupName: matching(
        'provisionedPollerConfig.pollerGroupName',
        '[a-zA-Z0-9-_]*',
        128,
        0,
      ).optional(),
    })
    .default({}),
  MaximumRetryAttempts: between('maximumRetryAttempts', -1, 10_000).default(-1),
  MaximumRecordAgeInSeconds: between('maximumRecordAgeInSeconds', -1, 604_800).default(-1),
  BisectBatchOnFunctionError: flag.default(false),
  DestinationConfig: z
    .strictObject({
      OnFailure: z.strictObject({ Destination: z.unknown() }).optional(),
      OnSuccess: z.unknown().optional(),
    })
    .default({}),
  KmsKeyArn: z.unknown().optional(),
  MetricsConfig: z
    .strictObject({
      Metrics: z
        .array(oneOf('metrics', ['EventCount', 'ErrorCount', 'KafkaMetrics']))
        .max(3)
        .optional(),
    })
    .optional(),
  LoggingConfig: z
    .strictObject({
      SystemLogLevel: oneOf('systemLogLevel', ['DEBUG', 'INFO', 'WARN']).optional(),
    })
    .optional(),
  Tags: z.unknown().optional(),
});

export type Shape = z.output<typeof shape>;
export type RegistryShape = z.output<typeof registry>;

/** AWS: settings of other kinds of source, by the names of its API. */
export const UNSUPPORTED: Readonly<Record<string, string>> = {
  DocumentDBEventSourceConfig: 'documentDBEventSourceConfig',
  ParallelizationFactor: 'parallelizationFactor',
  Queues: 'queues',
  ScalingConfig: 'scalingConfig',
  TumblingWindowInSeconds: 'tumblingWindowInSeconds',
};

/** Whether the mapping has event pollers of its own. */
export function isProvisioned({
  ProvisionedPollerConfig: { MinimumPollers, MaximumPollers },
}: Shape) {
  return MinimumPollers !== undefined || MaximumPollers !== undefined;
}

/** The part of the properties that depends on the kind of cluster. */
export function clusterConfig(
  properties: Shape,
): NonNullable<Shape['SelfManagedKafkaEventSourceConfig']> {
  return (
    properties.SelfManagedKafkaEventSourceConfig ??
    properties.AmazonManagedKafkaEventSourceConfig ??
    {}
  );
}

/** The deployed servers, as far as they are a list. */
export function serversOf({
  SelfManagedEventSource: source,
}: Pick<Shape, 'SelfManagedEventSource'>): readonly unknown[] | undefined {
  const servers = source?.Endpoints.KafkaBootstrapServers;
  return Array.isArray(servers) ? servers : undefined;
}

/** The registry that the mapping names. */
export function registryOf(properties: Shape): RegistryShape | undefined {
  return clusterConfig(properties).SchemaRegistryConfig;
}
