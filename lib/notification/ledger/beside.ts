// Skips that are noted on the record of another channel's notification, which saves a write for each.

import * as z from 'zod';
import { besideKeys } from '../../table.ts';
import { CHANNEL_NAMES, type ChannelName } from '../channels/channels.ts';

/** A notification that is skipped because it has no address, noted on the record of one that is sent. */
export type Beside = { channel: ChannelName; reason: string };

type Item = Record<string, unknown>;

/** Another release may have written `beside`: a value that this release cannot read counts as absent. */
const besideSchema = z.object({
  beside: z
    .array(z.object({ channel: z.enum(CHANNEL_NAMES), reason: z.string(), at: z.string() }))
    .catch([]),
});

/** The channels whose skips are noted on this record. */
export function channelsBeside(item: Item): ChannelName[] {
  return besideSchema.parse(item).beside.map(({ channel }) => channel);
}

/**
 * The skips noted on a record, each as a record of its own, and then the record. A skip gets the keys that an
 * earlier release wrote it with, so that it has the same place in the list of an order or a customer.
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
