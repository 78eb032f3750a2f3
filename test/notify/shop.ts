import { randomUUID } from 'node:crypto';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { createHandler as createListNotifications } from '../../functions/listNotifications/handler.ts';
import { systemClock } from '../../lib/clock.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import { AppError } from '../../lib/errors.ts';
import type { Producer } from '../../lib/kafka/producer.ts';
import type { NotificationEntry } from '../../lib/notification/ledger/entry.ts';
import { createCustomers } from '../../lib/notification/preferences/customers.ts';
import { DEFAULTS, type Preferences } from '../../lib/notification/preferences/preferences.ts';
import type { DeferredReport } from '../../lib/notification/send-deferred.ts';
import type { EventType, OrderEvent, OrderStatus } from '../../lib/order-event.ts';
import { NOTIFICATION, orderPartition } from '../../lib/table.ts';
import { readDefinition } from '../../local/definition.ts';
import { dynamodbClient } from '../../local/dynamodb.ts';
import {
  type Duration,
  kafkaEventSource,
  type Source,
} from '../../plugins/kafka-event-source/testing/testing.ts';
import { callersOf } from '../support/callers.ts';
import { call, lambdaContext } from '../support/http.ts';
import { orderEvent } from '../support/order-event.ts';
import { startDatabase } from './database.ts';
import { startProviders } from './providers.ts';

export const TOPIC = 'order-events';
export const LETTERS = 'order-events-dlq';
/** A Friday in the past, so that an abandoned instance has no deadline ahead of it after its test. */
export const START = '2026-11-20T10:00:00.000Z';
/** DynamoDB Local itself. Each instance of a function reads an address of its own in the same variable. */
const ENDPOINT = String(process.env.DYNAMODB_ENDPOINT);
/** The time limit of sendDeferred in serverless.yml. */
const RUN_MS = 50_000;

/** The open shops by the address of their Kafka, for producers of the handlers. */
const kafkas = new Map<string, Pick<Producer, 'send'>>();

// The handlers are the deployed ones, with one exception: their letters go to the Kafka in memory.
jest.unstable_mockModule('../../lib/kafka/producer.ts', () => ({
  createProducer: ([broker = '']: readonly string[]): Producer => ({
    send: async (...parts) => kafkas.get(broker)?.send(...parts),
    partitionOf: () => undefined,
    disconnect: async () => undefined,
  }),
}));

// The pauses between two tries are random: with the number 0 each is over at once, in real time.
jest.spyOn(Math, 'random').mockReturnValue(0);

type ShopOptions = {
  start?: string;
  /** Settings of the functions in place of their own. */
  environment?: Record<string, string>;
  /** Makes a random run. */
  seed?: number;
};

export type Shop = Awaited<ReturnType<typeof openShop>>;

/**
 * The deployed functions notify and sendDeferred, with a table of their own in DynamoDB Local, SES and SNS
 * on loopback, and the mapping of serverless.yml on the Kafka and the clock of the test kit.
 */
