import type * as z from 'zod';
import type { Config } from '../../config.ts';
import type { OrderEvent } from '../../order-event.ts';
import type { Locale } from '../templates/language.ts';
import type { AnyMessage, Sender } from './senders/sender.ts';

/** Stage `local` only: the addresses of a customer who has none. */
export type Fallback = NonNullable<Config['fallback']>;

/** The contents of a message. `unsubscribe` is the link that ends the messages of this channel. */
type Letter = { event: OrderEvent; to: string; locale: Locale; unsubscribe?: string };

/** A way to reach customers: everything that differs from one channel to another. */
export type Channel<Message extends AnyMessage = AnyMessage> = {
  /** The field of a contact that holds the address. */
  contactField: string;
  /** The rule for an address that a customer gives us. */
  address: z.ZodType<string>;
  /** An example address that belongs to nobody. */
  example: string;
  /** A looser rule, for addresses of any origin: it can stand in a header and reaches one person. */
  sendable: RegExp;
  /** The address, masked for display; a short address is masked completely. */
  mask(address: string): string;
  fallbackAddress(fallback: Fallback, customerId: string): string;
  /** True if a message waits until the customer's quiet hours end. */
  waitsInQuietHours: boolean;
  /** @throws AppError `RECORD_INVALID` when the event holds a value that no message can show */
  compose(letter: Letter): Message;
  /** How long a provider may take to answer one call, in milliseconds. */
  callMs: number;
  /** The names of its metrics, which count notifications by their status. */
  metrics: Record<'sent' | 'failed' | 'unknown' | 'skipped' | 'deferred', string>;
};

/** Makes the sender of one provider. */
export type Provider<Message extends AnyMessage> = (
  config: Pick<Config, 'region' | 'senders'>,
) => Sender<Message>;
