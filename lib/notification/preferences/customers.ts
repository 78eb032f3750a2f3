import { randomUUID } from 'node:crypto';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { attempt, orAway } from '../../attempt.ts';
import { AppError } from '../../errors.ts';
import { logger } from '../../logger.ts';
import type { Store } from '../../store.ts';
import { preferencesKey } from '../../table.ts';
import { readTolerantly, withUnknown } from '../../tolerant.ts';
import {
  type CustomerPreferences,
  DEFAULTS,
  type Preferences,
  preferencesSchema,
} from './preferences.ts';

/** After so many lost races a write that names no version replaces whatever is stored. */
const RACES = 3;

/** The stored preferences of customers. */
export type Customers = {
  /** @returns the customer's preferences, the caller's own writes included; undefined when none */
  find(customerId: string): Promise<CustomerPreferences | undefined>;
  /**
   * Replaces a customer's preferences, only one of the given versions if any are given. Fields that
   * another release has stored, and this one does not know, stay; only a field that comes while many
   * replace the same preferences without a version may be lost.
   *
   * @throws AppError `PREFERENCES_CHANGED` with the current version
   */
  save(
    customerId: string,
    preferences: Preferences,
    versions: number[] | undefined,
  ): Promise<CustomerPreferences>;
};

/** The preferences that the API shows of a customer who has set none. */
export function defaultsOf(customerId: string): CustomerPreferences {
  return { customerId, version: 0, ...DEFAULTS, updatedAt: null };
}

export function createCustomers({ dynamo, table, clock }: Store): Customers {
  async function stored(customerId: string): Promise<Record<string, unknown> | undefined> {
    const get = new GetCommand({
      TableName: table,
      Key: preferencesKey(customerId),
      ConsistentRead: true,
    });
    return (await orAway(dynamo.send(get))).Item;
  }

  /**
   * Replaces preferences that are still as they were read, or also later ones.
   *
   * @returns the item that is stored afterwards, and whether this write made it
   */
  async function replace(
    customerId: string,
    preferences: Preferences,
    item: Record<string, unknown> | undefined,
    alsoLater: boolean,
  ) {
    const writer = randomUUID();
    const version = versionOf(item);
    const isAsRead = version === 0 ? 'attribute_not_exists(version)' : 'version = :version';
    // The SDK's repetition of a write that arrived is refused by either condition.
    const condition = alsoLater ? 'writer <> :writer' : isAsRead;
    const { unknown } = readTolerantly(preferencesSchema, item?.preferences);
    const update = new UpdateCommand({
      TableName: table,
      Key: preferencesKey(customerId),
      ConditionExpression: condition,
      UpdateExpression:
        'SET preferences = :preferences, updatedAt = :at, writer = :writer ADD version :one',
      ExpressionAttributeValues: {
        ':preferences': withUnknown(preferences, unknown),
        ':at': clock.now().toISOString(),
        ':writer': writer,
        ':one': 1,
        ...(!alsoLater && version > 0 && { ':version': version }),
      },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    const { item: now } = await attempt(dynamo.send(update));
    // The SDK repeats a write whose answer was lost. If the first one arrived, this is a success.
    return { item: now, isMine: now?.writer === writer };
  }

  return {
    async find(customerId) {
      const item = await stored(customerId);
      return item && preferencesOf(customerId, item);
    },

    async save(customerId, preferences, versions) {
      let item = await stored(customerId);
      for (let races = 0; races <= RACES; races += 1) {
        if (versions && !versions.includes(versionOf(item))) throw changed(versionOf(item));
        const alsoLater = !versions && races === RACES;
        const written = await replace(customerId, preferences, item, alsoLater);
        item = written.item;
        if (item && written.isMine) return preferencesOf(customerId, item);
      }
      throw new AppError(
        'DATABASE_AWAY',
        'The preferences change faster than they can be written.',
      );
    },
  };
}

/** Preferences that do not exist yet, or have no version, are version 0. */
function versionOf(item: Record<string, unknown> | undefined): number {
  return typeof item?.version === 'number' ? item.version : 0;
}

function preferencesOf(customerId: string, item: Record<string, unknown>): CustomerPreferences {
  const { value, faults } = readTolerantly(preferencesSchema, item.preferences);
  if (faults.length > 0) logger.warn('stored preferences read with defaults', { fields: faults });
  const { updatedAt } = item;
  const at = typeof updatedAt === 'string' ? updatedAt : null;
  return { customerId, version: versionOf(item), ...value, updatedAt: at };
}

function changed(currentVersion: number): AppError {
  return new AppError(
    'PREFERENCES_CHANGED',
    `The preferences are at version ${currentVersion}, which "if-match" does not name.`,
    { currentVersion },
  );
}
