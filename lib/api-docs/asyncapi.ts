import { z } from 'zod';
import { DEAD_LETTER_REASON, DEAD_LETTER_WRITER } from '../kafka/dead-letter.ts';
import { eventOf } from '../order/events.ts';
import { firstVersion, type Order } from '../order/order.ts';
import { moved } from '../order/status.ts';
import {
  EVENT_TYPES,
  type EventType,
  type OrderStatus,
  orderEventSchema,
  SCHEMA_VERSION,
} from '../order-event.ts';

type Json = { [key: string]: unknown };

const EVENTS = { topic: 'order-events', group: 'order-notifications' };
const DEAD_LETTERS = 'order-events-dlq';

const SAYS: Record<EventType, string> = {
  ORDER_CREATED: 'An order was placed.',
  ORDER_UPDATED: 'An order was confirmed, or changed in a way that has no type of its own.',
  ORDER_SHIPPED: 'An order was shipped.',
  ORDER_DELIVERED: 'An order was delivered.',
  ORDER_CANCELLED: 'An order was cancelled.',
};

/** The moves that lead an order to each event, for the examples. */
const PATHS: Record<EventType, OrderStatus[]> = {
  ORDER_CREATED: [],
  ORDER_UPDATED: ['confirmed'],
  ORDER_SHIPPED: ['confirmed', 'shipped'],
  ORDER_DELIVERED: ['confirmed', 'shipped', 'delivered'],
  ORDER_CANCELLED: ['cancelled'],
};

/** CloudEvents 1.0 in Kafka's binary mode, and the trace of the request that made the change. */
export const eventHeadersSchema = z.object({
  ce_specversion: z.literal('1.0'),
  ce_id: z.string().min(1).describe("The event's own id, the same on every publication."),
  ce_type: z.enum(EVENT_TYPES),
  ce_source: z.literal('/orders'),
  ce_subject: z.string().min(1).describe("The order's id."),
  ce_time: z.iso.datetime(),
  'content-type': z.literal('application/json'),
  traceparent: z.string().describe('W3C trace context.'),
});

export const deadLetterHeadersSchema = z.object({
  'content-type': z.literal('application/json'),
  [DEAD_LETTER_WRITER]: z.string().describe('The function that wrote the letter.'),
  [DEAD_LETTER_REASON]: z.string().describe('The reason: an error code and its message.'),
});

/** AWS's JSON for a Kafka on-failure destination. */
export const deadLetterSchema = z.object({
  requestContext: z.object({
    requestId: z.string(),
    functionArn: z.string(),
    condition: z.string(),
    approximateInvokeCount: z.int().min(1),
  }),
  responseContext: z.object({
    statusCode: z.int(),
    executedVersion: z.string(),
    functionError: z.string().nullable(),
  }),
  version: z.literal('1.0'),
  timestamp: z.iso.datetime(),
  KafkaBatchInfo: z.looseObject({
    batchSize: z.int().min(1),
    bootstrapServers: z.string(),
    payloadSize: z.int().min(0),
  }),
  payload: z
    .unknown()
    .describe('The Lambda event with the records; absent where it does not fit into a record.')
    .optional(),
});

/**
 * The JSON Schema of one type of event, as consumers read it: unknown fields are tolerated. Fields may
 * be added, but never changed.
 */
export function eventSchema(type: EventType): Json {
  const schema = orderEventSchema.extend({ type: z.literal(type) });
  return {
    ...jsonSchema(schema),
    title: `${type}, version ${SCHEMA_VERSION}`,
    description: SAYS[type],
    examples: [exampleOf(type).value],
  };
}

/** The file of a type's schema in docs/schemas/. */
export function schemaFile(type: EventType): string {
  return `${type.toLowerCase().replaceAll('_', '-')}.v${SCHEMA_VERSION}.json`;
}

/** The topics as AsyncAPI 3. */
export function asyncApiDocument(): Json {
  const messages = Object.fromEntries(EVENT_TYPES.map((type) => [type, messageOf(type)]));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Orders',
      version: '1.0.0',
      description:
        'Every accepted change of an order is published at least once, and the first publications of one order are in ' +
        '`sequence` order in their partition. Value and headers are the same, byte for byte, on every publication: a reader ' +
        'recognises a repeated event by its `id`. Readers tolerate fields that they do not know.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      orderEvents: {
        address: EVENTS.topic,
        description: 'What has happened to orders, keyed by the id of the order.',
        messages: Object.fromEntries(
          EVENT_TYPES.map((type) => [type, ref(`components/messages/${type}`)]),
        ),
        bindings: { kafka: { topic: EVENTS.topic } },
      },
      deadLetters: {
        address: DEAD_LETTERS,
        description: 'Records that no further delivery can help, under their own keys.',
        messages: { deadLetter: ref('components/messages/deadLetter') },
        bindings: { kafka: { topic: DEAD_LETTERS } },
      },
    },
    operations: {
      publishOrderEvent: {
        action: 'send',
        summary: 'The order functions publish every change.',
        channel: ref('channels/orderEvents'),
      },
      notify: {
        action: 'receive',
        summary: 'notify tells customers about their orders.',
        channel: ref('channels/orderEvents'),
        bindings: { kafka: { groupId: { type: 'string', const: EVENTS.group } } },
      },
      setAside: {
        action: 'send',
        summary: 'notify writes undeliverable records to the dead letters.',
        channel: ref('channels/deadLetters'),
      },
    },
    components: {
      messages: {
        ...messages,
        deadLetter: {
          name: 'deadLetter',
          title: 'An undeliverable record',
          headers: jsonSchema(deadLetterHeadersSchema),
          payload: jsonSchema(deadLetterSchema),
        },
      },
    },
  };
}

/** The event of an order that came this far, with the headers of its record. */
export function exampleOf(type: EventType): { value: unknown; headers: Record<string, string> } {
  const placed = firstVersion(
    '0192f0c1-2345-7abc-8def-0123456789ab',
    {
      customerId: 'customer-1',
      items: [
        { productId: 'book-42', quantity: 2, price: 19.9 },
        { productId: 'pen-7', quantity: 10, price: 0.35 },
      ],
      currency: 'EUR',
    },
    new Date('2026-11-23T09:00:00.000Z'),
  );
  const order = PATHS[type].reduce<Order>(
    (before, status) => moved(before, status, new Date(Date.parse(before.updatedAt) + 3_600_000)),
    placed,
  );
  const { value, headers } = eventOf(order, {
    id: '0192f0c1-6789-7abc-8def-0123456789ab',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    contact: { email: 'reader@example.org', phone: '+15550123' },
  });
  return { value: JSON.parse(value), headers };
}

function messageOf(type: EventType): Json {
  const { $schema, examples, ...payload } = eventSchema(type);
  const { value, headers } = exampleOf(type);
  return {
    name: type,
    title: SAYS[type],
    headers: jsonSchema(eventHeadersSchema.extend({ ce_type: z.literal(type) })),
    payload,
    bindings: { kafka: { key: { type: 'string', description: "The order's id." } } },
    examples: [{ name: type, headers, payload: value }],
  };
}

function jsonSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  }) as Json;
}

function ref(path: string): Json {
  return { $ref: `#/${path}` };
}
