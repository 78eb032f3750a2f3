import { setImmediate as turn } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { logFailure, logger, logWith } from './logger.ts';
import { writeMetrics } from './metrics.ts';
import type { RunOn } from './run-on.ts';
import { traceIdOf } from './trace.ts';
import { type Trigger, traceInvocation } from './tracer.ts';

/** Adds work that the answer does not need. It handles its own errors, and runs in the order added. */
export type AfterAnswer = (work: () => Promise<void>) => void;

/** The end of the invocation before, where functions run on after their answers. */
let before: Promise<void> = Promise.resolve();

/**
 * Runs one invocation of any trigger. With `runOn` its answer comes before its end: the work for after
 * the answer, the metrics and the spans. Without it the answer waits for them.
 *
 * @param runOn for an instance with one invocation at a time
 */
export async function invocation<T>(
  context: Context,
  trigger: Trigger,
  work: (traceparent: string, afterAnswer: AfterAnswer) => Promise<T>,
  runOn?: RunOn,
): Promise<T> {
  const answered = Promise.withResolvers<T>();
  let isAnswered = false;
  const whole = async () => {
    const later: (() => Promise<void>)[] = [];
    return bracket(context, trigger, async (traceparent) => {
      const answer = await work(traceparent, (one) => later.push(one));
      if (runOn) {
        answered.resolve(answer);
        isAnswered = true;
        await answerIsSent();
      }
      for (const one of later) await one();
      return answer;
    });
  };
  if (!runOn) return whole();
  // Lambda waits for that end itself; serverless-offline does not.
  const end = before.then(whole).then(
    () => undefined,
    (error: unknown) => {
      if (!isAnswered) return answered.reject(error);
      const log = logWith({ requestId: context.awsRequestId });
      logFailure(log, 'the invocation failed after its answer', error);
    },
  );
  before = end;
  runOn(end);
  return answered.promise;
}

/** Lambda's runtime client sends an answer one turn of the event loop after the handler's return. */
async function answerIsSent(): Promise<void> {
  await turn();
  await turn();
}

/**
 * Every log line of an invocation has the request's id; those of an HTTP request have the id of its
 * trace, too. When it ends, its metrics are written and then its spans are sent, since the collector
 * may hang. Its log keys are removed, so that later invocations do not log them.
 */
async function bracket<T>(
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
