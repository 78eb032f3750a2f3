import { randomUUID } from 'node:crypto';
import { DeleteCommand, type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { createHandler as createListNotifications } from '../../../functions/listNotifications/handler.ts';
import { createHandler } from '../../../functions/notify/handler.ts';
import { createHandler as createSendDeferred } from '../../../functions/sendDeferred/handler.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { BatchResponse } from '../../../lib/kafka/batch.ts';
import { createDeadLetters } from '../../../lib/kafka/dead-letter.ts';
import { createProducer } from '../../../lib/kafka/producer.ts';
import { createStandstill } from '../../../lib/kafka/standstill.ts';
import { createMessageLimit } from '../../../lib/limits/messages.ts';
import type { Fallback } from '../../../lib/notification/channels/channel.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import { createMockSender } from '../../../lib/notification/channels/senders/mock.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { planOf } from '../../../lib/notification/deliver.ts';
import { withBeside } from '../../../lib/notification/ledger/beside.ts';
import { createDeferred } from '../../../lib/notification/ledger/deferred.ts';
import { createFailures } from '../../../lib/notification/ledger/failures.ts';
import { createLedger } from '../../../lib/notification/ledger/ledger.ts';
import {
  type Customers,
  createCustomers,
} from '../../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../../lib/notification/preferences/recipient.ts';
import type { UnsubscribeConfig } from '../../../lib/notification/preferences/unsubscribe.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { NOTIFICATION, orderPartition } from '../../../lib/table.ts';
import { readDefinition } from '../../../local/definition.ts';
import { createResources } from '../../../local/resources.ts';
import { type EventRecord, toEventRecord } from '../../../plugins/kafka-event-source/event.ts';
import { callersOf } from '../../support/callers.ts';
import { call, lambdaContext } from '../../support/http.ts';
import { orderEvent } from '../../support/order-event.ts';
import { addresses } from '../../support/orders.ts';

const UNLIMITED = { ordersPerMinute: undefined, requestsPerMinute: undefined };

type Parts = {
  /** The messages an hour for each recipient; no limit without it. */
  messagesPerHour?: number;
  /** Whether a skip without an address is noted on another channel's record; true by default. */
  joinsSkips?: boolean;
  /** The time of the invocation. */
  timeLeftMs?: number;
  sender?: Sender<Message>;
  fallback?: Fallback;
  unsubscribe?: UnsubscribeConfig;
  clock?: Clock;
  dynamo?: DynamoDBDocumentClient;
  customers?: Pick<Customers, 'find'>;
  /** The brokers of the dead letters' topic. */
  brokers?: string[];
  deadLetterTopic?: string;
};

/** A record of the topic, as the event source hands it to the function. */
export type RawRecord = { key?: string | null; value?: string | Buffer | null };

/** A table and topics of a test's own, and `notify` on them, with an inbox to look into. */
export async function createNotifyBench(
  mark = randomUUID().slice(0, 8),
  { brokers, dynamoEndpoint } = addresses(),
) {
  const names = {
    ORDERS_TABLE: `orders-${mark}`,
    ORDER_EVENTS_TOPIC: `order-events-${mark}`,
    ORDER_EVENTS_DLQ: `order-events-dlq-${mark}`,
  };
  const definition = readDefinition({ ...process.env, ...names });
  await createResources({ dynamoEndpoint, kafkaBrokers: brokers.join(','), ...definition });
  const table = names.ORDERS_TABLE;
  const topic = names.ORDER_EVENTS_TOPIC;
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const producers: ReturnType<typeof createProducer>[] = [];

  function limitOf(given: Parts, clock: Clock) {
    const limits = { ...UNLIMITED, messagesPerHour: given.messagesPerHour };
    const store = { dynamo: given.dynamo ?? dynamo, table, clock };
    return createMessageLimit(store, { limits, hashSecret: 'of-these-tests-alone' });
  }

  /** The deployed function with a sender, a clock or addresses of the test's own. */
  function handlerOf(given: Parts) {
    const clock = given.clock ?? systemClock;
    const sender = given.sender ?? createInbox();
    const producer = createProducer(given.brokers ?? brokers);
    producers.push(producer);
    return createHandler({
      ledger: createLedger({ dynamo: given.dynamo ?? dynamo, table, clock }),
      senders: { email: [sender], sms: [sender] },
      messageLimit: limitOf(given, clock),
      recipientOf: createRecipientOf({
        customers: given.customers ?? createCustomers({ dynamo, table, clock }),
        fallback: given.fallback,
      }),
      clock,
      unsubscribe: given.unsubscribe,
      deadLetters: createDeadLetters({
        producer,
        topic: given.deadLetterTopic ?? names.ORDER_EVENTS_DLQ,
        writer: 'notify',
        clock,
      }),
      joinsSkips: given.joinsSkips ?? true,
      failures: createFailures({ dynamo: given.dynamo ?? dynamo, table, clock }),
      standstill: createStandstill({ dynamo: given.dynamo ?? dynamo, table, clock }),
      reportsItemFailures: true,
    });
  }

  return {
    brokers,
    topic,
    dynamoEndpoint,
    deadLetterTopic: names.ORDER_EVENTS_DLQ,
    dynamo,
    table,

    /** The notifications of the event for a customer without preferences, skips left out. */
    async planOf(event: OrderEvent) {
      const customers = createCustomers({ dynamo, table, clock: systemClock });
      const recipientOf = createRecipientOf({ customers, fallback: undefined });
      const planned = await planOf(event, {
        recipientOf,
        clock: systemClock,
        unsubscribe: undefined,
      });
      return planned.filter((one) => 'message' in one);
    },

    notify(given: Parts = {}) {
      const handler = handlerOf(given);
      return async (...records: (OrderEvent | RawRecord)[]): Promise<BatchResponse> => {
        const event = {
          eventSource: 'SelfManagedKafka',
          bootstrapServers: brokers.join(','),
          records: { [`${topic}-0`]: records.map((record, i) => recordOf(topic, i, record)) },
        };
        return handler(event, lambdaContext(given.timeLeftMs));
      };
    },

    /** Runs the function with the test's own records, as they came from the topic. */
    async deliver(records: EventRecord[], given: Parts = {}): Promise<BatchResponse> {
      const event = {
        eventSource: 'SelfManagedKafka',
        bootstrapServers: brokers.join(','),
        records: Object.groupBy(records, ({ partition }) => `${topic}-${partition}`),
      };
      return handlerOf(given)(event, lambdaContext());
    },

    customers: createCustomers({ dynamo, table, clock: systemClock }),

    /** One run of the scheduled function; its clock says when that is. */
    sendDeferred(given: Parts & { clock: Clock }) {
      const { clock } = given;
      const store = { dynamo: given.dynamo ?? dynamo, table, clock };
      const sender = given.sender ?? createInbox();
      const handler = createSendDeferred({
        deferred: createDeferred(store),
        ledger: createLedger(store),
        senders: { email: [sender], sms: [sender] },
        messageLimit: limitOf(given, clock),
        recipientOf: createRecipientOf({
          customers: given.customers ?? createCustomers(store),
          fallback: given.fallback,
        }),
        clock,
        unsubscribe: given.unsubscribe,
      });
      return handler({}, lambdaContext());
    },

    /** `GET /api/notifications` */
    list(query: Record<string, string>, clock = systemClock) {
      return call(createListNotifications({ callers: callersOf(), dynamo, table, clock }), {
        query,
      });
    },

    /** The records of an event, by channel. */
    async recorded(event: OrderEvent) {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
        ExpressionAttributeValues: {
          ':pk': orderPartition(event.data.orderId),
          ':sk': NOTIFICATION,
        },
        ConsistentRead: true,
      });
      const { Items = [] } = await dynamo.send(query);
      const own = Items.flatMap((item) => withBeside(item) as (typeof item)[]).filter(
        ({ eventId }) => eventId === event.id,
      );
      return Object.fromEntries(own.map((item) => [String(item.channel), item]));
    },

    /** Removes an order's notifications, as DynamoDB does when their time is over. */
    async expireNotifications(orderId: string) {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': orderPartition(orderId) },
        ConsistentRead: true,
      });
      const { Items = [] } = await dynamo.send(query);
      for (const { pk, sk, expiresAt } of Items) {
        if (!expiresAt) continue;
        await dynamo.send(new DeleteCommand({ TableName: table, Key: { pk, sk } }));
      }
    },

    failed: (...offsets: number[]): BatchResponse => ({
      batchItemFailures: offsets.map((offset) => ({
        itemIdentifier: { partition: `${topic}-0`, offset },
      })),
    }),

    async close() {
      await Promise.all(producers.map((producer) => producer.disconnect()));
      dynamo.destroy();
    },
  };
}

