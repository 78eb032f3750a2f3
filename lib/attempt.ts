import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { asDatabaseError } from './dynamo.ts';
import { AppError } from './errors.ts';

type Item = Record<string, unknown>;

/** The result of a conditional write: the item it returned, or after a refusal the stored item. */
export type Written = { refused: boolean; item?: Item | undefined };

/** The result of a transaction. `conflict`: another transaction writes the same items at this moment. */
export type TransactionEnd = 'done' | 'conflict' | { refusedBy: (Item | undefined)[] };

/** Reasons of a cancelled transaction that another try may change. */
const RETRIABLE_REASONS = new Set(['ThrottlingError', 'ProvisionedThroughputExceeded']);

/** A conditional write. @throws AppError `DATABASE_AWAY` when it was not answered */
export async function attempt(write: Promise<{ Attributes?: Item | undefined }>): Promise<Written> {
  try {
    return { refused: false, item: (await write).Attributes };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw asDatabaseError(error);
    return { refused: true, item: error.Item && unmarshall(error.Item) };
  }
}

/**
 * A transaction of conditional writes: all of them or none.
 *
 * @throws AppError `DATABASE_AWAY` when it was not answered, or was throttled
 */
export async function attemptAll(transaction: Promise<unknown>): Promise<TransactionEnd> {
  try {
    await transaction;
    return 'done';
  } catch (error) {
    if (error instanceof TransactionInProgressException) return 'conflict';
    if (error instanceof TransactionConflictException) return 'conflict';
    if (!(error instanceof TransactionCanceledException)) throw asDatabaseError(error);
    const reasons = error.CancellationReasons ?? [];
    if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) {
      return { refusedBy: reasons.map(({ Item: item }) => item && unmarshall(item)) };
    }
    if (reasons.some(({ Code }) => Code === 'TransactionConflict')) return 'conflict';
    if (!reasons.some(({ Code = '' }) => RETRIABLE_REASONS.has(Code))) throw error;
    throw new AppError('DATABASE_AWAY', 'DynamoDB is throttled.', {}, error);
  }
}

/** A read. @throws AppError `DATABASE_AWAY` when it was not answered */
export async function orAway<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asDatabaseError(error);
  }
}
