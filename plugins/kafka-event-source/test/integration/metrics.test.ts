import { expect, test } from '@jest/globals';
import type { Mapping } from '../../mapping.ts';
import { type MetricName, Metrics } from '../../monitoring/metrics.ts';
import type { SystemRecord } from '../../monitoring/records.ts';
import { Bench, failure, success, until } from './bench.ts';

const observed: Partial<Mapping> = {
  pollers: { minimum: 1, maximum: 2 },
  metricGroups: ['EventCount', 'ErrorCount', 'KafkaMetrics'],
  systemLogLevel: 'DEBUG',
};

/** Polls with metrics and a system log, and observes the lag often. */
function observe() {
  const metrics = new Metrics();
  const records: SystemRecord[] = [];
  const points = (name: MetricName) => metrics.view().datapoints[name] ?? [];
  return {
    records,
    options: {
      metrics,
      onRecord: (record: SystemRecord) => void records.push(record),
      observeMs: 200,
    },
    sum: (name: MetricName) => points(name).reduce((total, { sum }) => total + sum, 0),
    extremes: (name: MetricName) => [
      Math.min(...points(name).map(({ minimum }) => minimum)),
      Math.max(...points(name).map(({ maximum }) => maximum)),
    ],
    names: () => Object.keys(metrics.view().datapoints).sort(),
    of: (eventType: SystemRecord['eventType']) =>
      records.filter((record) => record.eventType === eventType),
  };
}

test("a mapping's metrics count what it read, filtered, invoked and committed", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const seen = observe();
  await bench.produce([
    ...['kept', 'other', 'kept', 'other'].map((key) => ({ key, value: 'v' })),
    { key: 'kept', value: 'v', headers: { name: 'value' } },
  ]);
  const lambda = await bench.lambda((_, index) => (index === 0 ? failure : success));
  const filters = ['{"key":["kept"]}'];
  bench.poll(lambda, { ...observed, filters, windowMs: 2_000, batchSize: 3 }, seen.options);
  await until('the commit', async () => (await bench.committed()) === 5);
  await until('an empty poll', () => seen.extremes('PolledEventCount')[0] === 0);
  await until('no lag', () => seen.extremes('SumOffsetLag')[0] === 0);
  const sums = {
    PolledEventCount: 5,
    FilteredOutEventCount: 2,
    InvokedEventCount: 6,
    FailedInvokeEventCount: 3,
    InvokeErrorCount: 1,
    CommittedEventCount: 5,
    EventPollerThroughputInBytes: 3 * 4 + 2 * 5 + 5 + 9,
  };
  for (const [name, sum] of Object.entries(sums)) {
    expect([name, seen.sum(name as MetricName)]).toEqual([name, sum]);
  }
  expect(seen.extremes('ProvisionedPollers')).toEqual([1, 1]);
  expect(seen.extremes('EventPollerUnit')).toEqual([1, 1]);
  expect(seen.names()).toEqual(
    [...Object.keys(sums), 'EventPollerUnit', 'MaxOffsetLag', 'OffsetLag']
      .concat('ProvisionedPollers', 'SumOffsetLag')
      .sort(),
  );
});

test('the lag is the maximum and the sum over partitions, and the topic has the sum', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const seen = observe();
  await bench.produceCount(5);
  await bench.produceCount(2, { partition: 1 });
  const answer = Promise.withResolvers<typeof success>();
  const lambda = await bench.lambda(() => answer.promise);
  bench.poll(lambda, observed, seen.options);
  await until('the lag', () => seen.extremes('SumOffsetLag')[1] === 7);
  expect(seen.extremes('MaxOffsetLag')[1]).toBe(5);
  expect(seen.extremes('OffsetLag')[1]).toBe(7);
  answer.resolve(success);
  await until('no lag', () => seen.extremes('OffsetLag')[0] === 0);
});

test('its system log has its consumer, and the offsets of each partition', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const seen = observe();
  await bench.produceCount(3);
  bench.poll(await bench.lambda(), observed, seen.options);
  const offsets = (partition: number) =>
    seen
      .of('KAFKA_STATUS_EVENT')
      .map(({ kafkaPartitionOffsets: one }) => one)
      .filter((one) => Object(one).partition === `${bench.topic}-${partition}`);
  await until('the offsets', () => Object(offsets(0).at(-1)).committedOffset === 3, {
    seen: () => seen.records.slice(-3),
  });
  expect(offsets(0).at(-1)).toEqual({
    partition: `${bench.topic}-0`,
    endOffset: 3,
    consumedOffset: 2,
    processedOffset: 2,
    committedOffset: 3,
  });
  expect(offsets(1).at(-1)).toMatchObject({ endOffset: 0, consumedOffset: -1 });
  const [connected, ...others] = seen.of('POLLER_STATUS_EVENT');
  expect(others).toEqual([]);
  const { groups } = await bench.admin.describeGroups([bench.groupId]);
  expect(connected?.kafkaEventSourceConnection).toMatchObject({
    consumerId: groups[0]?.members[0]?.memberId,
    consumerGroupId: bench.groupId,
    securityProtocol: 'PLAINTEXT',
    totalPartitionCount: 2,
    assignedPartitionCount: 2,
    partitionsAssignmentGeneration: 1,
    assignedPartitions: [`${bench.topic}-0`, `${bench.topic}-1`],
  });
});

test('a broker that is away is a polling error, and a warning in the system log', async () => {
  await using bench = new Bench(['127.0.0.1:1']);
  const seen = observe();
  bench.poll(await bench.lambda(), observed, seen.options);
  await until('an error', () => seen.sum('PollingErrorCount') > 0);
  expect(seen.of('ESM_PROCESSING_EVENT')[0]).toMatchObject({
    logLevel: 'WARN',
    error: {
      errorMessage: expect.stringContaining('cannot poll'),
      errorCode: 'org.apache.kafka.common.errors.TimeoutException',
    },
  });
});
