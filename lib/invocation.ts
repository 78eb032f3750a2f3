import type { Context } from 'aws-lambda';
import { logger } from './logger.ts';
import { writeMetrics } from './metrics.ts';
import { traceIdOf } from './trace.ts';
import { type Trigger, traceInvocation } from './tracer.ts';

/**
 * Runs one invocation of any trigger. Every log line in it has the request's id; those of an HTTP
 * request have the id of its trace, too. When it ends, its metrics are written and then its spans are
 * sent, since the collector may hang. Its log keys are removed, so that later invocations do not log
 * them.
 */
export async function invocation<T>(
  context: Context,
  trigger: Trigger,
  work: (traceparent: string) => Promise<T>,
): Promise<T> {
  logger.appendKeys({ requestId: context.awsRequestId });
  try {
    return await traceInvocation(context, trigger, async (traceparent) => {
      // A batch has records of many traces, each with its id.
      if (trigger.by === 'request') logger.appendKeys({ traceId: traceIdOf(traceparent) });
      try {
        return await work(traceparent);
      } finally {
        writeMetrics();
      }
    });
  } finally {
    logger.resetKeys();
  }
}
