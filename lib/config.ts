import { z } from 'zod';
import { AppError } from './errors.ts';

const name = z.string().min(1);

const environment = z.object({
  AWS_REGION: name,
  ORDERS_TABLE: name,
  ORDER_EVENTS_TOPIC: name,
  ORDER_EVENTS_DLQ: name,
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/, 'host:port, several joined by commas'),
  DYNAMODB_ENDPOINT: z.url().optional(),
  FALLBACK_EMAIL_DOMAIN: name.optional(),
  FALLBACK_PHONE: name.optional(),
  NOTIFICATION_SENDER: z.enum(['mock']),
  REPORT_BATCH_ITEM_FAILURES: z.enum(['true', 'false']).optional(),
});

/** What a function needs to know of its surroundings; serverless.yml sets it for every stage. */
export type Config = {
  region: string;
  table: string;
  /** Only where DynamoDB is not AWS's own. */
  dynamoEndpoint: string | undefined;
  brokers: string[];
  eventsTopic: string;
  deadLetterTopic: string;
  /** Stage `local` only: where the messages of a customer without an address go. */
  fallback: { emailDomain: string; phone: string } | undefined;
  sender: 'mock';
  /** Set with the mapping's ReportBatchItemFailures; absent, a partial failure fails the batch. */
  reportsItemFailures: boolean;
};

/**
 * Reads the environment, once per cold start.
 *
 * @throws AppError `CONFIG`, naming every variable that is missing or malformed
 */
export function loadConfig(variables: Record<string, string | undefined> = process.env): Config {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(set);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new AppError('CONFIG', `Environment variables: ${faults.join('; ')}.`);
  }
  const { data } = parsed;
  return {
    region: data.AWS_REGION,
    table: data.ORDERS_TABLE,
    dynamoEndpoint: data.DYNAMODB_ENDPOINT,
    brokers: data.KAFKA_BROKERS.split(','),
    eventsTopic: data.ORDER_EVENTS_TOPIC,
    deadLetterTopic: data.ORDER_EVENTS_DLQ,
    fallback:
      data.FALLBACK_EMAIL_DOMAIN && data.FALLBACK_PHONE
        ? { emailDomain: data.FALLBACK_EMAIL_DOMAIN, phone: data.FALLBACK_PHONE }
        : undefined,
    sender: data.NOTIFICATION_SENDER,
    reportsItemFailures: data.REPORT_BATCH_ITEM_FAILURES === 'true',
  };
}
