import type { OrderEvent } from '../../order-event.ts';
import type { Language, Locale, View } from './language.ts';
import { languageFor } from './languages.ts';
import { dateTime, money, text, wholeNumber } from './text.ts';

const MAX_ITEMS = 20;

/**
 * Writes an event's values for a reader; every one of them is harmless from here on. `words` and `tag`
 * are the reader's language.
 *
 * @throws AppError `RECORD_INVALID` when the event holds a value that no message can show
 */
export function viewFor(
  { timestamp, data }: OrderEvent,
  { language, timeZone }: Locale,
): { order: View; words: Language; tag: string } {
  const { words, tag } = languageFor(language);
  const { items, currency } = data;
  const more = items.length - MAX_ITEMS;
  const order = {
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
  return { order, words, tag };
}
