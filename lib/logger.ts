import { Logger } from '@aws-lambda-powertools/logger';

/**
 * One structured log line a fact. Keys that a request adds (request, order and trace id) are taken
 * off again when it ends. Bodies, contacts and addresses are never given to it.
 */
export const logger = new Logger({ serviceName: 'orders' });
