/** Finds the template's CloudWatch alarms on metrics of Kafka mappings. */
import { z } from 'zod';
import { asText, isObject, type Json, toObject } from '../json.ts';
import type { Mapping } from '../mapping.ts';
import { type Alarm, COMPARISONS, MISSING_DATA, STATISTICS } from '../monitoring/alarms.ts';
import { isEmitted, KEPT_MINUTES, METRICS, type MetricName } from '../monitoring/metrics.ts';
import { type Service, scopeOf } from './deployed.ts';
import { type Given, holds, resolve } from './intrinsic.ts';
import { namesOf } from './name.ts';

/** An alarm that can be evaluated. */
export interface ReadAlarm {
  /** Its logical id. */
  readonly id: string;
  readonly metric: MetricName;
  /** The UUIDs of the mappings that the metric is of. */
  readonly mappings: readonly string[];
  readonly alarm: Alarm;
  /** The reason why it never gets data, on AWS as here. */
  readonly note?: string;
}

export interface OtherAlarm {
  readonly id: string;
  /** The reason why it is not evaluated. */
  readonly reason: string;
}

const DIMENSIONS = { mapping: 'EventSourceMappingUUID', function: 'FunctionName' } as const;

const keysOf = <Table extends object>(table: Table) =>
  Object.keys(table) as [keyof Table & string, ...(keyof Table & string)[]];

const numbers = z.coerce.number();
const positive = numbers.int().min(1);
const rule = z
  .object({
    Statistic: z.enum(keysOf(STATISTICS)),
    Period: positive.multipleOf(60),
    EvaluationPeriods: positive,
    DatapointsToAlarm: positive.optional(),
    ComparisonOperator: z.enum(keysOf(COMPARISONS)),
    Threshold: numbers,
    TreatMissingData: z.enum(MISSING_DATA).default('missing'),
  })
  .refine(({ Period, EvaluationPeriods }) => (Period / 60) * EvaluationPeriods <= KEPT_MINUTES, {
    error: 'its evaluation periods are longer than a day',
  });

/** The template's alarms in their order: those that can be evaluated, and the others with the reason. */
export function readAlarms(
  service: Service,
  mappings: readonly Mapping[],
  given: Given,
): (ReadAlarm | OtherAlarm)[] {
  const scope = { ...scopeOf(service, given), uuids: uuidsOf(service, mappings) };
  return Object.entries(service.resources).flatMap(([id, resource]) => {
    if (!isObject(resource)) return [];
    if (resource.Type === 'AWS::CloudWatch::CompositeAlarm') {
      return [{ id, reason: 'it is a composite alarm' }];
    }
    if (resource.Type !== 'AWS::CloudWatch::Alarm') return [];
    if (holds(resource.Condition, scope) === false) {
      return [{ id, reason: `the condition ${resource.Condition} does not hold` }];
    }
    return [readAlarm(id, toObject(resolve(resource.Properties, scope)), mappings)];
  });
}

/** The UUIDs by all names that the template may use. */
function uuidsOf({ functions }: Service, mappings: readonly Mapping[]): Map<string, string> {
  const byId = new Map(mappings.map(({ logicalId, uuid }) => [logicalId, uuid]));
  const owners = mappings.flatMap(({ functionKey, logicalId }) => {
    const functionId = functions.find(({ key }) => key === functionKey)?.logicalIds[0];
    return functionId === undefined ? [] : [{ functionId, logicalId }];
  });
  const named = [...namesOf(owners)].map(([name, id]): [string, string] => [
    name,
    byId.get(id) ?? '',
  ]);
  return new Map([...named, ...byId]);
}

function readAlarm(
  id: string,
  written: Json,
  mappings: readonly Mapping[],
): ReadAlarm | OtherAlarm {
  if (written.ThresholdMetricId !== undefined) {
    return { id, reason: 'its threshold comes from anomaly detection' };
  }
  const properties = oneMetric(written);
  if (!properties) return { id, reason: 'it has a formula, or several metrics (metric math)' };
  const { Namespace: namespace, MetricName: metric } = properties;
  if (namespace !== 'AWS/Lambda' || !isMetric(metric)) {
    return { id, reason: `${text(namespace)} ${text(metric)} is no metric of a Kafka mapping` };
  }
  const found = measured(metric, properties.Dimensions, mappings);
  if (typeof found === 'string') return { id, reason: found };
  const { ExtendedStatistic: percentile } = properties;
  if (percentile !== undefined)
    return { id, reason: `the statistic ${text(percentile)} is not counted` };
  const result = rule.safeParse(properties);
  if (!result.success) {
    const [issue] = result.error.issues;
    const place = issue?.path.join('.');
    return {
      id,
      reason: place ? `its ${place} is ${text(properties[place])}` : `${issue?.message}`,
    };
  }
  const { data } = result;
  const [mapping] = found;
  return {
    id,
    metric,
    mappings: found.map(({ uuid }) => uuid),
    alarm: {
      statistic: data.Statistic,
      periodMinutes: data.Period / 60,
      evaluationPeriods: data.EvaluationPeriods,
      datapointsToAlarm: data.DatapointsToAlarm ?? data.EvaluationPeriods,
      comparison: data.ComparisonOperator,
      threshold: data.Threshold,
      missing: data.TreatMissingData,
    },
    ...(mapping && !isEmitted(metric, mapping) && { note: notEmitted(metric, mapping) }),
  };
}

/** The properties of an alarm on one metric, in their short form; undefined for metric math. */
function oneMetric({ Metrics: metrics, ...others }: Json): Json | undefined {
  if (metrics === undefined) return others;
  const [one, ...more] = Array.isArray(metrics) ? metrics : [];
  if (more.length > 0 || !isObject(one) || !isObject(one.MetricStat)) return undefined;
  const { Metric: metric, Period, Stat } = one.MetricStat;
  const isPercentile = !Object.hasOwn(STATISTICS, String(Stat));
  const statistic = isPercentile ? { ExtendedStatistic: Stat } : { Statistic: Stat };
  return { ...others, ...toObject(metric), Period, ...statistic };
}

function isMetric(name: unknown): name is MetricName {
  return typeof name === 'string' && Object.hasOwn(METRICS, name);
}

/** The mappings that the dimension names, or the reason why there is none. */
function measured(
  metric: MetricName,
  dimensions: unknown,
  mappings: readonly Mapping[],
): readonly Mapping[] | string {
  const wanted = DIMENSIONS[METRICS[metric] === 'function' ? 'function' : 'mapping'];
  const [one, ...others] = Array.isArray(dimensions) ? dimensions : [];
  if (!isObject(one) || one.Name !== wanted || others.length > 0) {
    return `${metric} has the dimension ${wanted} alone, and the alarm has ${text(dimensions)}`;
  }
  const { Value: value } = one;
  const found = mappings.filter(({ uuid, functionName }) =>
    wanted === 'FunctionName' ? functionName === value : uuid === value,
  );
  if (found.length > 0) return found;
  return wanted === 'FunctionName'
    ? `the function ${text(value)} has no Kafka mapping that runs here`
    : `${text(value)} is no Kafka mapping that runs here`;
}

function notEmitted(metric: MetricName, { name }: Mapping): string {
  const group = METRICS[metric];
  const why =
    group === 'provisioned'
      ? 'it has no provisioned pollers'
      : `MetricsConfig.Metrics has no ${group}`;
  return `${name} does not emit it: ${why}`;
}

function text(value: unknown): string {
  return value === undefined ? 'not set' : asText(value);
}
