import { systemClock } from '../../lib/clock.ts';
import { loadConfig } from '../../lib/config.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { createDeadLetters, type DeadLetters } from '../../lib/kafka/dead-letter.ts';
import type { FailureLedger } from '../../lib/kafka/failures.ts';
import { kafkaHandler } from '../../lib/kafka/handler.ts';
import { createProducer } from '../../lib/kafka/producer.ts';
import { createStandstill, type Standstill } from '../../lib/kafka/standstill.ts';
import { createSenders } from '../../lib/notification/channels/channels.ts';
import { type DeliverDeps, deliver, deliveryMs } from '../../lib/notification/deliver.ts';
import { createFailures } from '../../lib/notification/ledger/failures.ts';
import { createSeen } from '../../lib/notification/ledger/ledger.ts';
import { tellableSchema } from '../../lib/notification/ledger/tellable.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../lib/notification/preferences/recipient.ts';

/** An order's events are told in turn; more at once would only wait for the providers' rates. */
const ORDERS_AT_ONCE = 8;

type Deps = DeliverDeps & {
  deadLetters: DeadLetters;
  failures: FailureLedger;
  standstill?: Pick<Standstill, 'note'>;
  reportsItemFailures: boolean;
};

/**
 * notify tells customers about their orders by email and SMS.
 *
 * Trigger: records of `order-events`, consumer group `order-notifications`
 * Input: {@link tellableSchema}
 * Answers: `batchItemFailures`, the records to be delivered again; fails when those are all of them
 * Writes: a record for every notification, sent, put off or not; each order's highest sequence; where it fails
 * Publishes: records that are no such event, or fail unexpectedly ten times, to `order-events-dlq`
 * Safe to repeat because: a conditional write takes each notification before its provider is called
 */
export const createHandler = ({
  deadLetters,
  failures,
  standstill,
  reportsItemFailures,
  ...deps
}: Deps) =>
  kafkaHandler(({ value }, invocation) => deliver(value, invocation, deps), {
    schema: tellableSchema,
    identify: ({ id, data }) => ({ orderId: data.orderId, eventId: id }),
    deadLetters,
    failures,
    standstill,
    reportsItemFailures,
    recordTimeMs: deliveryMs(deps.senders),
    concurrency: ORDERS_AT_ONCE,
  });

const config = loadConfig();
const clock = systemClock;
const dynamo = createDynamo(config);

export const handler = createHandler({
  seen: createSeen({ dynamo, table: config.table, clock }),
  senders: createSenders(config),
  recipientOf: createRecipientOf({
    customers: createCustomers({ dynamo, table: config.table, clock }),
    fallback: config.fallback,
  }),
  clock,
  unsubscribe: config.unsubscribe,
  deadLetters: createDeadLetters({
    producer: createProducer(config.brokers, config.signIn),
    topic: config.deadLetterTopic,
    writer: 'notify',
    clock,
  }),
  failures: createFailures({ dynamo, table: config.table, clock }),
  standstill: createStandstill({ dynamo, table: config.table, clock }),
  reportsItemFailures: config.reportsItemFailures,
});
