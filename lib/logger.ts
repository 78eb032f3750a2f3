import { Logger } from '@aws-lambda-powertools/logger';
import { AppError } from './errors.ts';

/**
 * Writes one structured line per fact. Keys that a request adds (request, order and trace id) are
 * removed when it ends. Never log bodies, contacts or addresses.
 */
export const logger = new Logger({ serviceName: 'orders' });

/** The methods of a logger that write a line of their level. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

/** The keys of log lines, with their values. */
export type LogKeys = Record<string, string | number>;

/**
 * Writes lines with these keys by the shared logger. Powertools' `createChild` would make another
 * logger, which is too slow for each of thousands of records.
 *
 * @param keys are read at each line, so that the caller may add keys later
 */
export function logWith(keys: LogKeys): Log {
  const line = (message: Parameters<Logger['info']>[0]) => ({
    ...keys,
    ...(typeof message === 'string' ? { message } : message),
  });
  return {
    info: (message, ...extra) => logger.info(line(message), ...extra),
    warn: (message, ...extra) => logger.warn(line(message), ...extra),
    error: (message, ...extra) => logger.error(line(message), ...extra),
  };
}

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
