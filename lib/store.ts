import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { type Credentials, createDynamo } from './dynamo.ts';

/** The one table, and the clock that dates its items. Every repository takes a store. */
export type Store = { dynamo: DynamoDBDocumentClient; table: string; clock: Clock };

/** The table of the configuration. Nothing connects before the first request. */
export function openStore(config: Config, credentials?: Credentials): Store {
  return { dynamo: createDynamo(config, credentials), table: config.table, clock: systemClock };
}
