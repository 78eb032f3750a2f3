import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { httpEvent, lambdaContext } from '../test/support/http.ts';
import { capture } from '../test/support/printed.ts';

// Read when lib/metrics.ts is loaded, so before the wrappers are.
process.env.POWERTOOLS_METRICS_DISABLED = 'false';
process.env.POWERTOOLS_METRICS_NAMESPACE = 'orders-test';
const { httpHandler } = await import('./http/handler.ts');
const { kafkaHandler } = await import('./kafka/handler.ts');
const { invocation } = await import('./invocation.ts');
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

test('with runOn the answer comes before the work for after it, whose lines and metrics belong to its invocation', async () => {
  const marks = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const ends: Promise<void>[] = [];
  const order: string[] = [];
  const ask = (number: 0 | 1) =>
    invocation(
      { ...lambdaContext(), awsRequestId: `request-${number}` },
      { by: 'request' },
      async (_, afterAnswer) => {
        order.push(`begin ${number}`);
        logger.appendKeys({ orderId: `order-${number}` });
        afterAnswer(async () => {
          await marks[number].promise;
          logger.info('marked');
          measure('EventsPublished', number + 1);
          order.push(`mark ${number}`);
        });
        return number;
      },
      (until) => ends.push(until),
    );
  expect(await ask(0)).toBe(0);
  const next = ask(1);
  marks[1].resolve();
  marks[0].resolve();
  expect(await next).toBe(1);
  await Promise.all(ends);
  expect(order).toEqual(['begin 0', 'mark 0', 'begin 1', 'mark 1']);
  const lines = printed
    .lines()
    .map((line) =>
      '_aws' in line ? line.EventsPublished : [line.message, line.requestId, line.orderId],
    );
  expect(lines).toEqual([
    ['marked', 'request-0', 'order-0'],
    1,
    ['marked', 'request-1', 'order-1'],
    2,
  ]);
  printed.clear();
  logger.info('after');
  expect(printed.lines()[0]).not.toHaveProperty('orderId');
});

test.each([true, false])('an error of the work is the answer, with runOn: %s', async (runsOn) => {
  const failing = invocation(
    lambdaContext(),
    { by: 'schedule' },
    async () => {
      throw new TypeError('a bug');
    },
    runsOn ? () => undefined : undefined,
  );
  await expect(failing).rejects.toThrow('a bug');
  const answer = invocation(lambdaContext(), { by: 'schedule' }, async () => 'as always');
  expect(await answer).toBe('as always');
});

test('an error of the work for after the answer changes no answer, and is logged with its stack', async () => {
  const ends: Promise<void>[] = [];
  const context = lambdaContext();
  const answer = await invocation(
    context,
    { by: 'request' },
    async (_, afterAnswer) => {
      afterAnswer(() => Promise.reject(new TypeError('a bug')));
      return 'the answer';
    },
    (until) => ends.push(until),
  );
  await Promise.all(ends);
  expect(answer).toBe('the answer');
  const [line] = printed.lines();
  expect(line).toMatchObject({
    level: 'ERROR',
    message: 'the invocation failed after its answer',
    requestId: context.awsRequestId,
    error: { message: 'a bug', stack: expect.any(String) },
  });
});

test('without runOn the answer waits for the work for after it', async () => {
  const mark = Promise.withResolvers<void>();
  let isMarked = false;
  const answer = invocation(lambdaContext(), { by: 'request' }, async (_, afterAnswer) => {
    afterAnswer(async () => {
      await mark.promise;
      isMarked = true;
    });
    return () => isMarked;
  });
  mark.resolve();
  expect((await answer)()).toBe(true);
});
