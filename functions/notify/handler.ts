import { loadConfig } from '../../lib/config.ts';
import { createDeadLetters, type DeadLetters } from '../../lib/kafka/dead-letter.ts';
import type { FailureLedger } from '../../lib/kafka/failures.ts';
import { kafkaHandler } from '../../lib/kafka/handler.ts';
import { createProducer } from '../../lib/kafka/producer.ts';
import { createStandstill, type Standstill } from '../../lib/kafka/standstill.ts';
import { createMessageLimit } from '../../lib/limits/messages.ts';
import { createSenders } from '../../lib/notification/channels/channels.ts';
import { type DeliverDeps, deliverEvent, deliveryMs } from '../../lib/notification/deliver.ts';
import { createFailures } from '../../lib/notification/ledger/failures.ts';
import { createLedger } from '../../lib/notification/ledger/ledger.ts';
import { recordableEvent } from '../../lib/notification/ledger/recordable.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../lib/notification/preferences/recipient.ts';
import { worded } from '../../lib/refusal.ts';
import { openStore } from '../../lib/store.ts';

/** Orders processed at once. More would only wait for the providers' rates. */
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
 * Input: {@link recordableEvent}
 * Answers: `batchItemFailures`, the records to be delivered again; fails when no record was done
 * Writes: a record for every notification, sent, put off or not; each order's highest sequence; records at which it is stuck
 * Publishes: records that are not such an event, or fail unexpectedly ten times, to `order-events-dlq`
 * Safe to repeat because: a conditional write takes each notification before its provider is called
 */
export const createHandler = ({
  deadLetters,
  failures,
  standstill,
  reportsItemFailures,
  ...deps
}: Deps) =>
  kafkaHandler(({ value }, invocation) => deliverEvent(value, invocation, deps), {
    schema: worded(recordableEvent),
    identify: ({ id, data }) => ({ orderId: data.orderId, eventId: id }),
    deadLetters,
    failures,
    standstill,
    reportsItemFailures,
    recordTimeMs: deliveryMs(deps.senders),
    concurrency: ORDERS_AT_ONCE,
  });

const config = loadConfig();
const store = openStore(config);

export const handler = createHandler({
  ledger: createLedger(store),
  senders: createSenders(config),
  messageLimit: createMessageLimit(store, config),
  recipientOf: createRecipientOf({
    customers: createCustomers(store),
    fallback: config.fallback,
  }),
  clock: store.clock,
  unsubscribe: config.unsubscribe,
  joinsSkips: config.tableLayout === 2,
  deadLetters: createDeadLetters({
    producer: createProducer(config.brokers, config.signIn),
    topic: config.deadLetterTopic,
    writer: 'notify',
    clock: store.clock,
  }),
  failures: createFailures(store),
  standstill: createStandstill(store),
  reportsItemFailures: config.reportsItemFailures,
});
