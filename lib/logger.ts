import { Logger } from '@aws-lambda-powertools/logger';
import { AppError } from './errors.ts';

/**
 * Writes one structured line per fact. Keys that a request adds (request, order and trace id) are
 * removed when it ends. Never log bodies, contacts or addresses.
 */
export const logger = new Logger({ serviceName: 'orders' });

/** Logs a planned failure in one line with its cause, and a bug with its stack. */
export function logFailure(log: Pick<Logger, 'error'>, message: string, thrown: unknown): void {
  if (thrown instanceof AppError && thrown.code !== 'INTERNAL') {
    const { code, message: reason, cause } = thrown;
    const why = cause instanceof Error ? { cause: `${cause.name}: ${cause.message}` } : {};
    log.error(message, { code, reason, ...why });
  } else {
    log.error(message, thrown instanceof Error ? thrown : new Error(String(thrown)));
  }
}
