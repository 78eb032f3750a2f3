import { randomUUID } from 'node:crypto';

export const CHANNELS = ['email', 'sms'] as const;

export type Channel = (typeof CHANNELS)[number];

export type EmailMessage = {
  channel: 'email';
  orderId: string;
  to: string;
  subject: string;
  /** Plain text, for readers that show no HTML. */
  body: string;
  /** The same as a whole HTML document that asks nothing of any server. */
  html: string;
};

export type SmsMessage = { channel: 'sms'; orderId: string; to: string; text: string };

export type Message = EmailMessage | SmsMessage;

/**
 * What a provider said. A failure is `passing` when it surely took nothing and may later; its reason
 * is kept on record, so it holds no address.
 */
export type SendResult =
  | { success: true; messageId: string }
  | { success: false; passing: boolean; reason: string };

/**
 * A way to a customer. It answers what the provider said and throws when that is not known: nobody
 * sends the message again then.
 */
export type Sender = { send(message: Message, signal: AbortSignal): Promise<SendResult> };

export type Senders = Record<Channel, Sender>;

export function createSenders(kind: 'mock'): Senders {
  const senders = { mock: createMockSender() } satisfies Record<typeof kind, Sender>;
  return { email: senders[kind], sms: senders[kind] };
}

/**
 * Prints the message instead of sending it: the inbox of a laptop. It shows the whole address, which
 * a log never does.
 */
export function createMockSender(print: (text: string) => void = console.log): Sender {
  return {
    async send(message) {
      print(letterOf(message));
      return { success: true, messageId: `mock-${randomUUID()}` };
    },
  };
}

function letterOf(message: Message): string {
  const lines =
    message.channel === 'email'
      ? [`Subject: ${message.subject}`, 'Body:', ...message.body.split('\n').map((l) => `  ${l}`)]
      : [`Text: ${message.text}`];
  return [
    `--- ${message.channel} for order ${message.orderId}`,
    `To: ${message.to}`,
    ...lines,
    '---',
  ].join('\n');
}
