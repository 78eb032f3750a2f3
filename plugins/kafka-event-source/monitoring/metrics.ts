/** A mapping's CloudWatch metrics: their groups, and a datapoint of each for every minute. */
import type { Mapping } from '../mapping.ts';

/**
 * Each metric with what turns it on: a group of `MetricsConfig.Metrics`, provisioned mode, or
 * nothing, if it is a metric of the function.
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export const METRICS = {
  PolledEventCount: 'EventCount',
  FilteredOutEventCount: 'EventCount',
  InvokedEventCount: 'EventCount',
  FailedInvokeEventCount: 'EventCount',
  DroppedEventCount: 'EventCount',
  OnFailureDestinationDeliveredEventCount: 'EventCount',
  CommittedEventCount: 'EventCount',
  PollingErrorCount: 'ErrorCount',
  InvokeErrorCount: 'ErrorCount',
  OnFailureDestinationDeliveryErrorCount: 'ErrorCount',
  SchemaRegistryErrorCount: 'ErrorCount',
  CommitErrorCount: 'ErrorCount',
  MaxOffsetLag: 'KafkaMetrics',
  SumOffsetLag: 'KafkaMetrics',
  ProvisionedPollers: 'provisioned',
  EventPollerUnit: 'provisioned',
  EventPollerThroughputInBytes: 'provisioned',
  OffsetLag: 'function',
  DestinationDeliveryFailures: 'function',
} as const;

export type MetricName = keyof typeof METRICS;

/** The values that a metric had within one minute. */
export interface Datapoint {
  /** The beginning of the minute, in milliseconds since 1970. */
  readonly at: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly samples: number;
}

/** Adds a value to a metric, or drops it if the mapping does not emit this metric. */
export type Emit = (metric: MetricName, value: number) => void;

export interface MetricsView {
  /** Since this time no datapoint is missing: counting began then, or a day ago. In ms since 1970. */
  readonly since: number;
  /** Ascending by time; minutes without a value have none. */
  readonly datapoints: Readonly<Partial<Record<MetricName, readonly Datapoint[]>>>;
}

export const MINUTE_MS = 60_000;
export const KEPT_MINUTES = 24 * 60;

/** Whether AWS has this metric of the mapping. */
export function isEmitted(
  metric: MetricName,
  { metricGroups, pollers }: Pick<Mapping, 'metricGroups' | 'pollers'>,
): boolean {
  const group = METRICS[metric];
  if (group === 'function') return true;
  return group === 'provisioned' ? pollers !== undefined : metricGroups.includes(group);
}

/** Two datapoints as one, with the time of the first. */
export function together(one: Datapoint, other: Datapoint): Datapoint {
  return {
    at: one.at,
    sum: one.sum + other.sum,
    minimum: Math.min(one.minimum, other.minimum),
    maximum: Math.max(one.maximum, other.maximum),
    samples: one.samples + other.samples,
  };
}

export class Metrics {
  readonly #since = Date.now();
  readonly #datapoints = new Map<MetricName, Datapoint[]>();

  /** Emits the metrics that the mapping asks for. */
  emitter(mapping: Pick<Mapping, 'metricGroups' | 'pollers'>): Emit {
    return (metric, value) => {
      if (isEmitted(metric, mapping)) this.#add(metric, value);
    };
  }

  view(): MetricsView {
    const since = Math.max(this.#since, Date.now() - KEPT_MINUTES * MINUTE_MS);
    return { since, datapoints: Object.fromEntries(this.#datapoints) };
  }

  #add(metric: MetricName, value: number): void {
    const all = this.#datapoints.get(metric) ?? [];
    this.#datapoints.set(metric, all);
    const now = Date.now();
    const minute = now - (now % MINUTE_MS);
    const one = { at: minute, sum: value, minimum: value, maximum: value, samples: 1 };
    const last = all.at(-1);
    // A value from before the last minute, because the clock was set back, belongs to it, too.
    if (last && last.at >= minute) all[all.length - 1] = together(last, one);
    else {
      all.push(one);
      // The current minute comes on top.
      if (all.length > KEPT_MINUTES + 1) all.shift();
    }
  }
}
