// Makes the DynamoDB client, and recognises the errors that mean that DynamoDB is away.

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Config } from './config.ts';
import { AppError } from './errors.ts';
import { startTracer, traceClient } from './tracer.ts';

/** The time limit of one try of a request, and the number of tries: 1.8 s with their pauses. */
const REQUEST_TIMEOUT_MS = 500;
const CONNECTION_TIMEOUT_MS = 300;
const MAX_ATTEMPTS = 3;

/** Given only by tools outside a function, whose environment may lack them. */
export type Credentials = { accessKeyId: string; secretAccessKey: string };

/** Answers of the service itself that another try may change. */
const RETRIABLE = new Set([
  'InternalServerError',
  'ItemCollectionSizeLimitExceededException',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'ThrottlingException',
  'TransactionConflictException',
  'TimeoutError',
  'AbortError',
]);

/** A document client whose requests end in bounded time; fields that are undefined are left out. */
export function createDynamo(
  {
    region,
    dynamoEndpoint,
    traces,
  }: Pick<Config, 'region' | 'dynamoEndpoint'> & Partial<Pick<Config, 'traces'>>,
  credentials?: Credentials,
) {
  // Every function that is worth a trace uses the table.
  if (traces) startTracer(traces);
  const client = new DynamoDBClient({
    region,
    endpoint: dynamoEndpoint,
    ...(credentials && { credentials }),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: REQUEST_TIMEOUT_MS, // requestTimeout covers only the head of an answer
      connectionTimeout: CONNECTION_TIMEOUT_MS,
    },
  });
  return DynamoDBDocumentClient.from(traceClient(client), {
    marshallOptions: { removeUndefinedValues: true },
  });
}

/**
 * Turns "DynamoDB is away, throttles or hangs", or has no table yet, into `DATABASE_AWAY`; other errors
 * stay as they are.
 */
export function asDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AppError) return error;
  // The table may be made anew at this moment, as after a restart of LocalStack.
  if (error.name === 'ResourceNotFoundException') {
    return new AppError('DATABASE_AWAY', 'DynamoDB does not have the table.', {}, error);
  }
  const status = '$metadata' in error ? statusIn(error.$metadata) : undefined;
  const retriable = status === undefined ? isFromNetwork(error) : isRetriable(error, status);
  if (!retriable) return error;
  return new AppError('DATABASE_AWAY', 'DynamoDB did not answer in time.', {}, error);
}

function statusIn(metadata: unknown): number | undefined {
  const holds = typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata;
  return holds && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/**
 * If the service is away, something else may answer with a page, a redirection or an empty body, so the
 * status decides. The service's own refusals are 4xx.
 */
function isRetriable(error: Error, status: number): boolean {
  return RETRIABLE.has(error.name) || status < 400 || status >= 500 || status === 429;
}

function isFromNetwork(error: Error): boolean {
  return RETRIABLE.has(error.name) || ('code' in error && typeof error.code === 'string');
}
