import type { Context } from 'aws-lambda';
import { asAppError } from './errors.ts';
import { logFailure, logger } from './logger.ts';
import { writeMetrics } from './metrics.ts';
import { traceInvocation } from './tracer.ts';

/**
 * The house wrapper around a function that runs by schedule. A failure fails the invocation, with an
 * error that names what to do and no stack: that one is in the log.
 */
export function taskHandler<T>(run: (context: Context) => Promise<T>) {
  return async (_event: unknown, context: Context): Promise<T> => {
    logger.appendKeys({ requestId: context.awsRequestId });
    try {
      return await traceInvocation(context, {}, () => run(context));
    } catch (caught) {
      const error = asAppError(caught);
      logFailure(logger, 'failed', caught);
      throw withoutStack(error);
    } finally {
      logger.resetKeys();
      writeMetrics();
    }
  };
}

/** An error whose stack is one line: local tools print it to people who can do nothing with more. */
export function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}
