import type { EventType, OrderEvent } from '../order-event.ts';
import { money, text } from './text.ts';

type Data = OrderEvent['data'];

/** What one event type says on each channel. */
export type Template = {
  email: { subject: (order: Data) => string; body: (order: Data) => string[] };
  sms: (order: Data) => string;
};

const MAX_LINES = 20;

/** English. A type without its templates does not compile. */
export const TEMPLATES: Record<EventType, Template> = {
  ORDER_CREATED: {
    email: {
      subject: ({ orderId }) => text`We have your order ${orderId}`,
      body: (order) => [
        'Thank you for your order.',
        '',
        text`Order: ${order.orderId}`,
        ...lines(order),
        text`Total: ${total(order)}`,
        '',
        'We tell you when it is on its way.',
      ],
    },
    sms: (order) => text`We have your order ${order.orderId}, ${total(order)} in total. Thank you.`,
  },
  ORDER_UPDATED: {
    email: {
      subject: (order) => text`Your order ${order.orderId} is ${order.status}`,
      body: (order) => [
        text`Your order is now ${order.status}.`,
        '',
        text`Order: ${order.orderId}`,
        ...lines(order),
        text`Total: ${total(order)}`,
      ],
    },
    sms: (order) => text`Your order ${order.orderId} is now ${order.status}.`,
  },
  ORDER_SHIPPED: {
    email: {
      subject: ({ orderId }) => text`Your order ${orderId} is on its way`,
      body: (order) => [
        'Your order has left our house and is on its way to you.',
        '',
        text`Order: ${order.orderId}`,
        ...lines(order),
      ],
    },
    sms: ({ orderId }) => text`Your order ${orderId} is on its way.`,
  },
  ORDER_DELIVERED: {
    email: {
      subject: ({ orderId }) => text`Your order ${orderId} has arrived`,
      body: (order) => [
        'Your order has been delivered. We hope that you like it.',
        '',
        text`Order: ${order.orderId}`,
        ...lines(order),
      ],
    },
    sms: ({ orderId }) => text`Your order ${orderId} has been delivered.`,
  },
  ORDER_CANCELLED: {
    email: {
      subject: ({ orderId }) => text`Your order ${orderId} is cancelled`,
      body: (order) => [
        'Your order is cancelled. Nothing more comes of it.',
        '',
        text`Order: ${order.orderId}`,
        text`Total: ${total(order)}`,
      ],
    },
    sms: ({ orderId }) => text`Your order ${orderId} is cancelled.`,
  },
};

function total({ totalAmount, currency }: Data): string {
  return money(totalAmount, currency);
}

function lines({ items, currency }: Data): string[] {
  const shown = items
    .slice(0, MAX_LINES)
    .map(
      ({ productId, quantity, price }) =>
        text`  ${quantity} x ${productId} at ${money(price, currency)}`,
    );
  const more = items.length - shown.length;
  return more > 0 ? [...shown, text`  and ${more} more`] : shown;
}
