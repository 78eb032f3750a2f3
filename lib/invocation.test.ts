import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { httpEvent, lambdaContext } from '../test/support/http.ts';
import { capture } from '../test/support/printed.ts';

// Read when lib/metrics.ts is loaded, so before the wrappers are.
process.env.POWERTOOLS_METRICS_DISABLED = 'false';
process.env.POWERTOOLS_METRICS_NAMESPACE = 'orders-test';
const { httpHandler } = await import('./http/handler.ts');
const { kafkaHandler } = await import('./kafka/handler.ts');
const { logger } = await import('./logger.ts');
const { measure } = await import('./metrics.ts');
const { taskHandler } = await import('./task.ts');
const { AppError } = await import('./errors.ts');

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

let printed: ReturnType<typeof capture>;
beforeEach(() => {
  printed = capture();
  logger.setLogLevel('INFO');
});
afterEach(() => {
  jest.restoreAllMocks();
});

const anything = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: {} }) } };

/** Each wrapper around the same work, and an event for it. */
const wrappers = {
  HTTP: (work: () => Promise<void>) => {
    const operation = { rule: 'open', input: {} } as const;
    const handler = httpHandler({ operation }, async () => {
      await work();
      return { statusCode: 204 };
    });
    const event = httpEvent({ headers: { TraceParent: TRACEPARENT } });
    return (context: Context) => handler(event, context);
  },
  Kafka: (work: () => Promise<void>) => {
    const handler = kafkaHandler(work, {
      schema: anything as never,
      identify: () => ({ orderId: 'o1', eventId: 'e1' }),
      deadLetters: { add: async () => undefined },
      failures: {
        count: async () => ({ next: 'again', attempts: 1, since: new Date(0) }),
        forget: async () => undefined,
      },
      reportsItemFailures: true,
      recordTimeMs: 1_000,
      concurrency: 1,
    });
    const record = { topic: 't', partition: 0, offset: 0, timestamp: 0, value: 'e30=' };
    const headers = [{ traceparent: [...Buffer.from(TRACEPARENT)] }];
    return (context: Context) => handler({ records: { 't-0': [{ ...record, headers }] } }, context);
  },
  'a schedule': (work: () => Promise<void>) => {
    const handler = taskHandler(work);
    return (context: Context) => handler({}, context);
  },
};

const endings = {
  'goes well': async () => undefined,
  'is refused': async () => {
    throw new AppError('DATABASE_AWAY', 'DynamoDB did not answer in time.');
  },
  'meets a bug': async () => {
    throw new TypeError('a bug');
  },
};

const cases = Object.entries(wrappers).flatMap(([name, wrap]) =>
  Object.entries(endings).map(([ending, end]) => [name, ending, wrap, end] as const),
);

test.each(cases)(
  'an invocation by %s that %s has its id on each line, and leaves its metrics and no key',
  async (name, _, wrap, end) => {
    const context = lambdaContext();
    const handler = wrap(async () => {
      logger.appendKeys({ orderId: 'o1' });
      logger.info('inside');
      measure('OrdersCreated');
      await end();
    });
    await Promise.resolve(handler(context)).catch(() => undefined);
    const [metrics, ...others] = printed.lines().filter((line) => '_aws' in line);
    expect([metrics?.OrdersCreated, others]).toEqual([1, []]);
    const told = printed.lines().filter((line) => 'message' in line);
    expect(told.length).toBeGreaterThan(0);
    for (const line of told) expect(line.requestId).toBe(context.awsRequestId);
    // A batch has records of many traces, and a scheduled function begins none.
    if (name === 'HTTP') for (const line of told) expect(line.traceId).toBe(TRACE);

    printed.clear();
    logger.info('after');
    const [after = {}] = printed.lines();
    expect(after.message).toBe('after');
    for (const key of ['requestId', 'traceId', 'orderId']) expect(after).not.toHaveProperty(key);
  },
);
