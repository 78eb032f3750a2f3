/** A mapping's settings by AWS's names. A new setting needs a row here, and the code that acts on it. */
import { z } from 'zod';
import { isObject, nonEmpty, toObject } from '../json.ts';
import {
  between,
  cloudFormation,
  flag,
  integer,
  matching,
  numeric,
  oneOf,
  someOf,
} from './rules.ts';

export type Destination =
  | { readonly kind: 'kafka'; readonly topic: string }
  | { readonly kind: 'sqs' | 'sns' | 's3'; readonly arn: string };

export interface Pollers {
  readonly minimum: number;
  readonly maximum: number;
  readonly group?: string;
}

const METRIC_GROUPS = ['EventCount', 'ErrorCount', 'KafkaMetrics'] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];

/** Most detail first. A level has its own records and those with less detail. */
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** An event as it is written in serverless.yml. */
type EventProperties = Readonly<Record<string, unknown>>;

/** Event properties that the framework lacks: their schemas, and the value that they deploy as. */
interface OwnProperties {
  readonly properties: Readonly<Record<string, object>>;
  value(event: EventProperties): unknown;
}

interface Setting<Rule extends z.ZodType, Fields extends object, Changeable extends boolean> {
  /** AWS's rule, with its default. */
  readonly rule: Rule;
  /** Makes the mapping's fields of a valid value. */
  read(value: z.output<Rule>): Fields;
  /** Makes AWS's value of the fields; undefined if AWS has none for them. */
  write(fields: Fields): unknown;
  /** Whether it may be changed while the mapping runs. */
  readonly isChangeable: Changeable;
  /** Whether AWS takes the value in provisioned mode only. */
  isProvisionedOnly(value: z.output<Rule>): boolean;
  /** The value that the framework makes of an event; null if it has no property for this setting. */
  framework: ((event: EventProperties) => unknown) | null;
  /** The value that the plugin makes of an event; null if it has no property of its own. */
  own: OwnProperties | null;
  /** The value as the report prints it. */
  text(value: z.output<Rule> | undefined): unknown;
}

/** A row of the table; the compiler infers its types here. */
function setting<Rule extends z.ZodType, Fields extends object, const Changeable extends boolean>(
  row: Setting<Rule, Fields, Changeable>,
) {
  return row;
}

const never = () => false;
const itself = (value: unknown) => value;

/** AWS's default window, which its API cannot express. */
const DEFAULT_WINDOW_MS = 500;
const DEFAULT_POLLERS = { minimum: 1, maximum: 200 } as const;
export const KAFKA_DESTINATION = 'kafka://';

const pollerRule = z
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
  .default({});

/** Whether the mapping has event pollers of its own. */
export function hasPollers({ MinimumPollers, MaximumPollers }: z.output<typeof pollerRule>) {
  return MinimumPollers !== undefined || MaximumPollers !== undefined;
}

