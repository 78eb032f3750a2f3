import type { Config } from '../../config.ts';
import type { Channel, Provider } from './channel.ts';
import { email, emailProviders } from './email.ts';
import { createMockSender } from './senders/mock.ts';
import type { AnyMessage, Sender } from './senders/sender.ts';
import { sms, smsProviders } from './sms.ts';

/** All channels, by the names that records, preferences and the API use. */
export const CHANNELS = { email, sms } satisfies Record<string, Channel>;

export type ChannelName = keyof typeof CHANNELS;

export const CHANNEL_NAMES = Object.keys(CHANNELS) as ChannelName[];

/** The addresses of a customer, an optional field for each channel. */
export const CONTACT = {
  [email.contactField]: email.address.optional(),
  [sms.contactField]: sms.address.optional(),
};

type MessageOf<Name extends ChannelName> = ReturnType<(typeof CHANNELS)[Name]['compose']>;

/** A message of any channel. */
export type Message = MessageOf<ChannelName>;

/** The providers of each channel, in the order in which they are asked; a channel may have none. */
export type Senders = { [Name in ChannelName]?: readonly Sender<MessageOf<Name>>[] };

/** The providers that the configuration names; each makes its client at its first message. */
export function createSenders(config: Pick<Config, 'region' | 'senders'>): Senders {
  // One mock for all channels, so that there is one inbox.
  const mock = createMockSender();
  const sendersOf = <Name extends string, M extends AnyMessage>(
    names: readonly (NoInfer<Name> | 'mock')[],
    providers: Record<Name, Provider<M>>,
  ) => names.map((name) => (name === 'mock' ? mock : providers[name](config)));
  return {
    email: sendersOf(config.senders.email, emailProviders),
    sms: sendersOf(config.senders.sms, smsProviders),
  };
}
