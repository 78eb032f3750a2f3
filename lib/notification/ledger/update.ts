import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { attempt, type Written } from '../../attempt.ts';
import type { Store } from '../../store.ts';

export type Condition = Pick<
  UpdateCommandInput,
  'ConditionExpression' | 'ExpressionAttributeValues'
>;

/** One conditional update, and the item before it. @throws AppError `DATABASE_AWAY` */
export type Update = (input: Omit<UpdateCommandInput, 'TableName'>) => Promise<Written>;

export type Changes = {
  remove?: string[];
  /** Added to the calls on record. */
  calls?: -1 | 0 | 1;
};

export function createUpdate({ dynamo, table }: Store): Update {
  return (input) =>
    attempt(
      dynamo.send(
        new UpdateCommand({
          TableName: table,
          ReturnValues: 'ALL_OLD',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          ...input,
        }),
      ),
    );
}

/** An update's expression: what it sets, the rest that it removes, and the calls that it counts. */
export function changing(
  set: Record<string, unknown>,
  condition: Condition,
  { remove = [], calls }: Changes = {},
) {
  const sets = Object.keys(set).map((name) => `#${name} = :${name}`);
  const stale = remove.filter((name) => !(name in set));
  return {
    UpdateExpression: [
      `SET ${sets.join(', ')}`,
      ...(stale.length > 0 ? [`REMOVE ${stale.join(', ')}`] : []),
      ...(calls === undefined ? [] : ['ADD attempts :calls']),
    ].join(' '),
    ExpressionAttributeNames: Object.fromEntries(
      Object.keys(set).map((name) => [`#${name}`, name]),
    ),
    ConditionExpression: condition.ConditionExpression,
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      ...condition.ExpressionAttributeValues,
      ...(calls !== undefined && { ':calls': calls }),
    },
  };
}
