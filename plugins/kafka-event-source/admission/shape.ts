/** The properties of an AWS::Lambda::EventSourceMapping for Kafka, with AWS's limits and messages. */
import { z } from 'zod';
import { isObject } from '../json.ts';
import { allowing, constraint, matching, oneOf } from '../settings/rules.ts';
import { hasPollers, ON_AWS_ONLY, SETTINGS } from '../settings/settings.ts';
import { isIntrinsic } from '../template/intrinsic.ts';

const NO_TOPICS = "Required 'topics' parameter is missing.";
const TOPIC_PATTERN = '[^.]([a-zA-Z0-9\\-_.]+)';
const TOPIC = new RegExp(`^${TOPIC_PATTERN}$`);
/** Kafka's own limit. */
const MAX_TOPIC = 249;
const TOPIC_RULES = [
  `Member must have length less than or equal to ${MAX_TOPIC}`,
  'Member must have length greater than or equal to 1',
  `Member must satisfy regular expression pattern: ${TOPIC_PATTERN}`,
];

const access = z.strictObject({ Type: z.string(), URI: z.unknown().optional() });

const registry = z.strictObject({
  SchemaRegistryURI: z.unknown().optional(),
  EventRecordFormat: z.unknown().optional(),
  AccessConfigs: z.array(access).optional(),
  SchemaValidationConfigs: z
    .array(z.strictObject({ Attribute: oneOf('attribute', ['KEY', 'VALUE']) }))
    .optional(),
});

const GROUP = '[a-zA-Z0-9-\\/*:_+=.@-]*';
const config = (name: string) =>
  z.strictObject({
    ConsumerGroupId: matching(`${name}.consumerGroupId`, GROUP, 200).optional(),
    // AWS: an empty object removes the registry.
    SchemaRegistryConfig: z.preprocess(
      (value) => (isEmpty(value) ? undefined : value),
      registry.optional(),
    ),
    ConsumptionMode: oneOf(`${name}.consumptionMode`, ['Stream', 'Queue']).optional(),
  });

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

const NO_ENDPOINTS = constraint(
  'selfManagedEventSource.endpoints',
  '{}',
  'Member must have length greater than or equal to 1',
);

type Rules<Table extends Record<string, { rule: z.ZodType }>> = {
  [Name in keyof Table]: Table[Name]['rule'];
};

function rulesOf<Table extends Record<string, { rule: z.ZodType }>>(table: Table): Rules<Table> {
  const rules = Object.entries(table).map(([name, { rule }]) => [name, rule]);
  return Object.fromEntries(rules) as Rules<Table>;
}

function isTopic(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TOPIC && TOPIC.test(value);
}

/** All properties but the function's name. An intrinsic function is allowed where it does no harm. */
export const shape = z.strictObject({
  EventSourceArn: z.unknown().optional(),
  SelfManagedEventSource: z
    .strictObject({
      Endpoints: z.strictObject({
        KafkaBootstrapServers: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())], {
          error: ({ input }) => (input === undefined ? NO_ENDPOINTS : undefined),
        }),
      }),
    })
    .optional(),
  // A list that only AWS knows is left to `refuseUnknown`.
  SourceAccessConfigurations: z.preprocess(
    (value) => (isIntrinsic(value) ? [] : value),
    z.array(access).max(23).default([]),
  ),
  Topics: z
    .array(z.custom<string>(), {
      error: ({ input }) => (input === undefined ? NO_TOPICS : undefined),
    })
    .min(1, NO_TOPICS)
    .superRefine(allowing('topics', isTopic, TOPIC_RULES, 1)),
  SelfManagedKafkaEventSourceConfig: config('selfManagedKafkaEventSourceConfig').optional(),
  AmazonManagedKafkaEventSourceConfig: config('amazonManagedKafkaEventSourceConfig').optional(),
  ...rulesOf(SETTINGS),
  ...rulesOf(ON_AWS_ONLY),
});

export type Shape = z.output<typeof shape>;
export type RegistryShape = z.output<typeof registry>;

/** AWS: settings for other kinds of sources, each with its name in AWS's message. */
export const UNSUPPORTED: Readonly<Record<string, string>> = {
  DocumentDBEventSourceConfig: 'documentDBEventSourceConfig',
  ParallelizationFactor: 'parallelizationFactor',
  Queues: 'queues',
  ScalingConfig: 'scalingConfig',
  TumblingWindowInSeconds: 'tumblingWindowInSeconds',
};

/** Whether the mapping has event pollers of its own. */
export function isProvisioned({ ProvisionedPollerConfig }: Shape): boolean {
  return hasPollers(ProvisionedPollerConfig);
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

/** The deployed servers, if they are a list. */
export function serversOf({
  SelfManagedEventSource: source,
}: Pick<Shape, 'SelfManagedEventSource'>): readonly unknown[] | undefined {
  const servers = source?.Endpoints.KafkaBootstrapServers;
  return Array.isArray(servers) ? servers : undefined;
}

/** The mapping's schema registry. */
export function registryOf(properties: Shape): RegistryShape | undefined {
  return clusterConfig(properties).SchemaRegistryConfig;
}
