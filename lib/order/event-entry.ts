import * as z from 'zod';
import { orderEventSchema } from '../order-event.ts';

const { data } = orderEventSchema.shape;

/** An event as it is on the topic, without the customer's addresses. */
export const shownEvent = orderEventSchema.extend({ data: data.omit({ contact: true }) });

/** An event with the state of its publication. */
export const eventEntrySchema = z.strictObject({
  ...shownEvent.shape,
  published: z.boolean().describe('True once the event is known to be on the topic.'),
  publishedAt: z.iso.datetime({ precision: 3 }).optional(),
  refused: z
    .strictObject({ since: z.iso.datetime({ precision: 3 }), attempts: z.int().min(1) })
    .describe(
      'Kafka refuses this event. It is tried again, and later events of the order wait for it.',
    )
    .optional(),
});

export type EventEntry = z.infer<typeof eventEntrySchema>;
