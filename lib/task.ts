import type { Context } from 'aws-lambda';
import { asAppError, inOneLine } from './errors.ts';
import { invocation } from './invocation.ts';
import { logFailure, logger } from './logger.ts';

/**
 * The house wrapper around a function that runs by schedule. A failure fails the invocation. Its error
 * has the advice but no stack, which is in the log.
 */
export function taskHandler<T>(run: (context: Context) => Promise<T>) {
  return (_event: unknown, context: Context): Promise<T> =>
    invocation(context, { by: 'schedule' }, async () => {
      try {
        return await run(context);
      } catch (error) {
        logFailure(logger, 'failed', error);
        throw inOneLine(asAppError(error));
      }
    });
}
