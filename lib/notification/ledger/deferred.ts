import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { orAway } from '../../attempt.ts';
import type { Period } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { itemsOf } from '../../items.ts';
import { type OrderEvent, orderEventSchema } from '../../order-event.ts';
import type { Store } from '../../store.ts';
import { allDeferredShards, deferredShard, GIVEN_UP, INDEXES, type Key } from '../../table.ts';
import { inAnHour, nextTry } from './pauses.ts';
import { storedSchema } from './record.ts';
import { changing, createUpdate } from './update.ts';

/** A record that waits, with what its message is made of. */
export type DeferredRecord = { key: Key; event: OrderEvent; channel: string };

/** A record that was given up, as far as it can be read: everything but its address. */
export type GivenUp = {
  key: Key;
  eventId: string;
  orderId: string;
  type: string;
  channel: string;
  attempts: number;
  reason: string;
  at: string;
};

/** The records that wait until quiet hours end, or until a provider is tried again. */
export type Deferred = {
  /** The keys of what is due, oldest first a shard; they may lag behind a write for a moment. */
  due(now: Date): AsyncGenerator<Key>;
  /**
   * @returns the record, when it is still due
   * @throws AppError `RECORD_INVALID` when this release cannot read it
   */
  find(key: Key, now: Date): Promise<DeferredRecord | undefined>;
  /**
   * Puts off a record that is still due, by growing pauses; after six days the record is given up.
   * `settled`: the record is no longer due.
   */
  postpone(key: Key, now: Date): Promise<'later' | 'given up' | 'settled'>;
  /** The records that were given up in the period, oldest first. */
  givenUp(period: Period): AsyncGenerator<GivenUp>;
  /** Has a record looked at again, as if it had waited. @returns false when it rests no longer */
  putBack(record: GivenUp, now: Date): Promise<boolean>;
};

type Item = Record<string, unknown>;

const STATUS = { '#status': 'status' };

/** A part of the index of deferred notifications. */
type Range = { shard: string; from?: Date; to: Date };

export function createDeferred(store: Store): Deferred {
  const { dynamo, table } = store;
  const update = createUpdate(store);

  async function* keysOf({ shard, from = new Date(0), to }: Range) {
    const items = itemsOf(dynamo, {
      TableName: table,
      IndexName: INDEXES.deferredNotifications,
      KeyConditionExpression: 'deferredShard = :shard AND deferredUntil BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':shard': shard,
        ':from': from.toISOString(),
        ':to': to.toISOString(),
      },
    });
    for await (const { pk, sk } of items) yield { pk, sk } as Key;
  }

  async function read(key: Key): Promise<Item | undefined> {
    const get = new GetCommand({ TableName: table, Key: key, ConsistentRead: true });
    return (await orAway(dynamo.send(get))).Item;
  }

  return {
    async *due(now) {
      for (const shard of rotated(allDeferredShards(), now)) yield* keysOf({ shard, to: now });
    },

    async find(key, now) {
      const item = await read(key);
      if (!isDue(item, now)) return undefined;
      return { key, event: eventOf(item), channel: String(item.channel) };
    },

    async postpone(key, now) {
      const item = await read(key);
      if (!isDue(item, now)) return 'settled';
      const { failingSince = now, status } = storedSchema.parse(item);
      const next = nextTry(failingSince, now);
      // Only these two statuses are given up. Others are settled, or known to another release only.
      const rests = !next && (status === 'deferred' || status === 'failed');
      const until = rests ? now : (next ?? inAnHour(now));
      const set = {
        deferredUntil: until.toISOString(),
        failingSince: failingSince.toISOString(),
        ...(rests && { status: 'failed', deferredShard: GIVEN_UP }),
        ...(rests && status === 'deferred' && { passing: true }),
      };
      const { refused } = await update({
        Key: key,
        ...changing(set, {
          // No write when another invocation has begun a call meanwhile.
          ConditionExpression: `deferredUntil = :due${rests ? ' AND #status = :was' : ''}`,
          ExpressionAttributeValues: {
            ':due': item.deferredUntil,
            ...(rests && { ':was': status }),
          },
        }),
      });
      if (refused) return 'settled';
      return rests ? 'given up' : 'later';
    },

    async *givenUp(period) {
      for await (const key of keysOf({ shard: GIVEN_UP, ...period })) {
        const item = await read(key);
        // The index lags behind a write for a moment; its end is a part of a range.
        if (item?.deferredShard !== GIVEN_UP || item.status !== 'failed') continue;
        const at = String(item.deferredUntil);
        if (at >= period.to.toISOString()) continue;
        yield { key, ...factsOf(item), at };
      }
    },

    async putBack({ key, eventId }, now) {
      const { refused } = await update({
        Key: key,
        ExpressionAttributeNames: STATUS,
        ConditionExpression: '#status = :failed AND deferredShard = :givenUp',
        UpdateExpression:
          'SET #status = :deferred, deferredShard = :shard, deferredUntil = :now, ' +
          'reason = :reason REMOVE failingSince',
        ExpressionAttributeValues: {
          ':failed': 'failed',
          ':givenUp': GIVEN_UP,
          ':deferred': 'deferred',
          ':shard': deferredShard(eventId),
          ':now': now.toISOString(),
          ':reason': 'put back',
        },
      });
      return !refused;
    },
  };
}

function isDue(item: Item | undefined, now: Date): item is Item & { deferredUntil: string } {
  const { deferredUntil, deferredShard } = item ?? {};
  if (typeof deferredUntil !== 'string' || deferredShard === GIVEN_UP) return false;
  return deferredUntil <= now.toISOString();
}

function eventOf({ event }: Item): OrderEvent {
  const read = orderEventSchema.safeParse(jsonOf(event));
  if (read.success) return read.data;
  const paths = read.error.issues.map(({ path }) => path.join('.'));
  throw new AppError('RECORD_INVALID', `This release cannot read its event: ${paths.join(', ')}.`);
}

function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    // No event is undefined; what the parser says may repeat a part of the text.
    return undefined;
  }
}

function factsOf({ eventId, orderId, type, channel, attempts, reason }: Item) {
  return {
    eventId: String(eventId),
    orderId: String(orderId),
    type: String(type),
    channel: String(channel),
    attempts: Number(attempts),
    reason: String(reason),
  };
}

/** Another shard is first every minute: a run that cannot do all of them starves none. */
function rotated(shards: string[], now: Date): string[] {
  const first = Math.floor(now.getTime() / 60_000) % shards.length;
  return [...shards.slice(first), ...shards.slice(0, first)];
}
