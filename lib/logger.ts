import { Logger } from '@aws-lambda-powertools/logger';
import { AppError } from './errors.ts';

/**
 * One structured log line a fact. Keys that a request adds (request, order and trace id) are taken
 * off again when it ends. Bodies, contacts and addresses are never given to it.
 */
export const logger = new Logger({ serviceName: 'orders' });

/** A planned failure in one line with its cause: an absent service needs no stack. A bug has its stack. */
export function logFailure(log: Pick<Logger, 'error'>, message: string, thrown: unknown): void {
  if (thrown instanceof AppError && thrown.code !== 'INTERNAL') {
    const { code, message: reason, cause } = thrown;
    const why = cause instanceof Error ? { cause: `${cause.name}: ${cause.message}` } : {};
    log.error(message, { code, reason, ...why });
  } else {
    log.error(message, thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}