/** In the order of AWS's own list. */
export const SETTINGS = {
  Enabled: setting({
    rule: flag.default(true),
    read: (enabled) => ({ enabled }),
    write: ({ enabled }) => enabled,
    isChangeable: true,
    isProvisionedOnly: never,
    framework: ({ enabled }) => enabled,
    own: null,
    text: itself,
  }),
  BatchSize: setting({
    rule: between('batchSize', 1, 10_000).default(100),
    read: (batchSize) => ({ batchSize }),
    write: ({ batchSize }) => batchSize,
    isChangeable: true,
    isProvisionedOnly: never,
    // AWS: the framework drops a 0 here and in the window, so they deploy as the defaults, 100 and 500 ms.
    framework: ({ batchSize }) => batchSize || undefined,
    own: null,
    text: itself,
  }),
  MaximumBatchingWindowInSeconds: setting({
    rule: between('maximumBatchingWindowInSeconds', 0, 300).optional(),
    read: (seconds) => ({ windowMs: seconds === undefined ? DEFAULT_WINDOW_MS : seconds * 1000 }),
    write: ({ windowMs }) => (windowMs === DEFAULT_WINDOW_MS ? undefined : windowMs / 1000),
    isChangeable: true,
    isProvisionedOnly: never,
    framework: ({ maximumBatchingWindow }) => maximumBatchingWindow || undefined,
    own: {
      properties: { maximumBatchingWindowInSeconds: integer(0, 300) },
      value: ({ maximumBatchingWindowInSeconds }) => maximumBatchingWindowInSeconds,
    },
    text: (seconds) => seconds ?? `${DEFAULT_WINDOW_MS / 1000} (default)`,
  }),
  StartingPosition: setting({
    rule: oneOf('startingPosition', ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']).default(
      'TRIM_HORIZON',
    ),
    read: (startingPosition) => ({ startingPosition }),
    write: ({ startingPosition }) => startingPosition,
    isChangeable: false,
    isProvisionedOnly: never,
    framework: ({ startingPosition }) => startingPosition || 'TRIM_HORIZON',
    own: null,
    text: itself,
  }),
  StartingPositionTimestamp: setting({
    rule: numeric(z.number()).optional(),
    read: (seconds): { startingTimestampMs?: number } => ({
      startingTimestampMs: seconds === undefined ? undefined : seconds * 1000,
    }),
    write: ({ startingTimestampMs: ms }) => (ms === undefined ? undefined : ms / 1000),
    isChangeable: false,
    isProvisionedOnly: never,
    framework: ({ startingPositionTimestamp }) => startingPositionTimestamp,
    own: null,
    text: itself,
  }),
  FilterCriteria: setting({
    rule: z
      .strictObject({
        Filters: z.array(z.strictObject({ Pattern: z.string().optional() })).optional(),
      })
      .optional(),
    /** The patterns as JSON text. A record that matches one of them is delivered. */
    read: (criteria): { filters: readonly string[] } => ({
      filters: (criteria?.Filters ?? []).map(({ Pattern = '' }) => Pattern),
    }),
    write: ({ filters }) =>
      filters.length > 0 ? { Filters: filters.map((Pattern) => ({ Pattern })) } : undefined,
    isChangeable: true,
    isProvisionedOnly: never,
    framework: ({ filterPatterns }) =>
      Array.isArray(filterPatterns)
        ? { Filters: filterPatterns.map((one) => ({ Pattern: JSON.stringify(one) })) }
        : undefined,
    own: null,
    text: (criteria) => criteria?.Filters?.map(({ Pattern }) => Pattern).join(' or '),
  }),
  ProvisionedPollerConfig: setting({
    rule: pollerRule,
    read: (config): { pollers?: Pollers } => {
      const { MinimumPollers: minimum, MaximumPollers: maximum, PollerGroupName: group } = config;
      if (!hasPollers(config)) return { pollers: undefined };
      return {
        pollers: {
          minimum: minimum ?? DEFAULT_POLLERS.minimum,
          maximum: maximum ?? DEFAULT_POLLERS.maximum,
          ...(group && { group }),
        },
      };
    },
    write: ({ pollers }) =>
      pollers && {
        MinimumPollers: pollers.minimum,
        MaximumPollers: pollers.maximum,
        ...(pollers.group && { PollerGroupName: pollers.group }),
      },
    isChangeable: true,
    isProvisionedOnly: never,
    framework: null,
    own: {
      properties: {
        provisionedPollerConfig: {
          type: 'object',
          minProperties: 1,
          properties: {
            minimumPollers: integer(1, 200),
            maximumPollers: integer(1, 2_000),
            pollerGroupName: { type: 'string', maxLength: 128 },
          },
          additionalProperties: false,
        },
        provisionedPollers: {
          anyOf: [
            { const: false },
            {
              type: 'object',
              minProperties: 1,
              properties: {
                min: integer(1, 200),
                max: integer(1, 2_000),
                group: { type: 'string', maxLength: 128 },
              },
              additionalProperties: false,
            },
          ],
        },
      },
      /** Takes osls' name and values, or those of Serverless Framework v4. */
      value: ({ provisionedPollerConfig: long, provisionedPollers: short }) => {
        if (!isObject(long) && !isObject(short)) return undefined;
        const { minimumPollers, maximumPollers, pollerGroupName } = toObject(long);
        const { min, max, group } = toObject(short);
        return nonEmpty({
          MinimumPollers: min ?? minimumPollers,
          MaximumPollers: max ?? maximumPollers,
          PollerGroupName: group ?? pollerGroupName,
        });
      },
    },
    text: (config) => {
      if (!config || !hasPollers(config)) return 'on demand';
      const { minimum, maximum } = DEFAULT_POLLERS;
      return `${config.MinimumPollers ?? minimum} to ${config.MaximumPollers ?? maximum}`;
    },
  }),
  MaximumRetryAttempts: setting({
    rule: between('maximumRetryAttempts', -1, 10_000).default(-1),
    /** -1 for no limit. The first invocation does not count. */
    read: (maximumRetryAttempts) => ({ maximumRetryAttempts }),
    write: ({ maximumRetryAttempts }) => maximumRetryAttempts,
    isChangeable: true,
    isProvisionedOnly: (attempts) => attempts !== -1,
    framework: null,
    own: {
      properties: { maximumRetryAttempts: integer(-1, 10_000) },
      value: ({ maximumRetryAttempts }) => maximumRetryAttempts,
    },
    text: itself,
  }),
  MaximumRecordAgeInSeconds: setting({
    rule: between('maximumRecordAgeInSeconds', -1, 604_800).default(-1),
    /** -1 for no limit. */
    read: (maximumRecordAgeSeconds) => ({ maximumRecordAgeSeconds }),
    write: ({ maximumRecordAgeSeconds }) => maximumRecordAgeSeconds,
    isChangeable: true,
    isProvisionedOnly: (age) => age !== -1,
    framework: null,
    own: {
      properties: {
        maximumRecordAge: {
          anyOf: [
            { const: -1 },
            { type: 'integer', minimum: 60, maximum: 604_800 },
            cloudFormation,
          ],
        },
      },
      value: ({ maximumRecordAge }) => maximumRecordAge,
    },
    text: itself,
  }),
  BisectBatchOnFunctionError: setting({
    rule: flag.default(false),
    read: (bisectBatchOnFunctionError) => ({ bisectBatchOnFunctionError }),
    write: ({ bisectBatchOnFunctionError }) => bisectBatchOnFunctionError,
    isChangeable: true,
    isProvisionedOnly: (isSet) => isSet,
    framework: null,
    own: {
      properties: {
        bisectBatchOnFunctionError: { anyOf: [{ type: 'boolean' }, cloudFormation] },
      },
      value: ({ bisectBatchOnFunctionError }) => bisectBatchOnFunctionError,
    },
    text: itself,
  }),
  FunctionResponseTypes: setting({
    rule: someOf('functionResponseTypes', ['ReportBatchItemFailures'], 1).default([]),
    read: (types) => ({ reportBatchItemFailures: types.length > 0 }),
    write: ({ reportBatchItemFailures }) =>
      reportBatchItemFailures ? ['ReportBatchItemFailures'] : undefined,
    isChangeable: true,
    isProvisionedOnly: (types) => types.length > 0,
    framework: null,
    own: {
      properties: { functionResponseType: { enum: ['ReportBatchItemFailures'] } },
      value: ({ functionResponseType }) => functionResponseType && [functionResponseType],
    },
    text: (types) => types?.join(),
  }),
  DestinationConfig: setting({
    rule: z
      .strictObject({
        OnFailure: z.strictObject({ Destination: z.unknown().optional() }).optional(),
        OnSuccess: z.unknown().optional(),
      })
      .default({}),
    read: ({ OnFailure }): { destination?: Destination } => ({
      destination: toDestination(OnFailure?.Destination),
    }),
    write: ({ destination }) =>
      destination ? { OnFailure: { Destination: addressOf(destination) } } : {},
    isChangeable: true,
    isProvisionedOnly: never, // It is for some destinations: admission/modes.ts.
    framework: null,
    own: {
      properties: { onFailureDestination: { anyOf: [{ type: 'string' }, cloudFormation] } },
      value: ({ onFailureDestination: to }) => to && { OnFailure: { Destination: to } },
    },
    text: (config) => config?.OnFailure?.Destination,
  }),
  MetricsConfig: setting({
    rule: z
      .strictObject({ Metrics: someOf('metricsConfig.metrics', METRIC_GROUPS, 3).optional() })
      .optional(),
    /** The groups of metrics that are emitted. */
    read: (config): { metricGroups: readonly MetricGroup[] } => ({
      metricGroups: config?.Metrics ?? [],
    }),
    write: ({ metricGroups }) =>
      metricGroups.length > 0 ? { Metrics: [...metricGroups] } : undefined,
    isChangeable: true,
    isProvisionedOnly: never, // AWS has a message of its own for it: admission/modes.ts.
    framework: null,
    own: {
      properties: {
        metricsConfig: {
          type: 'object',
          properties: { metrics: { type: 'array', maxItems: 3, items: { enum: METRIC_GROUPS } } },
          required: ['metrics'],
          additionalProperties: false,
        },
      },
      value: ({ metricsConfig }) =>
        isObject(metricsConfig) ? { Metrics: metricsConfig.metrics } : undefined,
    },
    text: (config) => config?.Metrics?.join(),
  }),
  LoggingConfig: setting({
    rule: z
      .strictObject({
        SystemLogLevel: oneOf('loggingConfig.systemLogLevel', LOG_LEVELS).optional(),
      })
      .optional(),
    /** The level of the mapping's system log; undefined for no log. */
    read: (config): { systemLogLevel?: LogLevel } => ({ systemLogLevel: config?.SystemLogLevel }),
    write: ({ systemLogLevel }) => systemLogLevel && { SystemLogLevel: systemLogLevel },
    isChangeable: true,
    isProvisionedOnly: (config) => config?.SystemLogLevel !== undefined,
    framework: null,
    own: {
      properties: {
        loggingConfig: {
          type: 'object',
          properties: { systemLogLevel: { enum: LOG_LEVELS } },
          required: ['systemLogLevel'],
          additionalProperties: false,
        },
      },
      value: ({ loggingConfig }) =>
        isObject(loggingConfig) ? { SystemLogLevel: loggingConfig.systemLogLevel } : undefined,
    },
    text: (config) => config?.SystemLogLevel,
  }),
};

