import assert from 'node:assert/strict';
import { describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { KafkaEvent } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { BufferedRecord } from '../record.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { Slots } from './slots.ts';
import { Stats } from './stats.ts';

const TOPIC = 'orders';
const silent = () => undefined;
const log = { error: silent, warning: silent, notice: silent, debug: silent };

const entry = (partition: number, offset: number): BufferedRecord => {
  const json = JSON.stringify({ partition, offset });
  return { offset, next: offset + 1, json, bytes: json.length, arrived: 0, timestamp: 0 };
};
const entries = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => entry(partition, from + index));

interface Delivered {
  readonly partition: number;
  readonly offset: number;
}

function start(
  invoke: (records: Delivered[]) => InvocationResult | Promise<InvocationResult>,
  options: Partial<SchedulerOptions> = {},
) {
  const progress: Delivered[] = [];
  const stop = new AbortController();
  const scheduler = new Scheduler({
    name: 'test',
    topic: TOPIC,
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test',
    source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'localhost:9092' },
    batchSize: 10,
    windowMs: 0,
    payloadBytes: 100_000,
    reportBatchItemFailures: true,
    maximumRetryAttempts: -1,
    maximumRecordAgeSeconds: -1,
    bisectBatchOnFunctionError: false,
    dropWhenDestinationFails: false,
    stats: new Stats(),
    signal: stop.signal,
    backoff: { firstMs: 0, maxMs: 0 },
    log,
    invoke: async (payload) => {
      const { records } = JSON.parse(payload.toString()) as KafkaEvent;
      return invoke(Object.values(records).flat());
    },
    onProgress: (partition, offset) => progress.push({ partition, offset }),
    onRoom: silent,
    onStep: silent,
    ...options,
  });
  const close = (limitMs: number) => {
    stop.abort();
    return scheduler.drain(new Promise((resolve) => setTimeout(resolve, limitMs).unref()));
  };
  return { scheduler, progress, close };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 10 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ok: InvocationResult = { kind: 'ok', payload: null };

type Outcome = 'ok' | 'functionError' | 'notReached' | 'tooLarge' | 'unknown' | 'some';

function answer(outcome: Outcome, records: readonly Delivered[]): InvocationResult {
  const identifiers = (list: readonly Delivered[]) =>
    list.map(({ partition, offset }) => ({
      itemIdentifier: { partition: `${TOPIC}-${partition}`, offset },
    }));
  switch (outcome) {
    case 'ok':
      return ok;
    case 'some':
      return {
        kind: 'ok',
        payload: { batchItemFailures: identifiers(records.filter((_, index) => index % 2 === 1)) },
      };
    case 'unknown':
      return {
        kind: 'ok',
        payload: { batchItemFailures: identifiers([{ partition: 9, offset: 9 }]) },
      };
    case 'tooLarge':
      return records.length > 1 ? { kind: 'tooLarge', message: 'cut it' } : ok;
    default:
      return { kind: outcome, message: 'the test says so' };
  }
}

test('the delay after an attempt counts the attempts, not the calls that did not reach the function', async () => {
  const delays: unknown[] = [];
  const answers: Outcome[] = [
    ...(['notReached', 'notReached', 'notReached'] as const),
    ...(['functionError', 'functionError'] as const),
    ...(['notReached', 'notReached'] as const),
    'functionError',
  ];
  let index = 0;
  const { scheduler, progress, close } = start(
    (records) => answer(answers[index++] ?? 'ok', records),
    {
      backoff: { firstMs: 1, maxMs: 1_000 },
      onStep: (step) => step.kind === 'retried' && delays.push(step.delayMs),
    },
  );
  scheduler.assign(0);
  scheduler.enqueue(0, [entry(0, 0)]);
  await until(() => progress.length > 0);
  await close(1_000);
  expect(delays).toEqual([1, 2, 4, 1, 2, 1, 2, 4]);
});

