import { expect, test } from '@jest/globals';
import type { Json } from '../json.ts';
import type { Mapping } from '../mapping.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { readAlarms } from './alarms.ts';
import type { Service } from './deployed.ts';

const uuid = '11111111-1111-4111-8111-111111111111';
const notify = mappingOf('orders', ['b:1'], {
  name: 'notify (orders)',
  uuid,
  logicalId: 'NotifyMappingKafka',
  functionKey: 'notify',
  functionName: 'shop-local-notify',
  pollers: { minimum: 1, maximum: 1 },
  metricGroups: ['EventCount'],
});

const dropped = {
  Namespace: 'AWS/Lambda',
  MetricName: 'DroppedEventCount',
  Dimensions: [{ Name: 'EventSourceMappingUUID', Value: { Ref: 'NotifyMappingKafka' } }],
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  ComparisonOperator: 'GreaterThanThreshold',
  Threshold: 0,
};
const ofFunction = [{ Name: 'FunctionName', Value: { Ref: 'NotifyLambdaFunction' } }];

function read(resource: Json, mappings: readonly Mapping[] = [notify]) {
  const service = {
    service: 'shop',
    stage: 'local',
    region: 'us-east-1',
    functions: [{ key: 'notify', name: 'shop-local-notify', logicalIds: ['NotifyLambdaFunction'] }],
    resources: { One: resource, Table: { Type: 'AWS::DynamoDB::Table' } },
    parameters: {},
    mappings: {},
    conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
  } as unknown as Service;
  const [alarm, ...others] = readAlarms(service, mappings, { parameters: {}, imports: {} });
  expect(others).toEqual([]);
  return alarm;
}

const alarm = (changes: Json = {}) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: { ...dropped, ...changes },
});

test('an alarm on a metric of a mapping is read with its defaults', () => {
  expect(read(alarm())).toEqual({
    id: 'One',
    metric: 'DroppedEventCount',
    mappings: [uuid],
    alarm: {
      statistic: 'Sum',
      periodMinutes: 1,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      comparison: 'GreaterThanThreshold',
      threshold: 0,
      missing: 'missing',
    },
  });
});

test("the mapping may go by its function's name", () => {
  const Dimensions = [{ Name: 'EventSourceMappingUUID', Value: { Ref: 'NotifyMapping' } }];
  expect(read(alarm({ Dimensions }))).toEqual(read(alarm()));
});

test('numbers may be texts, and all else may be set', () => {
  const changes = {
    Period: '300',
    EvaluationPeriods: '3',
    DatapointsToAlarm: 2,
    Threshold: '1.5',
    TreatMissingData: 'breaching',
    Statistic: 'Average',
  };
  expect(read(alarm(changes))).toMatchObject({
    alarm: {
      statistic: 'Average',
      periodMinutes: 5,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      threshold: 1.5,
      missing: 'breaching',
    },
  });
});

test("a metric of a function is of all of the function's mappings", () => {
  const second = mappingOf('orders', ['b:1'], { functionName: 'shop-local-notify', uuid: 'other' });
  const lag = { MetricName: 'OffsetLag', Dimensions: ofFunction };
  expect(read(alarm(lag), [notify, second])).toMatchObject({
    metric: 'OffsetLag',
    mappings: [uuid, 'other'],
  });
});

test('one metric under Metrics, without a formula, is the same alarm', () => {
  const { Namespace, MetricName, Dimensions, Statistic, Period, ...others } = dropped;
  const Metric = { Namespace, MetricName, Dimensions };
  const Metrics = [{ Id: 'm', MetricStat: { Metric, Period, Stat: Statistic } }];
  const written = { Type: 'AWS::CloudWatch::Alarm', Properties: { ...others, Metrics } };
  expect(read(written)).toEqual(read(alarm()));
});

test('a metric that the mapping does not emit has a note', () => {
  expect(read(alarm(), [{ ...notify, metricGroups: ['ErrorCount'] }])).toMatchObject({
    note: 'notify (orders) does not emit it: MetricsConfig.Metrics has no EventCount',
  });
  const pollers = alarm({ MetricName: 'ProvisionedPollers' });
  expect(read(pollers, [{ ...notify, pollers: undefined }])).toMatchObject({
    note: 'notify (orders) does not emit it: it has no provisioned pollers',
  });
});

test.each<[string, Json, RegExp]>([
  ['metric math', { Metrics: [{ Id: 'a', Expression: 'b + c' }] }, /a formula, or several metrics/],
  ['anomaly detection', { ThresholdMetricId: 'ad' }, /anomaly detection/],
  [
    'another namespace',
    { Namespace: 'AWS/ApiGateway', MetricName: '5xx' },
    /AWS\/ApiGateway 5xx is no metric of a Kafka mapping/,
  ],
  [
    'another metric',
    { MetricName: 'Errors', Dimensions: ofFunction },
    /AWS\/Lambda Errors is no metric/,
  ],
  ['a name of every object', { MetricName: 'constructor' }, /no metric of a Kafka mapping/],
  [
    'the wrong dimension',
    { Dimensions: ofFunction },
    /DroppedEventCount has the dimension EventSourceMappingUUID/,
  ],
  ['no dimension', { Dimensions: [] }, /has the dimension EventSourceMappingUUID/],
  [
    'an unknown mapping',
    { Dimensions: [{ Name: 'EventSourceMappingUUID', Value: { Ref: 'X' } }] },
    /\{"Ref":"X"\} is no Kafka mapping/,
  ],
  [
    'an unknown function',
    { MetricName: 'OffsetLag', Dimensions: [{ Name: 'FunctionName', Value: 'f' }] },
    /f has no Kafka mapping/,
  ],
  ['a percentile', { Statistic: undefined, ExtendedStatistic: 'p99' }, /p99/],
  ['a short period', { Period: 10 }, /Period/],
  ['more than a day', { Period: 3_600, EvaluationPeriods: 25 }, /longer than a day/],
  ['an unknown threshold', { Threshold: { 'Fn::ImportValue': 'x' } }, /Threshold/],
])('%s is not evaluated', (_, changes, why) => {
  expect(read(alarm(changes))).toEqual({ id: 'One', reason: expect.stringMatching(why) });
});

test('an alarm whose condition does not hold is not deployed, and not evaluated', () => {
  expect(read({ ...alarm(), Condition: 'Never' })).toEqual({
    id: 'One',
    reason: 'the condition Never does not hold',
  });
});

test('a composite alarm is not evaluated', () => {
  expect(read({ Type: 'AWS::CloudWatch::CompositeAlarm', Properties: {} })).toEqual({
    id: 'One',
    reason: expect.stringMatching(/composite/),
  });
});
