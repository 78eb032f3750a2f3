/** One notification on the path of an order: its record, its state, and its message. */
import * as z from 'zod';
import {
  CHANNEL_NAMES,
  CHANNELS,
  type ChannelName,
  type Message,
} from '../../lib/notification/channels/channels.ts';
import type { Preferences } from '../../lib/notification/preferences/preferences.ts';
import { orderEventSchema } from '../../lib/order-event.ts';
import { GIVEN_UP } from '../../lib/table.ts';
import type { PanelStep } from '../../plugins/kafka-event-source/console/panel.ts';

/** A record of the ledger. A field that another release has written differently counts as absent. */
const recordSchema = z.object({
  sk: z.string(),
  eventId: z.string(),
  channel: z.enum(CHANNEL_NAMES),
  to: optional(z.string()),
  subject: optional(z.string()),
  status: z.string().catch(''),
  reason: optional(z.string()),
  attempts: z.number().catch(0),
  provider: optional(z.string()),
  messageId: optional(z.string()),
  at: optional(z.iso.datetime()),
  claimedUntil: optional(z.iso.datetime()),
  deferredUntil: optional(z.iso.datetime()),
  deferredShard: optional(z.string()),
  passing: optional(z.boolean()),
});

export type NotificationRecord = z.infer<typeof recordSchema>;

/** Reads an item of the ledger; undefined if it lacks a field that every record has. */
export function readNotification(item: Record<string, unknown>): NotificationRecord | undefined {
  return recordSchema.safeParse(item).data;
}

function optional<T extends z.ZodType>(schema: T) {
  return schema.optional().catch(undefined);
}

const NAMES = { email: 'Email', sms: 'SMS' } satisfies Record<ChannelName, string>;

/** The states in which no provider has taken the message. */
const NOT_SENT: ReadonlySet<string> = new Set(['claimed', 'deferred', 'failed']);

/** Why a notification is not sent, and what would change that for the next ones. */
const SKIPS: Readonly<Record<string, string>> = {
  'switched off': 'the customer has switched this kind of event off on this channel',
  'no address': 'neither the preferences nor the order have an address for this channel',
  'malformed address': 'the address cannot stand in a message or reach one person',
  superseded: 'a later event of the order was sent before this one',
  'address changed': 'the customer has another address now, which gets the message',
  'too many': 'this address has had its messages for this hour (LIMIT_MESSAGES_PER_HOUR)',
};

type NotificationState = Pick<PanelStep, 'state' | 'said' | 'waitsFor'>;

/** The state of a notification, and what it waits for. */
export function stateInWords(record: NotificationRecord, now: Date): NotificationState {
  const { status, reason, claimedUntil = '', deferredUntil, deferredShard, passing } = record;
  const isHeld = claimedUntil > now.toISOString();
  switch (status) {
    case 'sent':
      return { state: { tone: 'ok', words: 'sent' } };
    case 'skipped': {
      const why = SKIPS[reason ?? ''] ?? reason ?? 'no reason is on record';
      return { state: { tone: 'idle', words: 'skipped' }, said: `Nothing follows: ${why}.` };
    }
    case 'deferred':
      return {
        state: { tone: 'warn', words: 'deferred' },
        waitsFor: reason?.startsWith('quiet hours')
          ? `the end of the customer's quiet hours at ${deferredUntil}. sendDeferred, which runs every minute, then sends it.`
          : `the next try at ${deferredUntil}, by sendDeferred. No provider has taken it: ${reason}.`,
      };
    case 'claimed':
      return {
        state: { tone: 'busy', words: 'taken' },
        waitsFor: isHeld
          ? `the invocation that has taken it, until ${claimedUntil}.`
          : 'the next delivery of the record: the invocation that had taken it is over.',
      };
    case 'sending':
      if (isHeld) {
        return {
          state: { tone: 'busy', words: 'sending' },
          waitsFor: "the provider's answer.",
        };
      }
      return {
        state: { tone: 'bad', words: 'unknown' },
        said: 'The invocation ended during the call to the provider. It is not sent again, because it may have arrived.',
      };
    case 'failed':
      if (deferredShard === GIVEN_UP) {
        return {
          state: { tone: 'bad', words: 'given up' },
          said: 'No provider took it for six days. npm run resend sends it again.',
        };
      }
      if (passing) {
        return {
          state: { tone: 'warn', words: 'failed' },
          waitsFor: 'the next delivery of the record. No provider has taken it.',
        };
      }
      return {
        state: { tone: 'bad', words: 'failed' },
        said: 'Nothing follows: the provider has refused it for good.',
      };
    case 'unknown':
      return {
        state: { tone: 'bad', words: 'unknown' },
        said: 'It is not sent again, because it may have arrived.',
      };
    default:
      return {
        state: { tone: 'idle', words: status || 'unknown' },
        said: 'Another release has written this record.',
      };
  }
}

/**
 * The message of a notification, made anew from its event: the ledger keeps no text. Its language and
 * time zone are those of the customer's preferences now. Undefined for an event that no message can show.
 */
export function messageOf(
  { channel, to = '' }: Pick<NotificationRecord, 'channel' | 'to'>,
  event: string,
  { language, timeZone }: Pick<Preferences, 'language' | 'timeZone'>,
): Message | undefined {
  try {
    const read = orderEventSchema.parse(JSON.parse(event));
    return CHANNELS[channel].compose({ event: read, to, locale: { language, timeZone } });
  } catch {
    return undefined;
  }
}

/** The step of a notification. `query` names the frame with the email's HTML. */
export function notificationStep(
  record: NotificationRecord,
  message: Message | undefined,
  { now, query, isOpen }: { now: Date; query: Record<string, string>; isOpen: boolean },
): PanelStep {
  const { channel, to, at, attempts, reason, provider, messageId } = record;
  const hasMessage = message !== undefined && record.status !== 'skipped';
  return {
    title: `${NAMES[channel]}${to ? ` to ${to}` : ''}`,
    ...(at && { at: Date.parse(at) }),
    ...stateInWords(record, now),
    facts: [
      ['Attempts', String(attempts)],
      ...fact('Reason', reason),
      ...fact('Provider', provider),
      ...fact('Its id of the message', messageId),
    ],
    previews: hasMessage
      ? previewsOf(message, { query, isOpen, isNotSent: NOT_SENT.has(record.status) })
      : [],
  };
}

function previewsOf(
  message: Message,
  {
    query,
    isOpen,
    isNotSent,
  }: { query: Record<string, string>; isOpen: boolean; isNotSent: boolean },
): NonNullable<PanelStep['previews']> {
  const label = (text: string) => (isNotSent ? `Not sent so far: ${text}` : text);
  if (!('html' in message)) {
    return [{ kind: 'message', label: label('SMS'), text: message.text, isOpen }];
  }
  return [
    { kind: 'html', label: label(message.subject), query, isOpen },
    { kind: 'text', label: 'Its plain text', text: message.body },
  ];
}

function fact(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}
