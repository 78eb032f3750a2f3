import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { orAway } from '../attempt.ts';
import type { Store } from '../store.ts';
import { changeShards, INDEXES, type Key, orderIdOf } from '../table.ts';

const DAY_MS = 24 * 3600 * 1000;
/** A writer whose clock is ahead may already write into the next day. */
const CLOCK_MARGIN_MS = 60_000;

/** The index of all orders by the day of their last change, each day's by their creation. */
export function createChanges({ dynamo, table }: Store) {
  const page = async (shard: string, end: string, start?: Record<string, unknown>) =>
    orAway(
      dynamo.send(
        new QueryCommand({
          TableName: table,
          IndexName: INDEXES.ordersByDay,
          KeyConditionExpression: 'changeShard = :shard AND createdAt < :end',
          ExpressionAttributeValues: { ':shard': shard, ':end': end },
          ExclusiveStartKey: start,
        }),
      ),
    );

  return {
    /**
     * The ids of all orders that may have an event of the period: created before its end, and last
     * changed on the day of its start or later. The search goes up to the present day, since the index
     * has an order at its last day only. An order that changes meanwhile may come twice, but is never missed.
     */
    async *orders(from: Date, to: Date, now: () => Date): AsyncGenerator<string> {
      const end = to.toISOString();
      const today = () => dayOf(now().getTime() + CLOCK_MARGIN_MS);
      for (let day = from.getTime(); dayOf(day) <= today(); day += DAY_MS) {
        for (const shard of changeShards(dayOf(day))) {
          let start: Record<string, unknown> | undefined;
          do {
            const { Items = [], LastEvaluatedKey } = await page(shard, end, start);
            yield* Items.map((item) => orderIdOf(item as Key));
            start = LastEvaluatedKey;
          } while (start);
        }
      }
    },
  };
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
