import type { Context } from 'aws-lambda';
import { type AppError, asAppError } from './errors.ts';
import { logger } from './logger.ts';

/**
 * The house wrapper around a function that runs by schedule. A failure fails the invocation, with an
 * error that names what to do and no stack: that one is in the log.
 */
export function taskHandler<T>(run: (context: Context) => Promise<T>) {
  return async (_event: unknown, context: Context): Promise<T> => {
    logger.appendKeys({ requestId: context.awsRequestId });
    try {
      return await run(context);
    } catch (caught) {
      const error = asAppError(caught);
      logFailure(error, caught);
      throw withoutStack(error);
    } finally {
      logger.resetKeys();
    }
  };
}

/** A planned failure in one line with its cause; a bug with its stack. */
export function logFailure(error: AppError, thrown: unknown): void {
  if (error.code === 'INTERNAL') {
    logger.error('failed', thrown instanceof Error ? thrown : new Error(String(thrown)));
    return;
  }
  const { code, message, cause } = error;
  const why = cause instanceof Error ? { cause: `${cause.name}: ${cause.message}` } : {};
  logger.error('failed', { code, reason: message, ...why });
}

/** An error whose stack is one line: local tools print it to people who can do nothing with more. */
export function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}
