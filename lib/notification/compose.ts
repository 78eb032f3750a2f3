import type { OrderEvent } from '../order-event.ts';
import type { Channel, EmailMessage, Message, SmsMessage } from './channels.ts';
import { TEMPLATES } from './templates.ts';

const COMPOSERS = { email: composeEmail, sms: composeSms } satisfies Record<
  Channel,
  (event: OrderEvent, to: string) => Message
>;

/**
 * The message about an event, for one channel.
 *
 * @throws AppError `RECORD_INVALID` when the event holds what no message can show
 */
export function compose(channel: Channel, event: OrderEvent, to: string): Message {
  return COMPOSERS[channel](event, to);
}

function composeEmail({ type, data }: OrderEvent, to: string): EmailMessage {
  const { subject, body } = TEMPLATES[type].email;
  return {
    channel: 'email',
    orderId: data.orderId,
    to,
    subject: subject(data),
    body: body(data).join('\n'),
  };
}

function composeSms({ type, data }: OrderEvent, to: string): SmsMessage {
  return { channel: 'sms', orderId: data.orderId, to, text: TEMPLATES[type].sms(data) };
}
