import type middy from '@middy/core';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { asAppError } from '../errors.ts';
import { logFailure, logger } from '../logger.ts';
import { measure } from '../metrics.ts';
import { traceFailure } from '../tracer.ts';
import { problem, render } from './answer.ts';
import type { HttpEvent } from './request.ts';

/** Refusals because of stored data, not because of the request itself. */
const CONFLICTS = new Set([409, 412]);

type Request = middy.Request<HttpEvent, APIGatewayProxyStructuredResultV2>;

/** Turns an error into the answer for the caller, and into a log line. */
export function problems(): middy.MiddlewareObj<HttpEvent, APIGatewayProxyStructuredResultV2> {
  const problemsOnError = (request: Request) => {
    const error = asAppError(request.error);
    const answer = problem(error, request.context.awsRequestId);
    if (CONFLICTS.has(answer.statusCode)) measure('Conflicts');
    // Anybody can send such tokens. The alarm ApiFailures subtracts their answers from all 5xx.
    const isUnknownKey = error.code === 'KEY_UNKNOWN';
    if (isUnknownKey) measure('UnknownKeys');
    const isFailure = answer.statusCode >= 500 && !isUnknownKey;
    if (isFailure) logFailure(logger, 'failed', request.error);
    else logger.info('refused', { code: error.code });
    traceFailure(error);
    request.response = render(answer);
  };
  return { onError: problemsOnError };
}
