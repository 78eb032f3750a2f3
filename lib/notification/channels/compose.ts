import type { OrderEvent } from '../../order-event.ts';
import type { Locale } from '../preferences/recipient.ts';
import type { Language, View } from '../templates/language.ts';
import { languageFor } from '../templates/languages.ts';
import { htmlOf, textOf } from '../templates/layout.ts';
import { viewOf } from '../templates/view.ts';
import type { Channel, EmailMessage, Message, SmsMessage } from './channels.ts';

type Letter = { event: OrderEvent; to: string; order: View; words: Language; tag: string };

const COMPOSERS = { email: composeEmail, sms: composeSms } satisfies Record<
  Channel,
  (letter: Letter) => Message
>;

/**
 * The message about an event, for one channel, in its reader's language, currency and time zone.
 *
 * @throws AppError `RECORD_INVALID` when the event holds what no message can show
 */
export function compose(channel: Channel, event: OrderEvent, to: string, locale: Locale): Message {
  const { words, tag } = languageFor(locale.language);
  const order = viewOf(event, words, { tag, timeZone: locale.timeZone });
  return COMPOSERS[channel]({ event, to, order, words, tag });
}

function composeEmail({ event, to, order, words, tag }: Letter): EmailMessage {
  const { email } = words.events[event.type];
  return {
    channel: 'email',
    orderId: event.data.orderId,
    to,
    subject: email.subject(order),
    body: textOf(email, order, words),
    html: htmlOf(email, order, words, tag),
  };
}

function composeSms({ event, to, order, words }: Letter): SmsMessage {
  const { sms } = words.events[event.type];
  return { channel: 'sms', orderId: event.data.orderId, to, text: sms(order) };
}
