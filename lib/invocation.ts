import type { Context } from 'aws-lambda';
import { logger } from './logger.ts';
import { writeMetrics } from './metrics.ts';
import { traceIdOf } from './trace.ts';
import { traceInvocation } from './tracer.ts';

/**
 * Runs one invocation, whatever triggered it. Every log line in it has the request's id, and the trace's
 * id where a `traceparent` came in. When it ends, its metrics are written and its log keys are taken
 * off, so that nothing of it is on the lines of the next one.
 */
export async function invocation<T>(
  context: Context,
  traceparent: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const traceId = traceIdOf(traceparent);
  logger.appendKeys({ requestId: context.awsRequestId, ...(traceId && { traceId }) });
  try {
    return await traceInvocation(context, { traceId }, work);
  } finally {
    logger.resetKeys();
    writeMetrics();
  }
}
