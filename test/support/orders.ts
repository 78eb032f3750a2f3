import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { systemClock } from '../../lib/clock.ts';
import { createDynamo } from '../../lib/dynamo.ts';
import type { Callers } from '../../lib/identity/callers.ts';
import { createProducer } from '../../lib/kafka/producer.ts';
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import { createRepository } from '../../lib/order/repository.ts';
import { readDefinition } from '../../local/definition.ts';
import { createResources } from '../../local/resources.ts';
import { callersOf } from './callers.ts';

/** The addresses of the services that jest's set-up has started. */
export function addresses(): { brokers: string[]; dynamoEndpoint: string } {
  const { KAFKA_BROKERS, DYNAMODB_ENDPOINT } = process.env;
  if (!KAFKA_BROKERS || !DYNAMODB_ENDPOINT) throw new Error('jest has not started the services');
  return { brokers: KAFKA_BROKERS.split(','), dynamoEndpoint: DYNAMODB_ENDPOINT };
}

/** A table and topics of a test's own, with everything the order functions need. */
export type OrderBench = OutboxDeps & {
  dynamoEndpoint: string;
  dynamo: DynamoDBDocumentClient;
  table: string;
  deadLetterTopic: string;
  brokers: string[];
  callers: Callers;
  close(): Promise<void>;
};

export async function createOrderBench(
  { brokers, dynamoEndpoint } = addresses(),
  mark = randomUUID().slice(0, 8),
): Promise<OrderBench> {
  const table = `orders-${mark}`;
  const topic = `order-events-${mark}`;
  const deadLetterTopic = `order-events-dlq-${mark}`;
  const names = {
    ORDERS_TABLE: table,
    ORDER_EVENTS_TOPIC: topic,
    ORDER_EVENTS_DLQ: deadLetterTopic,
  };
  const definition = readDefinition({ ...process.env, ...names });
  await createResources({ dynamoEndpoint, kafkaBrokers: brokers.join(','), ...definition });
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint });
  const producer = createProducer(brokers);
  return {
    dynamo,
    dynamoEndpoint,
    table,
    topic,
    deadLetterTopic,
    brokers,
    producer,
    repository: createRepository({ dynamo, table, clock: systemClock }),
    clock: systemClock,
    callers: callersOf(),
    async close() {
      await producer.disconnect();
      dynamo.destroy();
    },
  };
}
