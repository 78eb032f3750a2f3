import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** What is measured, and in which unit. docs/deploy.md says what each means. */
const UNITS = {
  OrdersCreated: 'Count',
  OrdersUpdated: 'Count',
  OrdersReplayed: 'Count',
  Conflicts: 'Count',
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
  EmailSent: 'Count',
  EmailFailed: 'Count',
  EmailUnknown: 'Count',
  EmailSkipped: 'Count',
  EmailDeferred: 'Count',
  SmsSent: 'Count',
  SmsFailed: 'Count',
  SmsUnknown: 'Count',
  SmsSkipped: 'Count',
  SmsDeferred: 'Count',
} as const satisfies Record<string, keyof typeof MetricUnit>;

export type Metric = keyof typeof UNITS;

export const METRICS = Object.keys(UNITS) as Metric[];

const NOTIFICATION = {
  email: {
    sent: 'EmailSent',
    failed: 'EmailFailed',
    unknown: 'EmailUnknown',
    skipped: 'EmailSkipped',
    deferred: 'EmailDeferred',
  },
  sms: {
    sent: 'SmsSent',
    failed: 'SmsFailed',
    unknown: 'SmsUnknown',
    skipped: 'SmsSkipped',
    deferred: 'SmsDeferred',
  },
} as const satisfies Record<string, Record<string, Metric>>;

/**
 * Written as one line of the log when the invocation ends, from which CloudWatch makes the metrics
 * (EMF). The namespace is serverless.yml's; the only dimension is the service, so no metric can hold
 * data of a customer.
 */
const metrics = new Metrics({ serviceName: 'orders' });

/** Adds a value to what the invocation measures. */
export function measure(metric: Metric, value = 1): void {
  metrics.addMetric(metric, MetricUnit[UNITS[metric]], value);
}

/** Counts what became of a notification. */
export function countNotification(
  channel: keyof typeof NOTIFICATION,
  status: keyof (typeof NOTIFICATION)['email'],
): void {
  measure(NOTIFICATION[channel][status]);
}

/** For the house wrappers, at the end of every invocation. */
export function writeMetrics(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}