/** Settings that the emulator ignores, because they do not change the function's events. */
export const ON_AWS_ONLY = {
  KmsKeyArn: { rule: z.unknown().optional() },
  Tags: { rule: z.unknown().optional() },
};

type Table = typeof SETTINGS;
type Name = keyof Table;
type FieldsOf<N extends Name> = ReturnType<Table[N]['read']>;
export type ChangeableName = {
  [N in Name]: Table[N]['isChangeable'] extends true ? N : never;
}[Name];
type All<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer Intersection,
) => void
  ? Intersection
  : never;

/** The values by AWS's names, after their rules have checked them. */
export type SettingValues = Readonly<z.output<z.ZodObject<{ [N in Name]: Table[N]['rule'] }>>>;
/** The fields of a mapping that are settings. */
export type Settings = Readonly<All<FieldsOf<Name>>>;
/** The settings that may change while the mapping runs. */
export type Changes = Partial<All<FieldsOf<ChangeableName>>>;

interface AnyRow extends Setting<z.ZodType, object, boolean> {}
const rows = Object.entries(SETTINGS) as [Name, AnyRow][];

/** All rows, without their types. */
export function settingRows(): readonly [name: Name, row: AnyRow][] {
  return rows;
}

/** Makes a mapping's fields; leaves out those that are not set. */
export function readSettings(values: SettingValues): Settings {
  return nonEmpty(fieldsOf(values, () => true)) as Settings;
}

