import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** The metrics and their units; docs/deploy.md explains each. The channels of notifications name their own. */
export const METRICS = {
  OrdersCreated: 'Count',
  OrdersUpdated: 'Count',
  OrdersReplayed: 'Count',
  Conflicts: 'Count',
  UnknownKeys: 'Count',
  EventsPublished: 'Count',
  EventsLeftToRelay: 'Count',
  EventsRelayed: 'Count',
  OldestPendingSeconds: 'Seconds',
  RefusedOrders: 'Count',
  BatchRecords: 'Count',
  BatchFailures: 'Count',
  DeadLetters: 'Count',
  RecordsHeldBack: 'Count',
  NotificationsPutOff: 'Count',
  NotificationsGivenUp: 'Count',
  StuckSeconds: 'Seconds',
} as const satisfies Record<string, keyof typeof MetricUnit>;

export type Metric = keyof typeof METRICS;

/**
 * Written as one line of the log when the invocation ends, from which CloudWatch makes the metrics
 * (EMF). The namespace is serverless.yml's; the only dimension is the service, so no metric can hold
 * data of a customer.
 */
const metrics = new Metrics({ serviceName: 'orders' });

/** Adds a value to the invocation's metrics. */
export function measure(metric: Metric, value = 1): void {
  metrics.addMetric(metric, MetricUnit[METRICS[metric]], value);
}

/** Counts one more of a metric that is not in the table above. */
export function count(metric: string): void {
  metrics.addMetric(metric, MetricUnit.Count, 1);
}

/** For the house wrappers, at the end of every invocation. */
export function writeMetrics(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
