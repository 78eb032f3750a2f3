import type { OrderBench } from './orders.ts';
import { until } from './until.ts';

/** The environment that points the whole system at a test's own table and topics. */
export function environmentOf(bench: OrderBench): Record<string, string> {
  return {
    KAFKA_BROKERS: bench.brokers.join(','),
    DYNAMODB_ENDPOINT: bench.dynamoEndpoint,
    ORDERS_TABLE: bench.table,
    ORDER_EVENTS_TOPIC: bench.topic,
    ORDER_EVENTS_DLQ: bench.deadLetterTopic,
    ORDER_NOTIFICATIONS_GROUP: `group-${bench.topic}`,
    NOTIFICATION_EMAIL: 'mock',
    NOTIFICATION_SMS: 'mock',
  };
}

/**
 * Places an order over HTTP. It asks again with the same key when the table of a busy machine does not
 * answer in time.
 */
export function post(url: string, change: object = {}) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
  const items = [{ productId: 'p', quantity: 1, price: 5 }];
  return until('an answer', async () => {
    const answer = await fetch(`${url}/api/orders`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ customerId: 'c', items, ...change }),
      signal: AbortSignal.timeout(10_000),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a test reads any member of an answer
    const body: any = await answer.json();
    return answer.status === 503 ? undefined : { status: answer.status, body };
  });
}