/** Makes the fields that may change; a field that is no longer set is undefined. */
export function readChanges(values: SettingValues): Changes {
  return fieldsOf(values, ({ isChangeable }) => isChangeable) as Changes;
}

function fieldsOf(values: SettingValues, isWanted: (row: AnyRow) => boolean) {
  const wanted = rows.filter(([, row]) => isWanted(row));
  return Object.assign({}, ...wanted.map(([name, row]) => row.read(values[name])));
}

/** Makes AWS's values of a mapping's fields; leaves out those that AWS does not have. */
export function writeSettings(fields: Settings): Record<string, unknown> {
  return nonEmpty(Object.fromEntries(rows.map(([name, row]) => [name, row.write(fields)])));
}

/** Reads a destination: an ARN, or `kafka://topic`. */
function toDestination(address: unknown): Destination | undefined {
  if (typeof address !== 'string' || address === '') return undefined;
  if (address.startsWith(KAFKA_DESTINATION)) {
    return { kind: 'kafka', topic: address.slice(KAFKA_DESTINATION.length) };
  }
  return { kind: address.split(':')[2] as 'sqs' | 'sns' | 's3', arn: address };
}

function addressOf(destination: Destination): string {
  return destination.kind === 'kafka'
    ? `${KAFKA_DESTINATION}${destination.topic}`
    : destination.arn;
}
