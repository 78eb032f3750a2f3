import { QueryCommand, type QueryCommandInput, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { attempt, orAway } from '../attempt.ts';
import { itemsOf } from '../items.ts';
import type { Store } from '../store.ts';
import {
  allPendingShards,
  INDEXES,
  type Key,
  orderIdOf,
  orderKey,
  REFUSED_SHARD,
} from '../table.ts';
import type { StoredEvent } from './events.ts';

/** Kafka refuses an order's oldest pending event: the first refusal, the number of tries, the reason. */
export type Refusal = { since: string; at: string; attempts: number; reason: string };

/** The events that wait to be published. `oldest`: the time since which the oldest one waits (ISO 8601). */
export type BacklogSummary = { oldest?: string | undefined; refusedOrders: number };

/** Whether it is time for an order, by the time under which the index has it (ISO 8601). */
type IsDue = (at: string) => boolean;

/** The part of a shard before or after a time (ISO 8601). */
type Side = { of: '<' | '>'; at: string };

const PAGE = 100;
/** Reads only keys: while a partition is away, many of its orders may be passed over. */
const PENDING_PAGE = 1000;

/**
 * The index of orders with an event that is not published. An order is in one of the shards from its
 * change until all its events are marked. Orders that Kafka refuses are in a shard of their own, sorted
 * by the time of their next try, so that no run reads them before.
 */
export function createBacklog({ dynamo, table }: Store) {
  const ofShard = (shard: string, Limit: number, side?: Side): QueryCommandInput => ({
    TableName: table,
    IndexName: INDEXES.pendingEvents,
    KeyConditionExpression: `pendingShard = :shard${side ? ` AND pendingSince ${side.of} :at` : ''}`,
    ExpressionAttributeValues: { ':shard': shard, ...(side && { ':at': side.at }) },
    Limit,
  });
  const firstOf = (shard: string, limit: number, side?: Side) =>
    dynamo.send(new QueryCommand(ofShard(shard, limit, side)));

  async function* dueOf(shard: string, isDue: IsDue): AsyncGenerator<string> {
    for await (const item of itemsOf(dynamo, ofShard(shard, PENDING_PAGE))) {
      if (isDue(String(item.pendingSince))) yield orderIdOf(item as Key);
    }
  }

  return {
    /**
     * Marks these events of an order as published. Give the version that was read if they were all of
     * its pending events: the order then leaves the index, unless its version has changed since.
     *
     * @param abortSignal ends the requests early
     */
    async markPublished(
      id: string,
      events: StoredEvent[],
      at: string,
      ifVersion?: number,
      abortSignal?: AbortSignal,
    ) {
      const mark = (version?: number) => {
        const update = new UpdateCommand(markOf(table, id, events, at, version));
        return attempt(dynamo.send(update, abortSignal && { abortSignal }));
      };
      const { refused } = await mark(ifVersion);
      if (refused && ifVersion !== undefined) await mark();
    },

    /** Postpones an order until `next`, unless it was published or changed in the meantime. */
    async putOff(id: string, version: number, refusal: Refusal, next: string): Promise<void> {
      const update = new UpdateCommand({
        TableName: table,
        Key: orderKey(id),
        ConditionExpression: 'attribute_exists(pendingShard) AND version = :version',
        UpdateExpression:
          'SET pendingShard = :shard, pendingSince = :next, kafkaRefusal = :refusal',
        ExpressionAttributeValues: {
          ':version': version,
          ':shard': REFUSED_SHARD,
          ':next': next,
          ':refusal': refusal,
        },
      });
      await attempt(dynamo.send(update));
    },

    async summary(): Promise<BacklogSummary> {
      const [refused, ...shards] = await orAway(
        Promise.all([
          firstOf(REFUSED_SHARD, PAGE),
          ...allPendingShards().map((shard) => firstOf(shard, 1)),
        ]),
      );
      const refusals = refused.Items ?? [];
      const since = [
        ...refusals.flatMap((item) => (item.kafkaRefusal as Refusal | undefined)?.since ?? []),
        ...shards.flatMap(({ Items = [] }) => Items.map((item) => String(item.pendingSince))),
      ];
      return { oldest: since.toSorted()[0], refusedOrders: refusals.length };
    },

    /**
     * The ids of refused orders whose next try is earlier than `due`, or later than `latest` (ISO 8601), as
     * many as are asked for.
     */
    async *refusedOrders(due: string, latest: string, limit: number): AsyncGenerator<string> {
      let left = limit;
      for (const side of [{ of: '<', at: due } as const, { of: '>', at: latest } as const]) {
        if (left === 0) return;
        const { Items = [] } = await orAway(firstOf(REFUSED_SHARD, left, side));
        yield* Items.map((item) => orderIdOf(item as Key));
        left -= Items.length;
      }
    },

    /**
     * The ids of orders with an event whose time is due, the oldest of each shard first. It begins with
     * a random shard, so that not always the same orders are left over.
     */
    async *pendingOrders(isDue: IsDue): AsyncGenerator<string> {
      const shards = allPendingShards();
      const first = Math.floor(Math.random() * shards.length);
      for (const shard of [...shards.slice(first), ...shards.slice(0, first)]) {
        yield* dueOf(shard, isDue);
      }
    },
  };
}

/** At the same version the events have their places as read; else each is found by its id. */
function markOf(table: string, id: string, events: StoredEvent[], at: string, ifVersion?: number) {
  const places = events.map(({ sequence }) => sequence - 1);
  const set = places.map(
    (i) => `events[${i}].publishedAt = if_not_exists(events[${i}].publishedAt, :at)`,
  );
  const known = places.map((place, i) => `events[${place}].id = :id${i}`);
  const ids = Object.fromEntries(events.map((event, i) => [`:id${i}`, event.id]));
  const remove = ifVersion ? ' REMOVE pendingShard, pendingSince, kafkaRefusal' : '';
  return {
    TableName: table,
    Key: orderKey(id),
    ConditionExpression: ifVersion ? 'version = :version' : known.join(' AND '),
    UpdateExpression: `SET ${set.join(', ')}${remove}`,
    ExpressionAttributeValues: { ':at': at, ...(ifVersion ? { ':version': ifVersion } : ids) },
  };
}
