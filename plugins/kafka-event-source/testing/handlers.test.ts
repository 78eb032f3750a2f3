import { expect, test } from '@jest/globals';
import type { FunctionOptions, Handler, MappingProperties } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const sourceOf = (given: Handler | FunctionOptions, mapping: Partial<MappingProperties> = {}) =>
  kafkaEventSource({
    functions: { notify: given },
    mappings: {
      notify: { topic: 'orders', provisionedPollerConfig: { minimumPollers: 1 }, ...mapping },
    },
    start: 0,
    patienceMs: 300,
  });

interface Context {
  getRemainingTimeInMillis(): number;
  readonly awsRequestId: string;
  readonly functionName: string;
  succeed?(answer: unknown): void;
}

/** The one invocation of a handler with a record. */
async function invoked(given: Handler | FunctionOptions, mapping: Partial<MappingProperties> = {}) {
  const source = await sourceOf(given, { maximumRetryAttempts: 0, ...mapping });
  await source.produce('orders', { value: 'x', partition: 0 });
  await source.idle();
  await source.stop();
  return source.invocations('notify')[0];
}

test('a handler answers by its promise, its callback or its context', async () => {
  const answer = { a: 1 };
  const handlers: Handler[] = [
    async () => answer,
    (_event: never, _context: never, callback: (error: null, answer: object) => void) =>
      callback(null, answer),
    (_event: never, context: Context, _callback: never) => context.succeed?.(answer),
  ] as Handler[];
  for (const handler of handlers)
    expect(await invoked(handler)).toMatchObject({ outcome: 'ok', answer });
});

test('the value that a handler without a promise returns is ignored, as up to Node 22', async () => {
  expect(await invoked(() => ({ a: 1 }))).toMatchObject({ outcome: 'ok', answer: null });
});

test('a handler with a callback fails on Node 24', async () => {
  const handler = (_event: never, _context: never, callback: () => void) => callback();
  const found = await invoked({ handler: handler as Handler, runtime: 'nodejs24.x' });
  expect(found).toMatchObject({
    outcome: 'functionError',
    error: expect.stringContaining('Runtime.CallbackHandlerDeprecated'),
  });
});

test('an answer that is no JSON is an error in the words of AWS', async () => {
  const found = await invoked(async () => ({ big: 1n }));
  expect(found?.error).toBe('Unhandled: Unable to stringify response body');
});

test('the records in batchItemFailures are delivered again, the others are done', async () => {
  const handler = async ({ records }: { records: Record<string, { offset: number }[]> }) => ({
    batchItemFailures: Object.entries(records).flatMap(([partition, list]) =>
      list
        .filter(({ offset }) => offset === 1)
        .map(({ offset }) => ({ itemIdentifier: { partition, offset } })),
    ),
  });
  await using source = await sourceOf(handler as Handler, {
    functionResponseType: 'ReportBatchItemFailures',
    maximumRetryAttempts: 1,
    onFailureDestination: 'kafka://dead',
  });
  await source.produce(
    'orders',
    [0, 1, 2].map((value) => ({ value: `${value}`, partition: 0 })),
  );
  await source.drain();
  const offsets = source.invocations('notify').map(({ records }) => records.map((r) => r.offset));
  expect(offsets).toEqual([[0, 1, 2], [1]]);
  expect(source.invocations('notify')[0]?.failed).toEqual([
    { topic: 'orders', partition: 0, offset: 1 },
  ]);
  expect(await source.letters('dead')).toHaveLength(1);
  expect(source.committed('notify')).toEqual({ 'orders-0': 3 });
});

test('the remaining time is that of the clock, and a handler that hangs times out', async () => {
  const remaining: number[] = [];
  let context: Context | undefined;
  const hangs = (_event: never, given: Context) => {
    context = given;
    return new Promise(() => undefined);
  };
  await using source = await sourceOf({ handler: hangs as Handler, timeout: 3 });
  await source.produce('orders', { value: 'x', partition: 0 });
  await source.clock.advance('500 ms', { whileRunning: true });
  await new Promise(setImmediate);
  for (const duration of ['1 s', '1999 ms'])
    remaining.push(
      await source.clock
        .advance(duration, { whileRunning: true })
        .then(() => context?.getRemainingTimeInMillis() ?? -1),
    );
  expect(remaining).toEqual([2_000, 1]);
  expect(source.invocations('notify')[0]?.outcome).toBe('running');
  await source.clock.advance('1 ms', { whileRunning: true });
  expect(source.invocations('notify')[0]).toMatchObject({
    outcome: 'functionError',
    error: expect.stringMatching(/Task timed out after 3.00 seconds$/),
    startedAt: 500,
    endedAt: 3_500,
  });
});

test('idle tells of a handler that does not end', async () => {
  await using source = await sourceOf(() => new Promise(() => undefined));
  await source.produce('orders', { value: 'x', partition: 0 });
  await expect(source.idle()).rejects.toThrow(
    'Still running after 300 ms: notify, attempt 1, with orders-0 0.',
  );
});

test('idle tells of a handler that makes work for itself', async () => {
  const handler = async () => void (await source.produce('orders', { value: 'again' }));
  await using source = await sourceOf(handler);
  await source.produce('orders', { value: 'x' });
  await expect(source.idle()).rejects.toThrow('There is always more to do');
});

test('an instance keeps its state between calls; a crash and a restart make a new one', async () => {
  let made = 0;
  const load = () => {
    made += 1;
    return async () => undefined;
  };
  await using source = await sourceOf({ load });
  const deliver = async () => {
    await source.produce('orders', { value: 'x', partition: 0 });
    await source.drain();
  };
  await deliver();
  await deliver();
  expect(made).toBe(1);
  source.crash('notify');
  await deliver();
  expect(made).toBe(2);
  await source.restart();
  await deliver();
  expect(made).toBe(3);
});

test('an instance whose handler cannot be loaded is gone: the next attempt loads it anew', async () => {
  let loads = 0;
  const load = () => {
    loads += 1;
    if (loads === 1) throw new Error('no database');
    return async () => loads;
  };
  await using source = await sourceOf({ load });
  await source.produce('orders', { value: 'x', partition: 0 });
  await source.drain('1 minute');
  expect(source.invocations('notify').map(({ error, answer }) => error ?? answer)).toEqual([
    'Unhandled: no database',
    2,
  ]);
});

test('an invocation fails in the words of AWS if its error cannot be read', async () => {
  const evil = new Error('x');
  Object.defineProperty(evil, 'message', {
    get: () => {
      throw new Error('no message');
    },
  });
  for (const thrown of [Object.create(null), evil, { toString: 5 }]) {
    expect(await invoked(() => Promise.reject(thrown))).toMatchObject({
      outcome: 'functionError',
      error:
        'Unhandled: callback called with Error argument, but there was a problem while retrieving ' +
        'one or more of its message, name, and stack',
    });
  }
});

test('a load that returns no function fails the invocation, and the error says so', async () => {
  const load = (async () => 'handler') as unknown as FunctionOptions['load'];
  expect(await invoked({ load } as FunctionOptions)).toMatchObject({
    outcome: 'functionError',
    error: 'Unhandled: load of notify must return a function, the handler, but returned: string.',
  });
});

test('an answer of more than 6 MB is an error of the function', async () => {
  expect(await invoked(async () => 'x'.repeat(7 * 1024 * 1024))).toMatchObject({
    outcome: 'functionError',
    error: expect.stringContaining('6291556'),
  });
});
