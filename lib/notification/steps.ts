import * as z from 'zod';
import type { Clock } from '../clock.ts';
import type { OrderEvent } from '../order-event.ts';
import { AGAIN_MS, orderKey } from './record.ts';
import type { Update } from './update.ts';

/** How far each order has been told: the highest sequence. It stays as long as the order does. */
export type Steps = {
  /**
   * Notes that an event is being told: for the first time, as far as the step knows, or again.
   * `overtaken`: a later one of its order was told before, or this one so long ago that its own records
   * may be gone.
   */
  advance(event: OrderEvent): Promise<'first' | 'again' | 'overtaken'>;
  /** Takes that back, when nobody was told after all; unless a later event has advanced since. */
  retreat(event: OrderEvent): Promise<void>;
  /** Notes that it was told for sure, whichever other delivery of it takes its own step back. */
  stand(event: OrderEvent): Promise<void>;
};

/** What the step holds. */
const stepSchema = z.object({
  sequence: z.number(),
  at: z.string().transform((text) => new Date(text)),
});

const NAMES = { '#sequence': 'sequence', '#before': 'before', '#at': 'at' };

export function createSteps({ update, clock }: { update: Update; clock: Clock }): Steps {
  return {
    async advance(event) {
      const now = clock.now();
      const { refused, item } = await update({
        Key: keyOf(event),
        UpdateExpression:
          'SET #before = if_not_exists(#sequence, :none), beforeAt = if_not_exists(#at, :at), ' +
          '#sequence = :sequence, #at = :at REMOVE expiresAt',
        ConditionExpression: 'attribute_not_exists(pk) OR #sequence < :sequence',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: {
          ':sequence': event.sequence,
          ':none': 0,
          ':at': now.toISOString(),
        },
      });
      if (refused) return isAgain(item, event, now) ? 'again' : 'overtaken';
      return item?.failed === event.id ? 'again' : 'first';
    },

    async retreat(event) {
      // Refused where a later event has advanced: that one has been told, or takes its own step back.
      await update({
        Key: keyOf(event),
        UpdateExpression:
          'SET #sequence = #before, #at = if_not_exists(beforeAt, #at), #failed = :id',
        ConditionExpression: '#sequence = :sequence',
        ExpressionAttributeNames: { ...NAMES, '#failed': 'failed' },
        ExpressionAttributeValues: { ':sequence': event.sequence, ':id': event.id },
      });
    },

    async stand(event) {
      // A step back after this leads to where the step is. Refused where a later event has advanced.
      await update({
        Key: keyOf(event),
        UpdateExpression:
          'SET #sequence = :sequence, #before = :sequence, #at = :at, beforeAt = :at',
        ConditionExpression: 'attribute_not_exists(pk) OR #sequence <= :sequence',
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: {
          ':sequence': event.sequence,
          ':at': clock.now().toISOString(),
        },
      });
    },
  };
}

function keyOf({ data: { orderId } }: OrderEvent) {
  return { pk: orderKey(orderId), sk: 'NOTIFIED' };
}

/** The order's last step is this event's own, and its records are still there. */
function isAgain(step: unknown, event: OrderEvent, now: Date): boolean {
  const { sequence, at } = stepSchema.parse(step);
  return sequence === event.sequence && now.getTime() - at.getTime() < AGAIN_MS;
}
