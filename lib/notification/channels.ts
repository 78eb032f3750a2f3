import type { Config } from '../config.ts';
import { createMockSender } from './senders/mock.ts';

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

/** The providers that the configuration names. Their clients are loaded only where they are named. */
export function createSenders({ region, senders }: Pick<Config, 'region' | 'senders'>): Senders {
  const { email, sms, from, smtpUrl, senderId } = senders;
  const mock = createMockSender();
  const ways = {
    mock: () => mock,
    ses: () =>
      loaded('ses', import('./senders/ses.ts'), (m) => m.createSesSender({ region, from })),
    smtp: () =>
      loaded('smtp', import('./senders/smtp.ts'), (m) => {
        return m.createSmtpSender({ url: smtpUrl, from });
      }),
    sns: () =>
      loaded('sns', import('./senders/sns.ts'), (m) => m.createSnsSender({ region, senderId })),
  };
  return { email: email.map((name) => ways[name]()), sms: sms.map((name) => ways[name]()) };
}

/** Loading begins at the cold start, so that it is over when the first message is sent. */
function loaded<M extends Message, Module>(
  name: string,
  module: Promise<Module>,
  create: (module: Module) => Sender<M>,
): Sender<M> {
  const sender = module.then(create);
  return { name, send: async (message, signal) => (await sender).send(message, signal) };
}
