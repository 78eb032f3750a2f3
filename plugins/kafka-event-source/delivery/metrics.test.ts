import { expect, test } from '@jest/globals';
import type { Destination } from '../destination/destination.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { MetricName } from '../monitoring/metrics.ts';
import type { BufferedRecord } from '../record.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { Stats } from './stats.ts';

const silent = () => undefined;
const log = { error: silent, warning: silent, notice: silent, debug: silent };
const ok: InvocationResult = { kind: 'ok', payload: null };
const failed: InvocationResult = { kind: 'functionError', message: 'thrown' };
const notReached: InvocationResult = { kind: 'notReached', message: 'throttled' };
const reported = (...offsets: number[]): InvocationResult => ({
  kind: 'ok',
  payload: {
    batchItemFailures: offsets.map((offset) => ({
      itemIdentifier: { partition: 't-0', offset },
    })),
  },
});

/** A destination that refuses a number of times. */
function destination(refusals: number): Destination {
  let left = refusals;
  return {
    name: 'kafka://dead',
    send: async () => {
      left -= 1;
      if (left >= 0) throw new Error('refused');
    },
    close: async () => undefined,
  };
}

/** Delivers one batch of four records until none is left, and returns each value of each metric. */
async function emitted(
  answers: readonly InvocationResult[],
  options: Partial<SchedulerOptions> = {},
  changes: Partial<BufferedRecord> = {},
): Promise<Partial<Record<MetricName, number[]>>> {
  const found: Partial<Record<MetricName, number[]>> = {};
  const stats = new Stats((name, value) => {
    found[name] = [...(found[name] ?? []), value];
  });
  const done = Promise.withResolvers<void>();
  let invocations = 0;
  const scheduler = new Scheduler({
    name: 'test',
    topic: 't',
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:test',
    source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'b:1' },
    batchSize: 4,
    windowMs: 0,
    payloadBytes: 100_000,
    reportBatchItemFailures: true,
    maximumRetryAttempts: 1,
    maximumRecordAgeSeconds: -1,
    bisectBatchOnFunctionError: false,
    dropWhenDestinationFails: false,
    stats,
    signal: new AbortController().signal,
    backoff: { firstMs: 0, maxMs: 0 },
    log,
    invoke: async () => answers[invocations++] ?? ok,
    onProgress: (_, next) => next === 4 && done.resolve(),
    onRoom: silent,
    onStep: silent,
    ...options,
  });
  scheduler.assign(0);
  const records = Array.from({ length: 4 }, (_, offset): BufferedRecord => {
    const json = JSON.stringify({ offset });
    const bytes = json.length;
    return { offset, next: offset + 1, json, bytes, arrived: 0, timestamp: 0, ...changes };
  });
  scheduler.enqueue(0, records);
  await done.promise;
  return found;
}

test('a success counts the invoked records only', async () => {
  expect(await emitted([ok])).toEqual({ InvokedEventCount: [4] });
});

test('the records of a failed invocation count as failed, and once more as invoked', async () => {
  const wanted = { InvokedEventCount: [4, 4], FailedInvokeEventCount: [4], InvokeErrorCount: [1] };
  expect(await emitted([failed, ok])).toEqual(wanted);
  expect(await emitted([notReached, ok])).toEqual(wanted);
});

test('records that an answer reports count as failed, and their batch does not', async () => {
  expect(await emitted([reported(1, 3), ok])).toEqual({
    InvokedEventCount: [4, 2],
    FailedInvokeEventCount: [2],
  });
  expect(await emitted([reported()])).toEqual({ InvokedEventCount: [4] });
});

test('records that are given up after their retries, or for their age, are dropped', async () => {
  expect(await emitted([failed, failed])).toEqual({
    InvokedEventCount: [4, 4],
    FailedInvokeEventCount: [4, 4],
    InvokeErrorCount: [1, 1],
    DroppedEventCount: [4],
  });
  expect(await emitted([], { maximumRecordAgeSeconds: 60 })).toEqual({ DroppedEventCount: [4] });
});

test('records that the destination takes are delivered there, and not dropped', async () => {
  const given = { maximumRecordAgeSeconds: 60, destination: destination(0) };
  expect(await emitted([], given)).toEqual({ OnFailureDestinationDeliveredEventCount: [4] });
});

test('a destination that refuses counts each attempt while the records are kept', async () => {
  const given = { maximumRecordAgeSeconds: 60, destination: destination(2) };
  expect(await emitted([], given)).toEqual({
    OnFailureDestinationDeliveryErrorCount: [1, 1],
    DestinationDeliveryFailures: [1, 1],
    OnFailureDestinationDeliveredEventCount: [4],
  });
});

test('records dropped for their destination are one failure, and all dropped', async () => {
  const dropWhenDestinationFails = true;
  const given = { maximumRecordAgeSeconds: 60, destination: destination(9) };
  expect(await emitted([], { ...given, dropWhenDestinationFails })).toEqual({
    OnFailureDestinationDeliveryErrorCount: [1, 1, 1],
    DestinationDeliveryFailures: [1],
    DroppedEventCount: [4],
  });
});

test('records that cannot be decoded are errors of the registry, and not dropped events', async () => {
  const undeliverable = { condition: 'DESERIALIZATION_ERROR', message: 'no prefix' } as const;
  expect(await emitted([], {}, { undeliverable })).toEqual({
    SchemaRegistryErrorCount: [1, 1, 1, 1],
  });
});