export type NotifyBench = Awaited<ReturnType<typeof createNotifyBench>>;

/** The mock sender, with the messages that it sent; `before` may fail or delay a call. */
export function createInbox(before: (message: Message) => Promise<void> = async () => undefined) {
  const sent: Message[] = [];
  const mock = createMockSender(() => undefined);
  return {
    name: 'inbox',
    sent,
    async send(message: Message, signal: AbortSignal) {
      await before(message);
      sent.push(message);
      return mock.send(message, signal);
    },
  };
}

/** The first event of an order that no other test knows. */
export function newEvent(
  given: Partial<OrderEvent> = {},
  data: Partial<OrderEvent['data']> = {},
): OrderEvent {
  return orderEvent(
    { id: randomUUID(), ...given },
    {
      orderId: randomUUID(),
      totalAmount: 29.97,
      items: [{ productId: 'keyboard', quantity: 3, price: 9.99 }],
      contact: { email: 'ada@example.com', phone: '+15550123' },
      ...data,
    },
  );
}

function recordOf(topic: string, offset: number, record: OrderEvent | RawRecord) {
  const { key = null, value = null } =
    'data' in record ? { key: record.data.orderId, value: JSON.stringify(record) } : record;
  return toEventRecord(topic, 0, {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp: '1795168800012',
    offset: String(offset),
    headers: { 'content-type': 'application/json', note: Buffer.from('é') },
  });
}