test('with random answers no record is skipped, order is kept, no commit passes a record that is not done', async () => {
  const outcomes: Outcome[] = ['ok', 'functionError', 'notReached', 'tooLarge', 'unknown', 'some'];
  const plan = fc.record({
    counts: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 4 }),
    answers: fc.array(fc.constantFrom(...outcomes), { maxLength: 25 }),
    batchSize: fc.integer({ min: 1, max: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ counts, answers, batchSize }) => {
      const done = counts.map(() => new Set<number>());
      const first = counts.map((): number[] => []);
      const inFlight = new Set<number>();
      let index = 0;
      const { scheduler, progress, close } = start(
        async (records) => {
          const partitions = new Set(records.map(({ partition }) => partition));
          assert.ok(records.length <= batchSize);
          assert.ok(![...partitions].some((partition) => inFlight.has(partition)));
          const isOpen = (one: Delivered) => done[one.partition]?.has(one.offset) === false;
          assert.deepEqual(
            records.filter((one) => !isOpen(one)),
            [],
          );
          for (const partition of partitions) inFlight.add(partition);
          for (const { partition, offset } of records) {
            if (!first[partition]?.includes(offset)) first[partition]?.push(offset);
          }
          await new Promise((resolve) => setImmediate(resolve));
          const outcome = answers[index++] ?? 'ok';
          const result = answer(outcome, records);
          for (const [position, { partition, offset }] of records.entries()) {
            const succeeded = result === ok || (outcome === 'some' && position % 2 === 0);
            if (succeeded) done[partition]?.add(offset);
          }
          for (const partition of partitions) inFlight.delete(partition);
          return result;
        },
        {
          batchSize,
          onProgress: (partition, offset) => {
            const before = Array.from({ length: offset }, (_, index) => index);
            assert.ok(before.every((one) => done[partition]?.has(one)));
            progress.push({ partition, offset });
          },
        },
      );
      for (const [partition, count] of counts.entries()) {
        scheduler.assign(partition);
        scheduler.enqueue(partition, entries(partition, 0, count));
      }
      const committed = (partition: number) =>
        Math.max(0, ...progress.filter((one) => one.partition === partition).map((p) => p.offset));
      await until(() => counts.every((count, partition) => committed(partition) === count));
      await close(1_000);
      for (const [partition, count] of counts.entries()) {
        expect(first[partition]).toEqual(entries(partition, 0, count).map(({ offset }) => offset));
      }
    }),
    { numRuns: 200, endOnFailure: true },
  );
});

test('the result for a revoked partition is not reported, and its records are not delivered again', async () => {
  const answered = Promise.withResolvers<InvocationResult>();
  const received: Delivered[][] = [];
  const { scheduler, progress } = start((records) => {
    received.push(records);
    return received.length === 1 ? answered.promise : ok;
  });
  for (const partition of [0, 1]) scheduler.assign(partition);
  scheduler.hold();
  for (const partition of [0, 1]) scheduler.enqueue(partition, entries(partition, 0, 2));
  scheduler.resume();
  await until(() => received.length === 1);
  scheduler.revoke(0);
  answered.resolve({ kind: 'functionError', message: 'thrown' });
  await until(() => progress.length > 0);
  expect(progress).toEqual([{ partition: 1, offset: 2 }]);
  expect(received[1]).toEqual(entries(1, 0, 2).map(({ json }) => JSON.parse(json)));
});

test('a partition that comes back waits for the invocation still in flight', async () => {
  const answered = Promise.withResolvers<InvocationResult>();
  let invocations = 0;
  const { scheduler, progress } = start(() => {
    invocations += 1;
    return invocations === 1 ? answered.promise : ok;
  });
  scheduler.assign(0);
  scheduler.enqueue(0, entries(0, 0, 1));
  await until(() => invocations === 1);
  scheduler.assign(0);
  scheduler.enqueue(0, entries(0, 0, 2));
  await new Promise((resolve) => setImmediate(resolve));
  expect(invocations).toBe(1);
  answered.resolve(ok);
  await until(() => progress.length > 0);
  expect(progress).toEqual([{ partition: 0, offset: 2 }]);
});

