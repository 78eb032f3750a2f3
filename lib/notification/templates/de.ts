import type { Language } from './language.ts';
import { text } from './text.ts';

export const de: Language = {
  tag: 'de',
  labels: {
    order: 'Bestellung',
    at: 'Stand',
    total: 'Summe',
    item: (quantity, productId, price) => text`${quantity} x ${productId} zu ${price}`,
    more: (count) => text`und ${count} weitere`,
  },
  statuses: {
    pending: 'offen',
    confirmed: 'bestätigt',
    shipped: 'unterwegs',
    delivered: 'zugestellt',
    cancelled: 'storniert',
  },
  events: {
    ORDER_CREATED: {
      email: {
        subject: ({ orderId }) => text`Ihre Bestellung ${orderId} ist eingegangen`,
        heading: () => 'Vielen Dank für Ihre Bestellung.',
        shows: ['items', 'total'],
        closing: () => 'Wir melden uns, sobald sie unterwegs ist.',
      },
      sms: ({ orderId, total }) =>
        text`Ihre Bestellung ${orderId} ist eingegangen, Summe ${total}. Vielen Dank.`,
    },
    ORDER_UPDATED: {
      email: {
        subject: ({ orderId, status }) => text`Ihre Bestellung ${orderId} ist ${status}`,
        heading: ({ status }) => text`Ihre Bestellung ist jetzt ${status}.`,
        shows: ['items', 'total'],
      },
      sms: ({ orderId, status }) => text`Ihre Bestellung ${orderId} ist jetzt ${status}.`,
    },
    ORDER_SHIPPED: {
      email: {
        subject: ({ orderId }) => text`Ihre Bestellung ${orderId} ist unterwegs`,
        heading: () => 'Ihre Bestellung hat unser Haus verlassen und ist unterwegs zu Ihnen.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Ihre Bestellung ${orderId} ist unterwegs.`,
    },
    ORDER_DELIVERED: {
      email: {
        subject: ({ orderId }) => text`Ihre Bestellung ${orderId} ist angekommen`,
        heading: () => 'Ihre Bestellung wurde zugestellt. Wir hoffen, dass sie Ihnen gefällt.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Ihre Bestellung ${orderId} wurde zugestellt.`,
    },
    ORDER_CANCELLED: {
      email: {
        subject: ({ orderId }) => text`Ihre Bestellung ${orderId} ist storniert`,
        heading: () => 'Ihre Bestellung ist storniert. Es wird nichts mehr geliefert.',
        shows: ['total'],
      },
      sms: ({ orderId }) => text`Ihre Bestellung ${orderId} ist storniert.`,
    },
  },
  unsubscribe: {
    email: {
      title: 'E-Mails zu Ihren Bestellungen',
      question: 'Möchten Sie keine E-Mails zu Ihren Bestellungen mehr erhalten?',
      button: 'Keine mehr senden',
      over: 'Wir senden Ihnen keine E-Mails zu Ihren Bestellungen mehr.',
      critical: 'Wird eine Bestellung storniert, so sagen wir es Ihnen weiterhin.',
    },
    sms: {
      title: 'SMS zu Ihren Bestellungen',
      question: 'Möchten Sie keine SMS zu Ihren Bestellungen mehr erhalten?',
      button: 'Keine mehr senden',
      over: 'Wir senden Ihnen keine SMS zu Ihren Bestellungen mehr.',
      critical: 'Wird eine Bestellung storniert, so sagen wir es Ihnen weiterhin.',
    },
  },
};
