import { type EventEntry, shownEvent } from './event-entry.ts';
import type { StoredEvent } from './events.ts';
import { type Allows, findStored } from './find.ts';
import { pendingOf } from './outbox.ts';
import type { Repository } from './repository.ts';
import type { StoredOrder } from './stored.ts';

/**
 * The events of an order in their sequence.
 *
 * @throws AppError `ORDER_NOT_FOUND` or `DATABASE_AWAY`
 */
export async function listEvents(
  repository: Repository,
  id: string,
  allows: Allows,
): Promise<EventEntry[]> {
  const stored = await findStored(repository, id, allows);
  const [next] = pendingOf(stored.events);
  return stored.events.map((event) => entryOf(event, next, stored.kafkaRefusal));
}

function entryOf(
  event: StoredEvent,
  next: StoredEvent | undefined,
  refusal: StoredOrder['kafkaRefusal'],
): EventEntry {
  const { value, publishedAt } = event;
  return {
    ...shownEvent.parse(JSON.parse(value)),
    published: publishedAt !== undefined,
    ...(publishedAt !== undefined && { publishedAt }),
    ...(refusal && event.id === next?.id && { refused: shownRefusal(refusal) }),
  };
}

/** Leaves out Kafka's reason, which is in the log. */
function shownRefusal({ since, attempts }: NonNullable<StoredOrder['kafkaRefusal']>) {
  return { since, attempts };
}
