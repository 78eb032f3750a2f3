import * as z from 'zod';
import type { Clock } from '../../clock.ts';
import type { OrderEvent } from '../../order-event.ts';
import { sequenceKey } from '../../table.ts';
import { AGAIN_MS } from './record.ts';
import type { Update } from './update.ts';

/** The highest sequence of each order's notifications. It stays as long as the order does. */
export type Sequence = {
  /**
   * Notes that an event is being sent or put off, for the first time or again. `overtaken`: a
   * later event of the order was sent before, or this event was sent so long ago that its records
   * may have expired.
   */
  advance(event: OrderEvent): Promise<'first' | 'again' | 'overtaken'>;
};

/** Another release may have written it: a field that this one cannot read counts as absent. */
const storedSchema = z.object({
  sequence: z.number().optional().catch(undefined),
  at: z.iso.datetime().optional().catch(undefined),
});

export function createSequence({ update, clock }: { update: Update; clock: Clock }): Sequence {
  return {
    async advance(event) {
      const now = clock.now();
      const { refused, item } = await update({
        Key: sequenceKey(event.data.orderId),
        UpdateExpression: 'SET #sequence = :sequence, #at = :at REMOVE expiresAt',
        ConditionExpression: 'attribute_not_exists(pk) OR #sequence < :sequence',
        ExpressionAttributeNames: { '#sequence': 'sequence', '#at': 'at' },
        ExpressionAttributeValues: { ':sequence': event.sequence, ':at': now.toISOString() },
      });
      if (!refused) return 'first';
      return isAgain(item, event, now) ? 'again' : 'overtaken';
    },
  };
}

/** True if the event was the last one sent of its order, and its records have not expired. */
function isAgain(stored: unknown, event: OrderEvent, now: Date): boolean {
  // No event is sent before its own timestamp, so that is the safe guess for a missing time.
  const { sequence = event.sequence, at = event.timestamp } = storedSchema.parse(stored ?? {});
  return sequence === event.sequence && now.getTime() - Date.parse(at) < AGAIN_MS;
}
