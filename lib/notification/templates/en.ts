import type { Language } from './language.ts';
import { text } from './text.ts';

export const en: Language = {
  tag: 'en',
  labels: {
    order: 'Order',
    at: 'Date',
    total: 'Total',
    item: (quantity, productId, price) => text`${quantity} x ${productId} at ${price} each`,
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
        subject: ({ orderId }) => text`We've received your order ${orderId}`,
        heading: () => 'Thank you for your order.',
        shows: ['items', 'total'],
        closing: () => "We'll let you know when it ships.",
      },
      sms: ({ orderId, total }) =>
        text`Thank you for your order ${orderId}. Total: ${total}. We'll let you know when it ships.`,
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
        heading: () => 'Your order has shipped and is on its way to you.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Your order ${orderId} has shipped and is on its way.`,
    },
    ORDER_DELIVERED: {
      email: {
        subject: ({ orderId }) => text`Your order ${orderId} has arrived`,
        heading: () => 'Your order has arrived. We hope you like it.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Your order ${orderId} has arrived. We hope you like it.`,
    },
    ORDER_CANCELLED: {
      email: {
        subject: ({ orderId }) => text`Your order ${orderId} has been cancelled`,
        heading: () => 'Your order has been cancelled. Nothing more will be shipped.',
        shows: ['total'],
      },
      sms: ({ orderId }) => text`Your order ${orderId} has been cancelled.`,
    },
  },
  unsubscribe: {
    email: {
      title: 'Emails about your orders',
      question: 'Would you like to stop receiving emails about your orders?',
      button: 'Unsubscribe',
      over: "You're unsubscribed. We won't email you about your orders any more.",
      critical: "We'll still let you know if an order is cancelled.",
    },
    sms: {
      title: 'Text messages about your orders',
      question: 'Would you like to stop receiving text messages about your orders?',
      button: 'Unsubscribe',
      over: "You're unsubscribed. We won't text you about your orders any more.",
      critical: "We'll still let you know if an order is cancelled.",
    },
  },
};
