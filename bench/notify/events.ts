import { Kafka, logLevel } from 'kafkajs';
import type { OrderEvent } from '../../lib/order-event.ts';
import type { OrderBench } from '../../test/support/orders.ts';

/** All events of a round of orders, then the next: each order's in sequence, under its key. */
export async function produce(bench: OrderBench, orders: number, each: number): Promise<void> {
  const kafka = new Kafka({ brokers: bench.brokers, logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  for (let sequence = 1; sequence <= each; sequence += 1) {
    for (let first = 0; first < orders; first += 1_000) {
      const size = Math.min(1_000, orders - first);
      const messages = Array.from({ length: size }, (_, i) => {
        const event = eventOf(`order-${first + i}`, sequence);
        return { key: event.data.orderId, value: JSON.stringify(event) };
      });
      await producer.send({ topic: bench.topic, messages });
    }
  }
  await producer.disconnect();
}

export function eventOf(orderId: string, sequence: number): OrderEvent {
  return {
    id: `${orderId}-${sequence}`,
    type: sequence === 1 ? 'ORDER_CREATED' : 'ORDER_UPDATED',
    timestamp: '2026-11-20T10:00:00.000Z',
    sequence,
    schemaVersion: 1,
    data: {
      orderId,
      customerId: `customer-of-${orderId}`,
      totalAmount: 5,
      currency: 'USD',
      status: sequence === 1 ? 'pending' : 'confirmed',
      items: [{ productId: 'p', quantity: 1, price: 5 }],
      contact: { email: 'ada@example.com' },
    },
  };
}
