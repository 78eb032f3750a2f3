import type { OrderBench } from './orders.ts';

/** The environment that points the whole system at a test's own table and topics. */
export function environmentOf(bench: OrderBench): Record<string, string> {
  return {
    KAFKA_BROKERS: bench.brokers.join(','),
    DYNAMODB_ENDPOINT: bench.dynamoEndpoint,
    ORDERS_TABLE: bench.table,
    ORDER_EVENTS_TOPIC: bench.topic,
    ORDER_EVENTS_DLQ: bench.deadLetterTopic,
    ORDER_NOTIFICATIONS_GROUP: `group-${bench.topic}`,
  };
}

/** Places an order over HTTP. */
export async function post(url: string, change: object = {}) {
  const answer = await fetch(`${url}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      customerId: 'c',
      items: [{ productId: 'p', quantity: 1, price: 5 }],
      ...change,
    }),
    signal: AbortSignal.timeout(10_000),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any member of an answer
  const body: any = await answer.json();
  return { status: answer.status, body };
}
