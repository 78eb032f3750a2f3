import type { Language } from './language.ts';
import { text } from './text.ts';

export const en: Language = {
  tag: 'en',
  labels: {
    order: 'Order',
    at: 'As of',
    total: 'Total',
    item: (quantity, productId, price) => text`${quantity} x ${productId} at ${price}`,
    more: (count) => text`and ${count} more`,
  },
  statuses: {
    pending: 'pending',
    confirmed: 'confirmed',
    shipped: 'shipped',
    delivered: 'delivered',
    cancelled: 'cancelled',
  },
  events: {
    ORDER_CREATED: {
      email: {
        subject: ({ orderId }) => text`We have your order ${orderId}`,
        heading: () => 'Thank you for your order.',
        shows: ['items', 'total'],
        closing: () => 'We tell you when it is on its way.',
      },
      sms: ({ orderId, total }) =>
        text`We have your order ${orderId}, ${total} in total. Thank you.`,
    },
    ORDER_UPDATED: {
      email: {
        subject: ({ orderId, status }) => text`Your order ${orderId} is ${status}`,
        heading: ({ status }) => text`Your order is now ${status}.`,
        shows: ['items', 'total'],
      },
      sms: ({ orderId, status }) => text`Your order ${orderId} is now ${status}.`,
    },
    ORDER_SHIPPED: {
      email: {
        subject: ({ orderId }) => text`Your order ${orderId} is on its way`,
        heading: () => 'Your order has left our house and is on its way to you.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Your order ${orderId} is on its way.`,
    },
    ORDER_DELIVERED: {
      email: {
        subject: ({ orderId }) => text`Your order ${orderId} has arrived`,
        heading: () => 'Your order has been delivered. We hope that you like it.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Your order ${orderId} has been delivered.`,
    },
    ORDER_CANCELLED: {
      email: {
        subject: ({ orderId }) => text`Your order ${orderId} is cancelled`,
        heading: () => 'Your order is cancelled. Nothing more comes of it.',
        shows: ['total'],
      },
      sms: ({ orderId }) => text`Your order ${orderId} is cancelled.`,
    },
  },
  unsubscribe: {
    email: {
      title: 'Emails about your orders',
      question: 'Do you want no more emails about your orders?',
      button: 'Send me no more',
      over: 'We send you no more emails about your orders.',
      critical: 'Should an order be cancelled, we still tell you.',
    },
    sms: {
      title: 'Text messages about your orders',
      question: 'Do you want no more text messages about your orders?',
      button: 'Send me no more',
      over: 'We send you no more text messages about your orders.',
      critical: 'Should an order be cancelled, we still tell you.',
    },
  },
};
