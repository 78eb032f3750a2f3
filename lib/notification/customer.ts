import { randomUUID } from 'node:crypto';
import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { attempt, orAway } from '../attempt.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import {
  type CustomerPreferences,
  DEFAULTS,
  type Preferences,
  preferencesSchema,
} from './preferences.ts';
import { customerKey } from './record.ts';

/** A zone that was taken once and is not any more must not keep its customer from being told. */
const storedSchema = preferencesSchema.extend({
  timeZone: preferencesSchema.shape.timeZone.catch(DEFAULTS.timeZone),
});

/** Where the preferences of customers are kept. */
export type Customers = {
  /** @returns the customer's preferences, the caller's own writes included; undefined when none */
  find(customerId: string): Promise<CustomerPreferences | undefined>;
  /**
   * Replaces a customer's preferences, only one of the given versions if any are given.
   *
   * @throws AppError `PREFERENCES_CHANGED` with the current version
   */
  save(
    customerId: string,
    preferences: Preferences,
    versions: number[] | undefined,
  ): Promise<CustomerPreferences>;
};

/** What the API shows of a customer who has said nothing. */
export function defaultsOf(customerId: string): CustomerPreferences {
  return { customerId, version: 0, ...DEFAULTS, updatedAt: null };
}

export function createCustomers(deps: {
  dynamo: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
}): Customers {
  const { dynamo, table, clock } = deps;

  async function find(customerId: string) {
    const get = new GetCommand({ TableName: table, Key: keyOf(customerId), ConsistentRead: true });
    const { Item } = await orAway(dynamo.send(get));
    return Item && storedOf(customerId, Item);
  }

  return {
    find,

    async save(customerId, preferences, versions) {
      const current = versions && ((await find(customerId))?.version ?? 0);
      if (current !== undefined && !versions?.includes(current)) throw changed(current);
      const writer = randomUUID();
      const update = new UpdateCommand({
        TableName: table,
        Key: keyOf(customerId),
        ConditionExpression: conditionOf(current),
        UpdateExpression:
          'SET preferences = :preferences, updatedAt = :at, writer = :writer ADD version :one',
        ExpressionAttributeValues: {
          ':preferences': preferences,
          ':at': clock.now().toISOString(),
          ':writer': writer,
          ':one': 1,
          ...(current && { ':current': current }),
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      const { item: stored } = await attempt(dynamo.send(update));
      // A write that arrived, and that the SDK repeats because its answer was lost, is a success.
      if (stored?.writer === writer) return storedOf(customerId, stored);
      throw changed(Number(stored?.version ?? 0));
    },
  };
}

function keyOf(customerId: string) {
  return { pk: customerKey(customerId), sk: 'PREFERENCES' };
}

function conditionOf(current: number | undefined): string {
  if (current === undefined) return 'attribute_not_exists(writer) OR writer <> :writer';
  return current === 0 ? 'attribute_not_exists(pk)' : 'version = :current';
}

/** The schema gives an event type that came later its default, and the fields their order. */
function storedOf(customerId: string, item: Record<string, unknown>): CustomerPreferences {
  const { version, updatedAt } = item as Pick<CustomerPreferences, 'version' | 'updatedAt'>;
  return { customerId, version, ...storedSchema.parse(item.preferences), updatedAt };
}

function changed(currentVersion: number): AppError {
  return new AppError(
    'PREFERENCES_CHANGED',
    `The preferences are at version ${currentVersion}, which "if-match" does not name.`,
    { currentVersion },
  );
}
