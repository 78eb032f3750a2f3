import { expect, test } from '@jest/globals';
import type { Expected, Faulty, KitOptions, MappingProperties } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

/** A shop that counts mails; a fault in it sends a mail twice. */
function shop({ isIdempotent }: { readonly isIdempotent: boolean }) {
  const mails: string[] = [];
  const notify = async (event: { records: Record<string, { key: string }[]> }) => {
    for (const { key } of Object.values(event.records).flat()) {
      const id = Buffer.from(key, 'base64').toString();
      if (!isIdempotent || !mails.includes(id)) mails.push(id);
    }
  };
  return { mails, notify };
}

const sourceOf = (
  handler: (event: never) => unknown,
  mapping: Partial<MappingProperties> = {},
  options: Partial<KitOptions> = {},
) =>
  kafkaEventSource({
    functions: { notify: handler },
    mappings: {
      notify: { topic: 'orders', provisionedPollerConfig: { minimumPollers: 1 }, ...mapping },
    },
    start: 0,
    ...options,
  });

const outcomes = (source: Awaited<ReturnType<typeof sourceOf>>) =>
  source.invocations('notify').map(({ outcome, attempt }) => `${outcome} ${attempt}`);

test('the next invocations fail, time out or are throttled; the handler is not called', async () => {
  const { mails, notify } = shop({ isIdempotent: false });
  await using source = await sourceOf(notify);
  source.fail('notify', { times: 2, message: 'no database' });
  source.timeout('notify');
  source.throttle('notify');
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  expect(outcomes(source)).toEqual([
    'functionError 1',
    'functionError 2',
    'functionError 3',
    'throttled 4',
    'ok 4',
  ]);
  expect(source.invocations('notify')[0]?.error).toBe('Unhandled: no database');
  expect(mails).toEqual(['order-1']);
});

test('the invocations with one record fail, and a bisect sets that record apart', async () => {
  const { mails, notify } = shop({ isIdempotent: true });
  await using source = await sourceOf(notify, {
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: 1,
    onFailureDestination: 'kafka://dead',
  });
  source.fail('notify', { record: { key: 'order-2' } });
  const keys = ['order-0', 'order-1', 'order-2', 'order-3'];
  await source.produce(
    'orders',
    keys.map((key) => ({ key, value: 'x', partition: 0 })),
  );
  await source.drain();
  expect(mails).toEqual(['order-0', 'order-1', 'order-3']);
  expect(await source.letters('dead')).toMatchObject([{ key: 'order-2' }]);
  expect(source.committed('notify')).toEqual({ 'orders-0': 4 });
});

test('a crash while the handler works ends the invocation, and the work that goes on changes nothing about it', async () => {
  const [sent, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  await using source = await sourceOf(async () => {
    calls += 1;
    if (calls > 1) return;
    sent.resolve();
    await over.promise;
  });
  source.crash('notify', { during: sent.promise });
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  over.resolve();
  await source.idle();
  expect(outcomes(source)).toEqual(['functionError 1', 'ok 2']);
  expect(source.invocations('notify')[0]?.error).toContain('Runtime exited');
});

test('a fault planned for the midst of the work comes at its end if that is earlier', async () => {
  const { mails, notify } = shop({ isIdempotent: false });
  await using source = await sourceOf(notify);
  source.timeout('notify', { during: new Promise(() => undefined) });
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  expect(outcomes(source)).toEqual(['functionError 1', 'ok 2']);
  expect(source.invocations('notify')[0]?.error).toContain('Task timed out');
  expect(mails).toEqual(['order-1', 'order-1']);
});

test('a crash after the work delivers the records again', async () => {
  const { mails, notify } = shop({ isIdempotent: false });
  await using source = await sourceOf(notify);
  source.crash('notify');
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  expect(mails).toEqual(['order-1', 'order-1']);
});

test('a rebalance during an invocation delivers its records again', async () => {
  const waiting: (() => void)[] = [];
  await using source = await sourceOf(() => new Promise<void>((resolve) => waiting.push(resolve)));
  await source.produce('orders', { value: 'x', partition: 0 });
  await source.clock.advance('1 s', { whileRunning: true });
  await new Promise(setImmediate);
  expect(waiting).toHaveLength(1);
  await source.rebalance();
  waiting[0]?.();
  await source.clock.advance('1 s', { whileRunning: true });
  await new Promise(setImmediate);
  expect(source.committed('notify')).toEqual({});
  expect(waiting).toHaveLength(2);
  waiting[1]?.();
  await source.idle();
  expect(source.committed('notify')).toEqual({ 'orders-0': 1 });
});

test('a restart goes on at the committed offsets', async () => {
  const { mails, notify } = shop({ isIdempotent: false });
  await using source = await sourceOf(notify);
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.idle();
  await source.restart();
  await source.produce('orders', { key: 'order-2', value: 'x' });
  await source.idle();
  expect(mails).toEqual(['order-1', 'order-2']);
});

test('a delivery of everything once more finds what is not idempotent', async () => {
  const counts = await Promise.all(
    [true, false].map(async (isIdempotent) => {
      const { mails, notify } = shop({ isIdempotent });
      await using source = await sourceOf(notify);
      await source.produce('orders', [
        { key: 'order-1', value: 'x' },
        { key: 'order-2', value: 'x' },
      ]);
      await source.idle();
      await source.redeliverEverything();
      return mails.length;
    }),
  );
  expect(counts).toEqual([2, 4]);
});

test('a seed repeats a random run, in which all records are delivered', async () => {
  const run = async (seed: number) => {
    const { mails, notify } = shop({ isIdempotent: false });
    await using source = await sourceOf(notify, { batchSize: 3 }, { seed });
    const keys = Array.from({ length: 40 }, (_, index) => `order-${index}`);
    await source.produce(
      'orders',
      keys.map((key) => ({ key, value: 'x' })),
    );
    await source.drain();
    expect(new Set(mails)).toEqual(new Set(keys));
    const attempts = source.invocations('notify').map(({ outcome, startedAt, records }) => ({
      outcome,
      startedAt,
      offsets: records.map(({ partition, offset }) => `${partition}:${offset}`),
    }));
    return { mails, attempts };
  };
  const first = await run(7);
  expect(await run(7)).toEqual(first);
  expect((await run(8)).attempts).not.toEqual(first.attempts);
  expect(first.mails.length).toBeGreaterThan(40);
});

test('the reserved concurrency holds invocations of other partitions back', async () => {
  let [running, most] = [0, 0];
  const handler = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
  };
  await using source = await kafkaEventSource({
    functions: { notify: { handler, reservedConcurrency: 1 } },
    mappings: { notify: { topic: 'orders', batchSize: 1 } },
  });
  await source.produce(
    'orders',
    [0, 1, 2].map((partition) => ({ value: 'x', partition })),
  );
  await source.drain();
  expect(source.invocations('notify').filter(({ outcome }) => outcome === 'ok')).toHaveLength(3);
  expect(most).toBe(1);
});

