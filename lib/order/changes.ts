import { itemsOf } from '../items.ts';
import type { Store } from '../store.ts';
import { changeShards, INDEXES, type Key, orderIdOf } from '../table.ts';

/** No order is older. A period from 1970 would ask for ten thousands of days that are empty. */
const FIRST_DAY = Date.parse('2020-01-01');
const DAY_MS = 24 * 3600 * 1000;
/** A writer whose clock is hours ahead already writes into the next day. */
const CLOCK_MARGIN_MS = DAY_MS;

/** The index of all orders by the day of their last change, each day's by their creation. */
export function createChanges({ dynamo, table }: Store) {
  const idsOf = (shard: string, end: string): Promise<string[]> => {
    const items = itemsOf(dynamo, {
      TableName: table,
      IndexName: INDEXES.ordersByDay,
      KeyConditionExpression: 'changeShard = :shard AND createdAt < :end',
      ExpressionAttributeValues: { ':shard': shard, ':end': end },
    });
    return Array.fromAsync(items, (item) => orderIdOf(item as Key));
  };

  return {
    /**
     * The ids of all orders that may have an event of the period: created before its end, and last
     * changed on the day of its start or later. The search goes up to the present day, since the index
     * has an order at its last day only. An order that changes meanwhile may come twice, but is never missed.
     *
     * @param reached called with each day before it is searched, such as `2026-11-23`
     */
    async *orders(
      from: Date,
      to: Date,
      now: () => Date,
      reached: (day: string) => void = () => undefined,
    ): AsyncGenerator<string> {
      const end = to.toISOString();
      const today = () => dayOf(now().getTime() + CLOCK_MARGIN_MS);
      const first = Math.max(from.getTime(), FIRST_DAY);
      for (let day = first; dayOf(day) <= today(); day += DAY_MS) {
        reached(dayOf(day));
        // The days come in turn, since an order that changes meanwhile moves to a later day.
        const shards = changeShards(dayOf(day)).map((shard) => idsOf(shard, end));
        for (const ids of await Promise.all(shards)) yield* ids;
      }
    },
  };
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
