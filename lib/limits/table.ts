import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { attempt } from '../attempt.ts';
import type { Store } from '../store.ts';
import { limitKey } from '../table.ts';
import { type Limit, periodAt, type Quota } from './limit.ts';

/**
 * Counts in the table, for all instances together, by one conditional write per count. An item
 * holds the count of one period and expires by its time to live. A write whose answer is lost is
 * sent again and may count twice, which does little harm to a limit.
 */
export function createTableLimit({ dynamo, table, clock }: Store, quota: Quota): Limit {
  return async (who) => {
    const { start, left } = periodAt(clock.now(), quota);
    const { refused } = await attempt(
      dynamo.send(
        new UpdateCommand({
          TableName: table,
          Key: limitKey(quota.name, who, start),
          UpdateExpression: 'SET expiresAt = :end ADD #count :one',
          ConditionExpression: 'attribute_not_exists(#count) OR #count < :limit',
          ExpressionAttributeNames: { '#count': 'count' },
          ExpressionAttributeValues: {
            ':end': start + quota.seconds,
            ':one': 1,
            ':limit': quota.count,
          },
        }),
      ),
    );
    return refused ? left : 0;
  };
}
