import type { Language } from './language.ts';
import { text } from './text.ts';

export const de: Language = {
  tag: 'de',
  labels: {
    order: 'Bestellung',
    at: 'Datum',
    total: 'Summe',
    item: (quantity, productId, price) => text`${quantity} x ${productId} zu je ${price}`,
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
        text`Vielen Dank für Ihre Bestellung ${orderId}. Summe: ${total}. Wir melden uns, sobald sie unterwegs ist.`,
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
        heading: () => 'Ihre Bestellung ist auf dem Weg zu Ihnen.',
        shows: ['items'],
      },
      sms: ({ orderId }) => text`Ihre Bestellung ${orderId} ist auf dem Weg zu Ihnen.`,
    },
    ORDER_DELIVERED: {
      email: {
        subject: ({ orderId }) => text`Ihre Bestellung ${orderId} ist angekommen`,
        heading: () => 'Ihre Bestellung ist angekommen. Wir hoffen, dass sie Ihnen gefällt.',
        shows: ['items'],
      },
      sms: ({ orderId }) =>
        text`Ihre Bestellung ${orderId} wurde zugestellt. Wir hoffen, dass sie Ihnen gefällt.`,
    },
    ORDER_CANCELLED: {
      email: {
        subject: ({ orderId }) => text`Ihre Bestellung ${orderId} wurde storniert`,
        heading: () => 'Ihre Bestellung wurde storniert. Sie erhalten keine weitere Lieferung.',
        shows: ['total'],
      },
      sms: ({ orderId }) => text`Ihre Bestellung ${orderId} wurde storniert.`,
    },
  },
  unsubscribe: {
    email: {
      title: 'E-Mails zu Ihren Bestellungen',
      question: 'Möchten Sie keine E-Mails zu Ihren Bestellungen mehr erhalten?',
      button: 'Abbestellen',
      over: 'Sie sind abgemeldet und erhalten keine E-Mails zu Ihren Bestellungen mehr.',
      critical: 'Wenn eine Bestellung storniert wird, geben wir Ihnen weiterhin Bescheid.',
    },
    sms: {
      title: 'SMS zu Ihren Bestellungen',
      question: 'Möchten Sie keine SMS zu Ihren Bestellungen mehr erhalten?',
      button: 'Abbestellen',
      over: 'Sie sind abgemeldet und erhalten keine SMS zu Ihren Bestellungen mehr.',
      critical: 'Wenn eine Bestellung storniert wird, geben wir Ihnen weiterhin Bescheid.',
    },
  },
};