test('no invocation begins while the scheduler is held or stopped', async () => {
  let invocations = 0;
  const { scheduler, close } = start(() => {
    invocations += 1;
    return ok;
  });
  scheduler.hold();
  scheduler.assign(0);
  scheduler.enqueue(0, entries(0, 0, 1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(invocations).toBe(0);
  await close(0);
  scheduler.resume();
  await new Promise((resolve) => setImmediate(resolve));
  expect(invocations).toBe(0);
});

test('a clock that is set back by an hour holds nothing up', async () => {
  const invoked = Promise.withResolvers<void>();
  const { scheduler, close } = start(
    async () => {
      invoked.resolve();
      return ok;
    },
    { windowMs: 10 },
  );
  scheduler.assign(0);
  const back = Date.now() - 3_600_000;
  const clock = jest.spyOn(Date, 'now').mockImplementation(() => back);
  try {
    scheduler.enqueue(0, entries(0, 0, 1));
    const late = setTimeout(() => invoked.reject(new Error('not invoked within 5 s')), 5_000);
    await invoked.promise;
    clearTimeout(late);
  } finally {
    clock.mockRestore();
    await close(1_000);
  }
});

describe('with limits: aws', () => {
  /** The times in ms at which batches of 20 begin, of one second by a clock that the test moves. */
  async function batchesIn(changes: Partial<SchedulerOptions>, records: BufferedRecord[]) {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const stats = new Stats();
    try {
      const begun: number[] = [];
      const from = performance.now();
      const { scheduler, close } = start(
        () => {
          begun.push(performance.now() - from);
          return ok;
        },
        { stats, batchSize: 20, payloadBytes: 2 ** 30, ...changes },
      );
      scheduler.assign(0);
      scheduler.enqueue(0, records);
      for (let ms = 0; ms < 1_000; ms += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        jest.advanceTimersByTime(1);
      }
      await close(0);
      return begun;
    } finally {
      jest.useRealTimers();
    }
  }
  const pollers = { minimum: 1, maximum: 1 };

  test('a poller begins batches of 20 each 10 ms, in order', async () => {
    const begun = await batchesIn({ limits: 'aws', pollers }, entries(0, 0, 10_000));
    expect(begun.slice(0, 5)).toEqual([0, 10, 20, 30, 40]);
    expect(begun).toHaveLength(100);
  });

  test('a poller takes 5 MB a second, and a managed mapping on demand 1 MB', async () => {
    const large = Array.from({ length: 200 }, (_, offset) => sized(offset, MiB / 2));
    const changes = { limits: 'aws', batchSize: 1 } as const;
    expect(await batchesIn({ ...changes, pollers }, large)).toHaveLength(10);
    expect(await batchesIn({ ...changes, isManaged: true }, large)).toHaveLength(2);
    expect(await batchesIn({ ...changes, isManaged: true, pollers }, large)).toHaveLength(10);
  });

  test('without the option a poller begins a batch as soon as the last one ends', async () => {
    expect(await batchesIn({ pollers }, entries(0, 0, 10_000))).toHaveLength(500);
  });
});

const MiB = 1024 * 1024;
const sized = (offset: number, bytes: number): BufferedRecord => ({ ...entry(0, offset), bytes });

test('a buffer is full with the bytes of a payload, and reports when it has room again', async () => {
  const answered = Promise.withResolvers<InvocationResult>();
  const room: number[] = [];
  const { scheduler, close } = start(() => answered.promise, {
    payloadBytes: 6 * MiB,
    onRoom: (partition) => room.push(partition),
  });
  scheduler.assign(0);
  scheduler.hold();
  scheduler.enqueue(0, [sized(0, 3 * MiB), sized(1, 2 * MiB)]);
  expect(scheduler.isFull(0)).toBe(false);
  scheduler.enqueue(0, [sized(2, 3 * MiB)]);
  expect(scheduler.isFull(0)).toBe(true);
  scheduler.resume();
  await until(() => room.length === 1);
  answered.resolve(ok);
  await close(1_000);
});

test('with small batches a buffer is full when it holds a batch and its minimum', async () => {
  const { scheduler, close } = start(async () => ok, { payloadBytes: 6 * MiB, batchSize: 2 });
  scheduler.assign(0);
  scheduler.hold();
  scheduler.enqueue(0, [sized(0, MiB / 4), sized(1, MiB / 8)]);
  expect(scheduler.isFull(0)).toBe(false);
  scheduler.enqueue(0, [sized(2, MiB / 8)]);
  expect(scheduler.isFull(0)).toBe(true);
  await close(1_000);
});

test('all buffers together hold no more than a few payloads, and room in one is room for others', async () => {
  const answered = Promise.withResolvers<InvocationResult>();
  const room: number[] = [];
  const { scheduler, close } = start(() => answered.promise, {
    payloadBytes: 6 * MiB,
    batchSize: 3,
    onRoom: (partition) => room.push(partition),
  });
  scheduler.hold();
  for (let partition = 0; partition < 6; partition += 1) {
    scheduler.assign(partition);
    scheduler.enqueue(partition, [sized(0, 2 * MiB), sized(1, 2 * MiB)]);
    expect(scheduler.isFull(partition)).toBe(partition >= 2);
  }
  expect(scheduler.isFull(0)).toBe(true);
  scheduler.resume();
  expect(room.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  answered.resolve(ok);
  await close(1_000);
});

test('skipped offsets are done with the record before them, or at once', async () => {
  const answered = Promise.withResolvers<InvocationResult>();
  const { scheduler, progress } = start(() => answered.promise, { batchSize: 2 });
  scheduler.assign(0);
  scheduler.skip(0, 4);
  expect(progress).toEqual([{ partition: 0, offset: 4 }]);
  scheduler.enqueue(0, entries(0, 4, 7));
  scheduler.skip(0, 20);
  await new Promise((resolve) => setImmediate(resolve));
  expect(progress).toHaveLength(1);
  answered.resolve(ok);
  await until(() => progress.length === 3);
  expect(progress.slice(1).map(({ offset }) => offset)).toEqual([6, 20]);
  const second = start(() => answered.promise);
  second.scheduler.assign(0);
  second.scheduler.enqueue(0, entries(0, 0, 2));
  second.scheduler.skip(0, 9);
  await until(() => second.progress.length === 1);
  expect(second.progress).toEqual([{ partition: 0, offset: 9 }]);
});

test('the window begins when the batch before it is completed', async () => {
  const clock = jest.spyOn(performance, 'now');
  try {
    clock.mockReturnValue(0);
    const answers = [Promise.withResolvers<InvocationResult>()];
    const seen: number[][] = [];
    const { scheduler, close } = start(
      (records) => {
        seen.push(records.map(({ offset }) => offset));
        return answers[seen.length - 1]?.promise ?? ok;
      },
      { windowMs: 50 },
    );
    scheduler.assign(0);
    clock.mockReturnValue(100);
    scheduler.enqueue(0, [entry(0, 0)]);
    await until(() => seen.length === 1);
    scheduler.enqueue(0, [{ ...entry(0, 1), arrived: 120 }]);
    clock.mockReturnValue(1_000);
    answers[0]?.resolve(ok);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([[0]]);
    clock.mockReturnValue(1_050);
    await until(() => seen.length === 2);
    expect(seen).toEqual([[0], [1]]);
    await close(1_000);
  } finally {
    clock.mockRestore();
  }
});

test.each([
  ['of one mapping', [[0, 1, 2]]],
  ['of two mappings of the function', [[0], [1, 2]]],
  ['of three mappings of the function', [[0], [1], [2]]],
])(
  'with a reserved concurrency of 1 the partitions %s have their turns, one invocation at a time',
  async (_, mappings) => {
    const concurrency = new Slots(1);
    const order: number[] = [];
    let running = 0;
    const invoke = async (records: Delivered[]) => {
      running += 1;
      expect(running).toBe(1);
      order.push(records[0]?.partition ?? -1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return ok;
    };
    const stats = new Stats();
    const started = mappings.map((partitions) => {
      const mapping = start(invoke, { concurrency, stats });
      for (const partition of partitions) mapping.scheduler.assign(partition);
      for (const partition of partitions) {
        mapping.scheduler.enqueue(partition, entries(partition, 0, 50));
      }
      return mapping;
    });
    await until(() => order.length === 15);
    for (const round of [0, 1, 2, 3, 4]) {
      expect(order.slice(round * 3, round * 3 + 3).sort()).toEqual([0, 1, 2]);
    }
    expect(stats.snapshot().throttles).toBeGreaterThan(0);
    await Promise.all(started.map(({ close }) => close(1_000)));
  },
);

test('a reserved concurrency of 0 throttles everything, and a stop does not wait for it', async () => {
  const stats = new Stats();
  const invoke = () => {
    throw new Error('invoked');
  };
  const { scheduler, progress, close } = start(invoke, { concurrency: new Slots(0), stats });
  scheduler.assign(0);
  scheduler.enqueue(0, entries(0, 0, 3));
  await until(() => stats.snapshot().throttles === 1);
  expect(stats.snapshot().partitions[0]?.blocked).toMatchObject({
    offset: 0,
    reason: "throttled: the function's reservedConcurrency is 0",
  });
  await close(60_000);
  expect(progress).toEqual([]);
});

test('a mapping that is held back keeps no slot of the function from another one', async () => {
  const concurrency = new Slots(1);
  const first = Promise.withResolvers<InvocationResult>();
  const order: string[] = [];
  const begin = (name: string, answer: InvocationResult | Promise<InvocationResult> = ok) => {
    const mapping = start(
      () => {
        order.push(name);
        return answer;
      },
      { concurrency },
    );
    mapping.scheduler.assign(0);
    return mapping;
  };
  const [busy, held, other] = [begin('busy', first.promise), begin('held'), begin('other')];
  for (const { scheduler } of [busy, held, other]) scheduler.enqueue(0, entries(0, 0, 1));
  await until(() => order.length === 1);
  held.scheduler.hold();
  first.resolve(ok);
  await until(() => order.length === 2);
  expect(order).toEqual(['busy', 'other']);
  held.scheduler.resume();
  await until(() => order.length === 3);
  await Promise.all([busy, held, other].map(({ close }) => close(1_000)));
});
