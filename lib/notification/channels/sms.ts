import { phone } from '../../fields.ts';
import { viewFor } from '../templates/view.ts';
import type { Channel, Provider } from './channel.ts';
import type { SmsMessage } from './senders/sender.ts';
import { createSnsSender } from './senders/sns.ts';

/** Numbers of up to so many characters are masked completely. */
const SHORT = 6;

export const sms = {
  contactField: 'phone',
  address: phone,
  example: '+15550123',
  sendable: /^\+[1-9]\d{1,14}$/,
  // `+******00`
  mask(address) {
    const shown = address.length > SHORT ? address.slice(-2) : '';
    return `+${'*'.repeat(address.length - 1 - shown.length)}${shown}`;
  },
  fallbackAddress: (fallback) => fallback.phone,
  // A phone wakes people.
  waitsInQuietHours: true,
  compose({ event, to, locale }): SmsMessage {
    const { order, words } = viewFor(event, locale);
    const text = words.events[event.type].sms(order);
    return { channel: 'sms', orderId: event.data.orderId, to, text };
  },
  callMs: 5_000,
  metrics: {
    sent: 'SmsSent',
    failed: 'SmsFailed',
    unknown: 'SmsUnknown',
    skipped: 'SmsSkipped',
    deferred: 'SmsDeferred',
  },
} as const satisfies Channel<SmsMessage>;

/**
 * The providers beside the mock. They are not part of the channel, so that the bundles of functions
 * that send nothing do not contain them.
 */
export const smsProviders = {
  sns: ({ region, senders: { senderId } }) => createSnsSender({ region, senderId }),
} satisfies Record<string, Provider<SmsMessage>>;
