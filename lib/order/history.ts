import * as z from 'zod';
import { orderEventSchema } from '../order-event.ts';
import type { StoredEvent } from './events.ts';
import { findStored } from './find.ts';
import { pendingOf } from './outbox.ts';
import type { Repository } from './repository.ts';
import type { StoredOrder } from './stored.ts';

const { data } = orderEventSchema.shape;

/** An event as it is on the topic, without what it says of the customer's addresses. */
const shownEvent = orderEventSchema.extend({ data: data.omit({ contact: true }) });

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

/**
 * The events of an order in their sequence.
 *
 * @throws AppError `ORDER_NOT_FOUND` or `DATABASE_AWAY`
 */
export async function listEvents(repository: Repository, id: string): Promise<EventEntry[]> {
  const stored = await findStored(repository, id);
  return stored.events.map((event) => entryOf(event, stored));
}

function entryOf(event: StoredEvent, { events, kafkaRefusal }: StoredOrder): EventEntry {
  const { value, publishedAt } = event;
  const [next] = pendingOf(events);
  return {
    ...shownEvent.parse(JSON.parse(value)),
    published: publishedAt !== undefined,
    ...(publishedAt !== undefined && { publishedAt }),
    ...(kafkaRefusal && event.id === next?.id && { refused: shownRefusal(kafkaRefusal) }),
  };
}

/** Kafka's reason stays inside: it is in the log. */
function shownRefusal({ since, attempts }: NonNullable<StoredOrder['kafkaRefusal']>) {
  return { since, attempts };
}
