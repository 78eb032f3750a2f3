import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { asDatabaseError } from '../dynamo.ts';
import { type OrderEvent, orderEventSchema } from '../order-event.ts';
import type { Channel } from './channels.ts';
import { allDeferredShards, DEFERRED, type NotificationKey } from './record.ts';

/** A record that waits, with what its message is made of. */
export type DeferredRecord = {
  key: NotificationKey;
  event: OrderEvent;
  channel: Channel;
  attempts: number;
  /** The last call failed, and nothing has put the message off since. */
  hasFailed: boolean;
};

/** The records that wait until quiet hours end, or until a provider is tried again. */
export type Deferred = {
  /** The keys of what is due, oldest first a shard; they may lag behind a write for a moment. */
  due(now: Date): AsyncGenerator<NotificationKey>;
  /** @returns the record, when it is still due */
  find(key: NotificationKey, now: Date): Promise<DeferredRecord | undefined>;
  /** Lets a record rest as it stands, `failed`, for good. */
  drop(key: NotificationKey): Promise<void>;
};

export function createDeferred(deps: { dynamo: DynamoDBDocumentClient; table: string }): Deferred {
  const { dynamo, table } = deps;
  return {
    async *due(now) {
      for (const shard of rotated(allDeferredShards(), now)) {
        let from: Record<string, unknown> | undefined;
        do {
          const query = new QueryCommand({
            TableName: table,
            IndexName: DEFERRED,
            KeyConditionExpression: 'deferredShard = :shard AND deferredUntil <= :now',
            ExpressionAttributeValues: { ':shard': shard, ':now': now.toISOString() },
            ExclusiveStartKey: from,
          });
          const { Items = [], LastEvaluatedKey } = await orAway(dynamo.send(query));
          yield* Items.map(({ pk, sk }) => ({ pk, sk }));
          from = LastEvaluatedKey;
        } while (from);
      }
    },

    async find(key, now) {
      const get = new GetCommand({ TableName: table, Key: key, ConsistentRead: true });
      const { Item } = await orAway(dynamo.send(get));
      if (!Item?.deferredUntil || Item.deferredUntil > now.toISOString()) return undefined;
      const event = orderEventSchema.parse(JSON.parse(Item.event));
      const { channel, attempts = 0, status } = Item;
      return { key, event, channel, attempts, hasFailed: status === 'failed' };
    },

    async drop(key) {
      const update = new UpdateCommand({
        TableName: table,
        Key: key,
        ConditionExpression: '#status = :failed',
        UpdateExpression: 'REMOVE event, deferredShard, deferredUntil',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':failed': 'failed' },
      });
      await orAway(dynamo.send(update)).catch((error: unknown) => {
        // Another run has it, or has settled it: nothing is left to drop.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      });
    },
  };
}

/** Another shard is first every minute: a run that cannot do all of them starves none. */
function rotated(shards: string[], now: Date): string[] {
  const first = Math.floor(now.getTime() / 60_000) % shards.length;
  return [...shards.slice(first), ...shards.slice(0, first)];
}

async function orAway<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asDatabaseError(error);
  }
}
