import type { EventEntry } from './event-entry.ts';
import type { Order } from './order.ts';

/** An order as the API's document shows it, and its lists and events. */
export const placed: Order = {
  id: '0192f0c1-2345-7abc-8def-0123456789ab',
  customerId: 'customer-1',
  items: [
    { productId: 'book-42', quantity: 2, price: 19.9 },
    { productId: 'pen-7', quantity: 10, price: 0.35 },
  ],
  totalAmount: 43.3,
  currency: 'EUR',
  status: 'pending',
  version: 1,
  createdAt: '2026-11-23T09:00:00.000Z',
  updatedAt: '2026-11-23T09:00:00.000Z',
};

/** The same order after its move. */
export const shipped: Order = {
  ...placed,
  status: 'shipped',
  version: 2,
  updatedAt: '2026-11-23T10:00:00.000Z',
};

/** The first event of the order. */
export const created: EventEntry = {
  id: '0192f0c1-2346-7abc-8def-0123456789ab',
  type: 'ORDER_CREATED',
  timestamp: placed.createdAt,
  sequence: 1,
  schemaVersion: 1,
  data: {
    orderId: placed.id,
    customerId: placed.customerId,
    totalAmount: placed.totalAmount,
    currency: placed.currency,
    status: placed.status,
    items: placed.items,
  },
  published: true,
  publishedAt: '2026-11-23T09:00:00.012Z',
};
