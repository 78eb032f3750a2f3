/** The fields that the messages of all channels have. */
export type AnyMessage = { channel: string; orderId: string; to: string };

export type EmailMessage = {
  channel: 'email';
  orderId: string;
  to: string;
  subject: string;
  /** Plain text, for readers that show no HTML. */
  body: string;
  /** The same as a whole HTML document that asks nothing of any server. */
  html: string;
  /** The address of our API at which a POST without a body ends these emails. */
  unsubscribe?: string;
};

export type SmsMessage = { channel: 'sms'; orderId: string; to: string; text: string };

/**
 * The answer of a provider. A failure that is not `retriable` is about this message or its recipient,
 * for good. After a retriable one the provider surely took nothing; it may take the message later, or
 * another provider may take it now. The reason is kept on record, so it holds no address.
 */
export type SendResult =
  | { success: true; messageId: string; segments?: number }
  | { success: false; retriable: boolean; reason: string };

/**
 * A provider of one channel. `send` makes one call and never repeats it. It throws when the answer is
 * not known: nobody sends the message again then.
 */
export type Sender<Message extends AnyMessage> = {
  name: string;
  send(message: Message, signal: AbortSignal): Promise<SendResult>;
};
