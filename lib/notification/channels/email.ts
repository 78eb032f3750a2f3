import { email as emailAddress } from '../../fields.ts';
import { htmlOf, textOf } from '../templates/layout.ts';
import { viewFor } from '../templates/view.ts';
import type { Channel, Provider } from './channel.ts';
import type { EmailMessage } from './senders/sender.ts';
import { createSesSender } from './senders/ses.ts';
import { createSmtpSender } from './senders/smtp.ts';

export const email = {
  contactField: 'email',
  address: emailAddress,
  example: 'ada@example.com',
  sendable: /^[^\s@,;:<>()[\]\\"\p{C}]{1,64}@[^\s@,;:<>()[\]\\"\p{C}]{1,189}$/u,
  // `j***@example.com`
  mask: (address) => address.replace(/^(?:(.).{2,}|.*)@/su, '$1***@'),
  fallbackAddress({ emailDomain }, customerId) {
    return `${customerId.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 64)}@${emailDomain}`;
  },
  // A mailbox wakes nobody.
  waitsInQuietHours: false,
  compose({ event, to, locale, unsubscribe }): EmailMessage {
    const { order, words, tag } = viewFor(event, locale);
    const { email: template } = words.events[event.type];
    return {
      channel: 'email',
      orderId: event.data.orderId,
      to,
      subject: template.subject(order),
      body: textOf(template, order, words),
      html: htmlOf(template, order, words, tag),
      ...(unsubscribe !== undefined && { unsubscribe }),
    };
  },
  callMs: 5_000,
  metrics: {
    sent: 'EmailSent',
    failed: 'EmailFailed',
    unknown: 'EmailUnknown',
    skipped: 'EmailSkipped',
    deferred: 'EmailDeferred',
  },
} as const satisfies Channel<EmailMessage>;

/**
 * The providers beside the mock. They are not part of the channel, so that the bundles of functions
 * that send nothing do not contain them.
 */
export const emailProviders = {
  ses: ({ region, senders: { from } }) => createSesSender({ region, from }),
  smtp: ({ senders: { from, smtpUrl } }) => createSmtpSender({ url: smtpUrl, from }),
} satisfies Record<string, Provider<EmailMessage>>;
