import { type LogEntry, logLevel } from 'kafkajs';
import { logger } from '../logger.ts';

/** Writes the log lines of kafkajs into our log, at a lower level: kafkajs retries by itself. */
export const kafkaLog = {
  creator:
    () =>
    ({ level, log: { message, error, broker } }: LogEntry): void => {
      const facts = { kafka: message, broker, reason: error };
      if (level <= logLevel.WARN) logger.info('kafka client', facts);
      else logger.debug('kafka client', facts);
    },
  /** Logs a failure that its caller has reported already, or does not wait for any more. */
  ignored: (error: unknown): void => {
    logger.debug('kafka request failed after its time limit', { reason: String(error) });
  },
};
