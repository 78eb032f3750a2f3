import type { OrderEvent } from '../../order-event.ts';
import type { Language, View } from './language.ts';
import { dateTime, money, text, wholeNumber } from './text.ts';

const MAX_ITEMS = 20;

/** Writes an event's values for a reader; every one of them is harmless from here on. */
export function viewOf(
  { timestamp, data }: OrderEvent,
  words: Language,
  { tag, timeZone }: { tag: string; timeZone: string },
): View {
  const { items, currency } = data;
  const more = items.length - MAX_ITEMS;
  return {
    orderId: text`${data.orderId}`,
    status: words.statuses[data.status],
    at: dateTime(timestamp, tag, timeZone),
    total: money(data.totalAmount, currency, tag),
    items: items.slice(0, MAX_ITEMS).map(({ productId, quantity, price }) => ({
      productId: text`${productId}`,
      quantity: wholeNumber(quantity, tag),
      price: money(price, currency, tag),
    })),
    more: more > 0 ? wholeNumber(more, tag) : undefined,
  };
}
