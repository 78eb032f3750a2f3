import { expect, jest, test } from '@jest/globals';
import { delayOf } from '../delivery/retry.ts';
import type { MappingProperties, Source } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const DAY_MS = 86_400_000;
const START = 100 * DAY_MS;
/** The emulator's own, from its poller. */
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

/** Thrown thousands of times; the stack of each new error would take longer than all else here. */
const poison = new Error('poison');
const fails = () => Promise.reject(poison);

const sourceOf = (handler: () => unknown, mapping: Partial<MappingProperties> = {}) =>
  kafkaEventSource({
    functions: { notify: handler },
    mappings: {
      notify: { topic: 'orders', provisionedPollerConfig: { minimumPollers: 1 }, ...mapping },
    },
    start: START,
  });

test("ten retries come at the emulator's own times, and then the letter", async () => {
  await using source = await sourceOf(fails, { onFailureDestination: 'kafka://dead' });
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.clock.advance('6 days');
  let time = START + 500;
  const times = Array.from({ length: 11 }, (_, failures) => {
    if (failures > 0) time += delayOf(BACKOFF, failures);
    return time;
  });
  expect(source.invocations('notify').map(({ startedAt }) => startedAt)).toEqual(times);
  expect(source.invocations('notify').map(({ attempt }) => attempt)).toEqual(
    times.map((_, i) => i + 1),
  );
  expect(await source.letters('dead')).toMatchObject([
    { key: 'order-1', condition: 'RetriesExhausted', invocations: 11, at: times.at(-1) },
  ]);
  expect(source.clock.now).toBe(START + 6 * DAY_MS);
});

test('a record is given up at the first attempt after its age of six days', async () => {
  await using source = await sourceOf(fails, {
    maximumRecordAge: (6 * DAY_MS) / 1000,
    maximumRetryAttempts: 10_000,
    onFailureDestination: 'kafka://dead',
  });
  // Five days old already.
  await source.produce('orders', { value: 'x', timestamp: START - 5 * DAY_MS });
  await source.clock.advance('2 days');
  const attempts = source.invocations('notify');
  const last = attempts.at(-1)?.startedAt ?? 0;
  expect(last).toBeLessThanOrEqual(START + DAY_MS);
  expect(await source.letters('dead')).toMatchObject([
    {
      condition: 'RecordAgeExceeded',
      invocations: attempts.length,
      at: last + delayOf(BACKOFF, attempts.length),
    },
  ]);
});

test('records that come within a window share a batch; the clock ends the window', async () => {
  await using source = await sourceOf(() => Promise.resolve(), {
    maximumBatchingWindowInSeconds: 60,
  });
  await source.produce('orders', { value: '1', partition: 0 });
  await source.clock.advance('59 s');
  await source.produce('orders', { value: '2', partition: 0 });
  await source.clock.advance(999);
  expect(source.invocations('notify')).toHaveLength(0);
  await source.clock.advance(1);
  expect(source.invocations('notify')).toMatchObject([{ startedAt: START + 60_000 }]);
  expect(source.invocations('notify')[0]?.records).toHaveLength(2);
});

test('idle passes windows, and stops before a retry', async () => {
  await using source = await sourceOf(fails);
  await source.produce('orders', { value: 'x' });
  await source.idle();
  expect(source.invocations('notify')).toHaveLength(1);
  expect(source.clock.now).toBe(START + 500);
  await source.clock.advance('500 ms');
  expect(source.invocations('notify')).toHaveLength(2);
});

test('drain tells the life of a record that is never done', async () => {
  await using source = await sourceOf(fails);
  await source.produce('orders', { value: 'x', partition: 0 });
  const error = await source.drain('10 s').catch((one: Error) => one.message);
  expect(error).toContain('Not done within 10 s:\norders-0 0\n  +0.000 s notify: read');
  expect(error).toContain('retried after 4000 ms: Unhandled: poison');
  const long = await source.drain('1 day').catch((one: Error) => one.message);
  expect(long).toMatch(/^ {2}… \d{4} more steps …$/m);
  expect(`${long}`.split('\n')).toHaveLength(22);
});

test('Date tells the time of the clock if that is wanted, until the end', async () => {
  const seen: number[] = [];
  const original = Date;
  const source = await kafkaEventSource({
    functions: {
      notify: async () => void seen.push(Date.now(), Date.parse(new Date().toISOString())),
    },
    mappings: { notify: { topic: 'orders' } },
    start: '2030-01-01T00:00:00Z',
    virtualDate: true,
  });
  await source.produce('orders', { value: 'x' });
  await source.idle();
  await source.stop();
  const at = Date.UTC(2030, 0, 1) + 500;
  expect(seen).toEqual([at, at]);
  expect(Date).toBe(original);
});

test('the kit works beside the fake timers of jest', async () => {
  jest.useFakeTimers();
  try {
    await using source = await sourceOf(fails, { onFailureDestination: 'kafka://dead' });
    await source.produce('orders', { value: 'x' });
    await source.drain();
    await source.restart();
    expect(await source.letters('dead')).toHaveLength(1);
  } finally {
    jest.useRealTimers();
  }
});

test.each<[string, (source: Source) => Promise<void>]>([
  ['advance', (source) => source.clock.advance('1 s')],
  ['rebalance', (source) => source.rebalance()],
  ['redeliverEverything', (source) => source.redeliverEverything()],
])('%s says when a handler without a batching window never ends producing', async (_, move) => {
  let isOver = false;
  const source = await kafkaEventSource({
    functions: {
      notify: async () => {
        if (!isOver) await source.produce('orders', { value: 'again' });
      },
    },
    mappings: {
      notify: {
        topic: 'orders',
        provisionedPollerConfig: { minimumPollers: 1 },
        batchSize: 1,
        maximumBatchingWindow: 0,
      },
    },
    start: START,
    patienceMs: 50,
  });
  await source.produce('orders', { value: 'first' });
  await expect(move(source)).rejects.toThrow('There is always more to do: ');
  isOver = true;
  await source.stop();
});

test('a drain says that the source was stopped meanwhile', async () => {
  const source = await sourceOf(() => new Promise((resolve) => setTimeout(resolve, 20)));
  await source.produce('orders', { value: 'x' });
  const [drained] = await Promise.allSettled([source.drain(), source.stop()]);
  expect(drained).toMatchObject({
    reason: { message: expect.stringContaining('The source has been stopped.') },
  });
});

test('a kit that is loaded under fake timers still names a handler that hangs', async () => {
  jest.useFakeTimers();
  try {
    await jest.isolateModulesAsync(async () => {
      const kit: typeof import('./testing.ts') = await import('./testing.ts');
      const source = await kit.kafkaEventSource({
        functions: { notify: () => new Promise(() => undefined) },
        mappings: { notify: { topic: 'orders' } },
        patienceMs: 50,
      });
      await source.produce('orders', { value: 'x' });
      await expect(source.idle()).rejects.toThrow('Still running after 50 ms: notify');
      await source.stop();
    });
  } finally {
    jest.useRealTimers();
  }
});

test('fake timers that end before the virtual Date stay ended', async () => {
  const real = Date;
  jest.useFakeTimers();
  const source = await kafkaEventSource({
    functions: { notify: fails },
    mappings: { notify: { topic: 'orders' } },
    virtualDate: true,
  });
  jest.useRealTimers();
  await source.stop();
  expect(Date).toBe(real);
  expect(new Date().constructor).toBe(real);
});
