import type { Config } from '../../config.ts';
import { createMockSender } from './senders/mock.ts';
import { createSesSender } from './senders/ses.ts';
import { createSmtpSender } from './senders/smtp.ts';
import { createSnsSender } from './senders/sns.ts';

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
  /** Where a POST without more ends these emails. */
  unsubscribe?: string | undefined;
};

export type SmsMessage = { channel: 'sms'; orderId: string; to: string; text: string };

export type Message = EmailMessage | SmsMessage;

/**
 * What a provider said. A failure is about this message or its recipient, for good; or `passing`: the
 * provider surely took nothing, and it may later, or another provider now. The reason is kept on
 * record, so it holds no address.
 */
export type SendResult =
  | { success: true; messageId: string; segments?: number }
  | { success: false; passing: boolean; reason: string };

/**
 * A way to a customer: one call, never repeated inside. It answers what the provider said and throws
 * when that is not known: nobody sends the message again then.
 */
export type Sender<M extends Message = Message> = {
  name: string;
  send(message: M, signal: AbortSignal): Promise<SendResult>;
};

/** The providers of each channel, in the order in which they are asked. */
export type Senders = {
  email: readonly Sender<EmailMessage>[];
  sms: readonly Sender<SmsMessage>[];
};

/** The providers that the configuration names; each makes its client at its first message. */
export function createSenders({ region, senders }: Pick<Config, 'region' | 'senders'>): Senders {
  const { email, sms, from, smtpUrl, senderId } = senders;
  const mock = createMockSender();
  const ways = {
    mock: () => mock,
    ses: () => createSesSender({ region, from }),
    smtp: () => createSmtpSender({ url: smtpUrl, from }),
    sns: () => createSnsSender({ region, senderId }),
  };
  return { email: email.map((name) => ways[name]()), sms: sms.map((name) => ways[name]()) };
}
