// Skips that stand on the record of another channel's notification, and so cost no write of their own.

import * as z from 'zod';
import { besideKeys } from '../../table.ts';
import { CHANNEL_NAMES, type ChannelName } from '../channels/channels.ts';

/** A notification without an address that is not sent, on the record of one that is. */
export type Beside = { channel: ChannelName; reason: string };

type Item = Record<string, unknown>;

/** Another release may have written it: what this one cannot read counts as absent. */
const besideSchema = z.object({
  beside: z
    .array(z.object({ channel: z.enum(CHANNEL_NAMES), reason: z.string(), at: z.string() }))
    .catch([]),
});

/** The channels that are skipped on this record. */
export function channelsBeside(item: Item): ChannelName[] {
  return besideSchema.parse(item).beside.map(({ channel }) => channel);
}

/**
 * A record, after the skips that stand on it, each as the record that it would be by itself: with the
 * keys at which an earlier release wrote it, so that an order's or customer's list has the same places.
 */
export function withBeside(item: Item): Item[] {
  const { pk, sk, recipientKey, recipientSort, eventId, orderId, customerId, type } = item;
  const facts = { pk, recipientKey, eventId, orderId, customerId, type };
  const skips = besideSchema.parse(item).beside.map(({ channel, reason, at }) => ({
    ...facts,
    ...besideKeys({ sk: String(sk), recipientSort: String(recipientSort) }, item.channel, channel),
    ...{ channel, reason, at, status: 'skipped', attempts: 0 },
  }));
  return [...skips, item];
}