test('a restart gives up a handler that hangs', async () => {
  let calls = 0;
  const handler = () => {
    calls += 1;
    return calls === 1 ? new Promise(() => undefined) : Promise.resolve();
  };
  await using source = await sourceOf(handler);
  await source.produce('orders', { value: 'x', partition: 0 });
  await source.clock.advance('1 s', { whileRunning: true });
  await new Promise(setImmediate);
  expect(calls).toBe(1);
  await source.restart();
  await source.idle();
  expect(outcomes(source)).toEqual(['running 1', 'ok 1']);
});

test.each<[string, unknown, string]>([
  ['a misspelt field', { ky: 'order-1' }, '"ky" is not known here. There are: topic, partition,'],
  ['a text', 'order-1', 'must be a function, or an object'],
  ['null', null, 'must be a function, or an object'],
  ['a key of bytes', { key: Buffer.from('order-1') }, 'key: must be a text or null'],
  ['a value before JSON', { value: { id: 1 } }, 'value: must be a text or null'],
  [
    'a field that is undefined',
    { key: undefined },
    'The record.key is undefined, which no record has.',
  ],
])('a pattern that no record can match is an error: %s', async (_, record, said) => {
  await using source = await sourceOf(async () => undefined);
  await source.produce('orders', { key: 'order-1', value: { id: 1 } });
  await source.drain();
  expect(() => source.fail('notify', { record } as Faulty)).toThrow(said);
  expect(() => source.expectRecord(record as Faulty['record'] & {}, { end: 'done' })).toThrow(said);
});

test('a pattern finds a record by the texts of its headers', async () => {
  await using source = await sourceOf(async () => undefined);
  await source.produce('orders', { value: 'x', headers: { trace: 'a' } });
  await source.drain();
  source.expectRecord({ headers: [['trace', 'a']] }, { end: 'done' });
});

test('the error of a wrong expectation names the wrong field', async () => {
  await using source = await sourceOf(async () => undefined);
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  const expecting = (wrong: unknown) => () =>
    source.expectRecord({ key: 'order-1' }, wrong as Expected);
  expect(expecting({ end: 'Done' })).toThrow('The expectation.end: ');
  expect(expecting({ end: 'done', attempt: 1 })).toThrow(
    '"attempt" is not known here. There are: end, attempts,',
  );
  expect(expecting({ end: 'done', attempts: '1' })).toThrow('The expectation.attempts: ');
  expect(expecting({ end: 'done', functionKey: 1 })).toThrow('The expectation.functionKey: ');
  expect(expecting(undefined)).toThrow('The expectation: ');
  expect(() => source.fail('notify', { times: 1.5 })).toThrow('The fault.times: ');
});

test('a record that was dropped, and is done when it is delivered again, has ended as done', async () => {
  let isDown = true;
  await using source = await sourceOf(
    async () => {
      if (isDown) throw new Error('down');
    },
    { maximumRetryAttempts: 0 },
  );
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  source.expectRecord({ key: 'order-1' }, { end: 'dropped' });
  isDown = false;
  await source.redeliverEverything();
  source.expectRecord({ key: 'order-1' }, { end: 'done', attempts: 2 });
});