export async function openShop({ start = START, environment = {}, seed }: ShopOptions = {}) {
  const name = randomUUID().slice(0, 8);
  const table = `orders-${name}`;
  const broker = `kafka-${name}:9092`;
  await createTable(ENDPOINT, table);
  const [database, providers] = await Promise.all([startDatabase(ENDPOINT), startProviders()]);
  const settings = {
    ORDERS_TABLE: table,
    ORDER_EVENTS_TOPIC: TOPIC,
    ORDER_EVENTS_DLQ: LETTERS,
    KAFKA_BROKERS: broker,
    NOTIFICATION_EMAIL: 'ses',
    NOTIFICATION_SMS: 'sns',
    NOTIFICATION_FROM: 'orders@example.com',
    AWS_ENDPOINT_URL_SESV2: providers.address,
    AWS_ENDPOINT_URL_SNS: providers.address,
    REPORT_BATCH_ITEM_FAILURES: 'true',
    LIMIT_MESSAGES_PER_HOUR: '',
    HASH_SECRET: '',
    FALLBACK_EMAIL_DOMAIN: '',
    FALLBACK_PHONE: '',
    NOTIFICATION_UNSUBSCRIBE_URL: '',
    ...environment,
  };
  Object.assign(process.env, settings);

  const instances: string[] = [];
  /** A new instance of a function, which reads its settings and keeps its state. */
  async function load<Event, Answer>(key: string) {
    const instance = `${name}-${instances.length + 1}`;
    instances.push(instance);
    Object.assign(process.env, settings, { DYNAMODB_ENDPOINT: database.addressFor(instance) });
    const path = `../../functions/${key}/handler.ts?instance=${instance}`;
    const { handler } = await import(path);
    return handler as (event: Event, context: Context) => Promise<Answer>;
  }

  const source = await kafkaEventSource({
    service: 'serverless.yml',
    functions: { notify: { load: () => load('notify') } },
    start,
    virtualDate: true,
    leaks: 'ignore', // Instances keep their connections to DynamoDB.
    // A bound for a machine that stands still.
    patienceMs: 60_000,
    ...(seed !== undefined && { seed }),
  });
  kafkas.set(broker, { send: async (topic, records) => void (await produce(topic, records)) });

  async function produce(topic: string, records: Parameters<Producer['send']>[1]) {
    await source.produce(topic, records as Parameters<Source['produce']>[1]).catch((error) => {
      if (error.type !== 'MESSAGE_TOO_LARGE') throw error;
      throw new AppError('KAFKA_REFUSED', `Kafka refused the record: ${error.message}`);
    });
  }

  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: ENDPOINT });
  const store = { dynamo, table, clock: systemClock };
  const customers = createCustomers(store);
  const list = createListNotifications({ callers: callersOf(), ...store });
  let sendDeferred = await load<object, DeferredReport>('sendDeferred');

  async function notifications(orderId: string): Promise<NotificationEntry[]> {
    return listed({ orderId });
  }

  /** All pages of a list. */
  async function listed(query: Record<string, string>): Promise<NotificationEntry[]> {
    const found: NotificationEntry[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = { ...query, limit: '100', ...(cursor && { cursor }) };
      const { status, body } = await call(list, { query: page });
      if (status !== 200) throw new Error(JSON.stringify(body));
      found.push(...body.data);
      cursor = body.nextCursor;
    }
    return found;
  }

  async function close() {
    await source.stop();
    kafkas.delete(broker);
    database.close();
    providers.close();
    dynamo.destroy();
  }

  return {
    source,
    clock: source.clock,
    database,
    providers,
    customers,
    store,
    /** The instances of notify and sendDeferred so far; the last one is the newest. */
    instances,

    /** Sets a customer's preferences; what is left out has its default. */
    prefer: (customerId: string, preferences: Partial<Preferences>) =>
      customers.save(customerId, { ...DEFAULTS, ...preferences }, undefined),

    /** Puts events on their topic, each under its order. */
    publish: (...events: OrderEvent[]) =>
      source.produce(
        TOPIC,
        events.map((value) => ({ key: value.data.orderId, value })),
      ),

    /** One run of sendDeferred, when the clock has moved on by the time given. */
    async sendDeferred(after: Duration = 0): Promise<DeferredReport> {
      await source.clock.advance(after);
      return sendDeferred({}, lambdaContext(RUN_MS));
    },

    /** A new instance of sendDeferred, such as after the death of the first one. */
    async replaceSendDeferred() {
      sendDeferred = await load('sendDeferred');
    },

    /** The messages that the providers took of an order, as `email: subject` and `sms: text`. */
    told: (orderId: string) =>
      providers.taken
        .filter((one) => one.orderId === orderId)
        .map(({ channel, subject, text }) => `${channel}: ${subject ?? text}`),

    /** The notifications of an order on record, as the API lists them. */
    notifications,
    listed,

    /** Those of an event, by channel. */
    async recorded({ id, data }: OrderEvent): Promise<Partial<Record<string, NotificationEntry>>> {
      const own = (await notifications(data.orderId)).filter(({ eventId }) => eventId === id);
      return Object.fromEntries(own.map((one) => [one.channel, one]));
    },

    /** The statuses in the table itself: the API shows a call that was abandoned as unknown before it is found. */
    async storedStatuses(orderId: string): Promise<string[]> {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
        ExpressionAttributeValues: { ':pk': orderPartition(orderId), ':sk': NOTIFICATION },
        ConsistentRead: true,
      });
      const { Items = [] } = await dynamo.send(query);
      return Items.map(({ status }) => String(status));
    },

    /** The offsets of the records in each invocation of notify. */
    batches: () =>
      source.invocations('notify').map(({ records }) => records.map(({ offset }) => offset)),

    /** Kafka takes no letters of the functions from now on, or takes them again. */
    setKafkaAway(isAway: boolean) {
      const away = async () => {
        throw new AppError('KAFKA_AWAY', 'Kafka did not acknowledge.');
      };
      kafkas.set(broker, { send: isAway ? away : produce });
    },

    letters: () => source.letters(LETTERS),

    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Without a time to live: DynamoDB Local goes by the real time. */
async function createTable(endpoint: string, name: string): Promise<void> {
  const { table } = readDefinition({ ...process.env, ORDERS_TABLE: name });
  const { TimeToLiveSpecification: _, ...input } = table;
  const client = dynamodbClient(endpoint);
  await client.send(new CreateTableCommand(input));
  client.destroy();
}

const STATUS: Record<EventType, OrderStatus> = {
  ORDER_CREATED: 'pending',
  ORDER_UPDATED: 'confirmed',
  ORDER_SHIPPED: 'shipped',
  ORDER_DELIVERED: 'delivered',
  ORDER_CANCELLED: 'cancelled',
};

let orders = 0;

/** An order that no other test knows, of a customer of its own; makes its events in their sequence. */
export function newOrder(data: Partial<OrderEvent['data']> = {}) {
  orders += 1;
  const number = orders;
  const facts = {
    orderId: `order-${number}`,
    customerId: `customer-${number}`,
    totalAmount: 29.97,
    items: [{ productId: 'keyboard', quantity: 3, price: 9.99 }],
    contact: {
      email: `reader${number}@example.com`,
      phone: `+1555${String(number).padStart(4, '0')}`,
    },
    ...data,
  };
  let sequence = 0;
  return {
    id: facts.orderId,
    customerId: facts.customerId,
    event(type: EventType = sequence === 0 ? 'ORDER_CREATED' : 'ORDER_UPDATED'): OrderEvent {
      sequence += 1;
      const given = { id: randomUUID(), type, sequence, timestamp: START };
      return orderEvent(given, { ...facts, status: STATUS[type] });
    },
  };
}
