import * as z from 'zod';
import { orderEventSchema } from '../order-event.ts';

const { data } = orderEventSchema.shape;

/** An event as it is on the topic, without the customer's addresses. */
export const shownEvent = orderEventSchema.extend({ data: data.omit({ contact: true }) });

/** An event with the state of its publication. */
export const eventEntrySchema = z.strictObject({
  ...shownEvent.shape,
  published: z.boolean().describe('Whether the event is known to be on the topic.'),
  publishedAt: z.iso.datetime({ precision: 3 }).optional(),
  refused: z
    .strictObject({ since: z.iso.datetime({ precision: 3 }), attempts: z.int().min(1) })
    .describe('Kafka does not take this event; it is tried again, and later ones wait for it.')
    .optional(),
});

export type EventEntry = z.infer<typeof eventEntrySchema>;
