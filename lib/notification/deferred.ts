import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { orAway } from '../attempt.ts';
import type { Period } from '../clock.ts';
import { type OrderEvent, orderEventSchema } from '../order-event.ts';
import type { Channel } from './channels.ts';
import {
  allDeferredShards,
  DEFERRED,
  deferralOf,
  GIVEN_UP,
  type NotificationKey,
} from './record.ts';
import { createUpdate } from './update.ts';

/** A record that waits, with what its message is made of. */
export type DeferredRecord = {
  key: NotificationKey;
  event: OrderEvent;
  channel: Channel;
  /** How often its provider was called since it was put off. */
  attempts: number;
  /** The last call failed; else none was made, or a run is at it, or has died there. */
  hasFailed: boolean;
};

/** A record that was given up: everything but its address. */
export type GivenUp = Pick<DeferredRecord, 'key' | 'event' | 'channel'> & {
  attempts: number;
  reason: string;
  at: string;
};

/** The records that wait until quiet hours end, or until a provider is tried again. */
export type Deferred = {
  /** The keys of what is due, oldest first a shard; they may lag behind a write for a moment. */
  due(now: Date): AsyncGenerator<NotificationKey>;
  /** @returns the record, when it is still due */
  find(key: NotificationKey, now: Date): Promise<DeferredRecord | undefined>;
  /** Lets a record rest as it stands, `failed`, until somebody puts it back. */
  drop(key: NotificationKey, now: Date): Promise<void>;
  /** The records that rest so, those of a period, the oldest first. */
  givenUp(period: Period): AsyncGenerator<GivenUp>;
  /** Has a record looked at again, as if it had waited. @returns false when it rests no longer */
  putBack(record: GivenUp, now: Date): Promise<boolean>;
};

const STATUS = { '#status': 'status' };

/** What is queried by, in the index of the deferred ones. */
type Range = { shard: string; from?: Date; to: Date };

export function createDeferred(deps: { dynamo: DynamoDBDocumentClient; table: string }): Deferred {
  const { dynamo, table } = deps;

  const update = createUpdate(dynamo, table);

  async function* keysOf({ shard, from = new Date(0), to }: Range) {
    let start: Record<string, unknown> | undefined;
    do {
      const query = new QueryCommand({
        TableName: table,
        IndexName: DEFERRED,
        KeyConditionExpression: 'deferredShard = :shard AND deferredUntil BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':shard': shard,
          ':from': from.toISOString(),
          ':to': to.toISOString(),
        },
        ExclusiveStartKey: start,
      });
      const { Items = [], LastEvaluatedKey } = await orAway(dynamo.send(query));
      yield* Items.map(({ pk, sk }): NotificationKey => ({ pk, sk }));
      start = LastEvaluatedKey;
    } while (start);
  }

  async function read(key: NotificationKey) {
    const get = new GetCommand({ TableName: table, Key: key, ConsistentRead: true });
    return (await orAway(dynamo.send(get))).Item;
  }

  return {
    async *due(now) {
      for (const shard of rotated(allDeferredShards(), now)) yield* keysOf({ shard, to: now });
    },

    async find(key, now) {
      const item = await read(key);
      if (!item?.deferredUntil || item.deferredUntil > now.toISOString()) return undefined;
      if (item.deferredShard === GIVEN_UP) return undefined;
      const event = orderEventSchema.parse(JSON.parse(item.event));
      const { channel, attempts = 0, attemptsBefore = 0, status } = item;
      const hasFailed = status === 'failed';
      return { key, event, channel, attempts: attempts - attemptsBefore, hasFailed };
    },

    async drop(key, now) {
      // Refused where another run has it, or has settled it.
      await update({
        Key: key,
        ConditionExpression: '#status = :failed',
        ExpressionAttributeNames: STATUS,
        UpdateExpression: 'SET deferredShard = :givenUp, deferredUntil = :now',
        ExpressionAttributeValues: {
          ':failed': 'failed',
          ':givenUp': GIVEN_UP,
          ':now': now.toISOString(),
        },
      });
    },

    async *givenUp(period) {
      for await (const key of keysOf({ shard: GIVEN_UP, ...period })) {
        const item = await read(key);
        // The index lags behind a write for a moment; its end is a part of a range.
        if (item?.deferredShard !== GIVEN_UP) continue;
        if (item.deferredUntil >= period.to.toISOString()) continue;
        const { channel, attempts, reason, deferredUntil } = item;
        const event = orderEventSchema.parse(JSON.parse(item.event));
        yield { key, event, channel, attempts, reason, at: deferredUntil };
      }
    },

    async putBack({ key, event }, now) {
      const { deferredShard, deferredUntil } = deferralOf(event, now);
      const { refused } = await update({
        Key: key,
        ExpressionAttributeNames: STATUS,
        ConditionExpression: '#status = :failed AND deferredShard = :givenUp',
        UpdateExpression:
          'SET #status = :deferred, deferredShard = :shard, deferredUntil = :now, ' +
          'reason = :reason, attemptsBefore = attempts',
        ExpressionAttributeValues: {
          ':failed': 'failed',
          ':givenUp': GIVEN_UP,
          ':deferred': 'deferred',
          ':shard': deferredShard,
          ':now': deferredUntil,
          ':reason': 'put back',
        },
      });
      return !refused;
    },
  };
}

/** Another shard is first every minute: a run that cannot do all of them starves none. */
function rotated(shards: string[], now: Date): string[] {
  const first = Math.floor(now.getTime() / 60_000) % shards.length;
  return [...shards.slice(first), ...shards.slice(0, first)];
}
