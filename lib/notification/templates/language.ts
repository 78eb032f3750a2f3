import type { EventType, OrderStatus } from '../../order-event.ts';

/** How a customer reads amounts and dates. */
export type Locale = { language: string; timeZone: string };

/** An order as messages show it: formatted for its reader, and harmless. */
export type View = {
  orderId: string;
  status: string;
  /** When the event happened, in the reader's zone. */
  at: string;
  total: string;
  items: { productId: string; quantity: string; price: string }[];
  /** How many items stand in no line; undefined when all do. */
  more: string | undefined;
};

type Text = (order: View) => string;

/** The words of the page that unsubscribes: `over` confirms it, `critical` names the messages that still come. */
type Unsubscribe = {
  title: string;
  question: string;
  button: string;
  over: string;
  critical: string;
};

/** The words of one event type for each channel; `email.shows` are the facts under its first sentence. */
export type Template = {
  email: {
    subject: Text;
    heading: Text;
    shows: readonly ('items' | 'total')[];
    closing?: Text;
  };
  sms: Text;
};

/** A whole language: one that lacks a word does not compile. */
export type Language = {
  /** Its tag, for Intl and for HTML. */
  tag: string;
  labels: {
    order: string;
    at: string;
    total: string;
    item: (quantity: string, productId: string, price: string) => string;
    more: (count: string) => string;
  };
  statuses: Record<OrderStatus, string>;
  events: Record<EventType, Template>;
  unsubscribe: { email: Unsubscribe; sms: Unsubscribe };
};
