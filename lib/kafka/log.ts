import { type LogEntry, logLevel } from 'kafkajs';
import { logger } from '../logger.ts';

/** Brings what kafkajs has to say into the house's log, at a level that fits: it retries itself. */
export const kafkaLog = {
  creator:
    () =>
    ({ level, log: { message, error, broker } }: LogEntry): void => {
      const facts = { kafka: message, broker, reason: error };
      if (level <= logLevel.WARN) logger.info('kafka client', facts);
      else logger.debug('kafka client', facts);
    },
  /** For a failure that its caller has reported already, or does not wait for any more. */
  ignored: (error: unknown): void => {
    logger.debug('late failure of a kafka request', { reason: String(error) });
  },
};
