import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mappingOf } from '../test/support/mapping.ts';
import { METRICS, type MetricName, Metrics } from './metrics.ts';

const MINUTE = 60_000;
const start = Date.parse('2026-11-27T10:00:30Z');
const names = Object.keys(METRICS) as MetricName[];

beforeEach(() => {
  jest.useFakeTimers({ now: start });
});
afterEach(() => {
  jest.useRealTimers();
});

function emitted(changes: Parameters<typeof mappingOf>[2]): string[] {
  const metrics = new Metrics();
  const emit = metrics.emitter(mappingOf('orders', ['b:1'], changes));
  for (const name of names) emit(name, 1);
  return Object.keys(metrics.view().datapoints);
}

const pollers = { minimum: 1, maximum: 1 };
const always = ['OffsetLag', 'DestinationDeliveryFailures'];
const provisioned = ['ProvisionedPollers', 'EventPollerUnit', 'EventPollerThroughputInBytes'];

test('there are 17 metrics of a mapping, and two of its function', () => {
  expect(names).toHaveLength(17 + always.length);
});

test('a mapping emits the groups that it asks for', () => {
  expect(emitted({ pollers, metricGroups: ['EventCount'] })).toEqual([
    'PolledEventCount',
    'FilteredOutEventCount',
    'InvokedEventCount',
    'FailedInvokeEventCount',
    'DroppedEventCount',
    'OnFailureDestinationDeliveredEventCount',
    'CommittedEventCount',
    ...provisioned,
    ...always,
  ]);
  expect(emitted({ pollers, metricGroups: ['ErrorCount'] })).toEqual([
    'PollingErrorCount',
    'InvokeErrorCount',
    'OnFailureDestinationDeliveryErrorCount',
    'SchemaRegistryErrorCount',
    'CommitErrorCount',
    ...provisioned,
    ...always,
  ]);
  expect(emitted({ pollers, metricGroups: ['KafkaMetrics'] })).toEqual([
    'MaxOffsetLag',
    'SumOffsetLag',
    ...provisioned,
    ...always,
  ]);
});

test('without groups a mapping emits its pollers, and on demand the metrics of its function only', () => {
  expect(emitted({ pollers })).toEqual([...provisioned, ...always]);
  expect(emitted({})).toEqual(always);
});

test('the values of a minute are one datapoint', () => {
  const metrics = new Metrics();
  const emit = metrics.emitter(mappingOf('orders', ['b:1']));
  emit('OffsetLag', 4);
  emit('OffsetLag', 0);
  jest.setSystemTime(start + 30_000);
  emit('OffsetLag', 7);
  const at = start - 30_000;
  expect(metrics.view()).toEqual({
    since: start,
    datapoints: {
      OffsetLag: [
        { at, sum: 4, minimum: 0, maximum: 4, samples: 2 },
        { at: at + MINUTE, sum: 7, minimum: 7, maximum: 7, samples: 1 },
      ],
    },
  });
});

test('a value after the clock was set back belongs to the last minute', () => {
  const metrics = new Metrics();
  const emit = metrics.emitter(mappingOf('orders', ['b:1']));
  emit('OffsetLag', 1);
  jest.setSystemTime(start - 10 * MINUTE);
  emit('OffsetLag', 2);
  expect(metrics.view().datapoints.OffsetLag).toEqual([
    { at: start - 30_000, sum: 3, minimum: 1, maximum: 2, samples: 2 },
  ]);
});

test('the datapoints of a day and of the current minute are kept, and the view begins with them', () => {
  const metrics = new Metrics();
  const emit = metrics.emitter(mappingOf('orders', ['b:1']));
  for (let minute = 0; minute < 2_000; minute += 1) {
    jest.setSystemTime(start + minute * MINUTE);
    emit('OffsetLag', minute);
  }
  const { since, datapoints } = metrics.view();
  const kept = datapoints.OffsetLag ?? [];
  expect(kept).toHaveLength(24 * 60 + 1);
  expect(kept.at(-1)).toMatchObject({ sum: 1_999 });
  expect(since).toBe(start + (1_999 - 24 * 60) * MINUTE);
  expect(kept[0]?.at).toBe(since - 30_000);
});
