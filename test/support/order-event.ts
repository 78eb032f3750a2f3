import type { OrderEvent } from '../../lib/order-event.ts';

/** An event of an order as the API places it; a test gives the parts that matter to it. */
export function orderEvent(
  given: Partial<Omit<OrderEvent, 'data'>> = {},
  data: Partial<OrderEvent['data']> = {},
): OrderEvent {
  return {
    id: 'e1',
    type: 'ORDER_CREATED',
    timestamp: '2026-11-20T10:00:00.000Z',
    sequence: 1,
    schemaVersion: 1,
    ...given,
    data: {
      orderId: 'o1',
      customerId: 'ada',
      totalAmount: 1,
      currency: 'USD',
      status: 'pending',
      items: [{ productId: 'p', quantity: 1, price: 1 }],
      ...data,
    },
  };
}
