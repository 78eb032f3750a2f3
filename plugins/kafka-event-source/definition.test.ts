import { describe, expect, test } from '@jest/globals';
import { readMappings, type Service } from './definition.ts';
import { readOptions } from './options.ts';

const kafka = {
  accessConfigurations: { saslScram512Auth: ['arn:aws:secretsmanager:us-east-1:1:secret:x'] },
  bootstrapServers: ['b-1.example.com:9096', 'b-2.example.com:9096'],
  topic: 'orders',
};
const LOGICAL_ID = 'NotifyEventSourceMappingKafkaOrders';

function service(events: unknown[], properties?: object, timeoutSeconds = 6): Service {
  return {
    service: 'shop',
    stage: 'local',
    functions: [{ key: 'notify', name: 'shop-local-notify', timeoutSeconds, events }],
    extensions: properties ? { [LOGICAL_ID]: { Properties: properties } } : {},
    logicalId: (kind) => (kind === 'kafka' ? LOGICAL_ID : 'NotifyMsk'),
  };
}
const local = { bootstrapServers: 'localhost:9092' };
const read = (event: object = {}, properties?: object, custom: unknown = local) =>
  readMappings(service([{ kafka: { ...kafka, ...event } }], properties), readOptions(custom));
const one = (...args: Parameters<typeof read>) => read(...args)[0];

test('the defaults are those of AWS', () => {
  expect(one()).toMatchObject({
    functionName: 'shop-local-notify',
    topic: 'orders',
    batchSize: 100,
    windowMs: 500,
    enabled: true,
    startingPosition: 'TRIM_HORIZON',
    reportBatchItemFailures: false,
    bootstrapServers: ['localhost:9092'],
    source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'localhost:9092' },
    notEmulated: [],
  });
});

test('a window of 0 in serverless.yml deploys as the default; in the extension it is 0', () => {
  expect(one({ maximumBatchingWindow: 0 })?.windowMs).toBe(500);
  expect(one({ maximumBatchingWindow: 3 })?.windowMs).toBe(3_000);
  expect(one({}, { MaximumBatchingWindowInSeconds: 0 })?.windowMs).toBe(0);
});

test('resources.extensions is laid over the event', () => {
  const properties = {
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BatchSize: 7,
    MaximumRetryAttempts: 3,
    ProvisionedPollerConfig: { MinimumPollers: 1 },
    DestinationConfig: { OnFailure: { Destination: 'kafka://dead' } },
  };
  expect(one({ batchSize: 50 }, properties)).toMatchObject({
    batchSize: 7,
    reportBatchItemFailures: true,
    notEmulated: ['MaximumRetryAttempts', 'DestinationConfig', 'ProvisionedPollerConfig'],
  });
});

test('strict makes a setting that is not emulated an error', () => {
  expect(() => one({}, { MaximumRetryAttempts: 3 }, { ...local, strict: true })).toThrow(
    /not emulated: MaximumRetryAttempts/,
  );
});

test('the default group is a UUID that is the same at every start', () => {
  expect(one()?.groupId).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(one()?.groupId).toBe(one()?.groupId);
  expect(one({ topic: 'other' })?.groupId).not.toBe(one()?.groupId);
  expect(one({ consumerGroupId: 'named' })?.groupId).toBe('named');
});

test("the mapping's own servers win over those for all, and these over the deployed ones", () => {
  const mappings = { notify: { bootstrapServers: ['127.0.0.1:1', '127.0.0.1:2'] } };
  expect(one({}, undefined, { ...local, mappings })?.bootstrapServers).toEqual([
    '127.0.0.1:1',
    '127.0.0.1:2',
  ]);
  expect(one({}, undefined, {})?.bootstrapServers).toEqual(kafka.bootstrapServers);
  expect(() => one({ bootstrapServers: [{ Ref: 'Servers' }] }, undefined, {})).toThrow(
    /Set custom.kafkaEventSource.bootstrapServers/,
  );
});

test("an msk event has its cluster's ARN and needs local servers", () => {
  const arn = 'arn:aws:kafka:us-east-1:111:cluster/MyCluster/abc';
  const events = [{ msk: { arn, topic: 'orders' } }];
  expect(readMappings(service(events), readOptions(local))[0]?.source).toEqual({
    eventSource: 'aws:kafka',
    eventSourceArn: arn,
    bootstrapServers: 'localhost:9092',
  });
  expect(() => readMappings(service(events), readOptions({}))).toThrow(/names no servers/);
});

test('of two events with one logical id the last is deployed', () => {
  const events = [{ kafka: { ...kafka, batchSize: 1 } }, { kafka: { ...kafka, batchSize: 2 } }];
  const mappings = readMappings(service(events), readOptions(local));
  expect(mappings.map(({ batchSize }) => batchSize)).toEqual([2]);
});

test('other events are not ours', () => {
  expect(readMappings(service([{ httpApi: '*' }, 'schedule']), readOptions(local))).toEqual([]);
});

describe('refused', () => {
  test.each([
    [
      'a batch size of 0',
      { batchSize: 0 },
      /Value '0' at 'batchSize' failed to satisfy constraint: Member must have value greater than or equal to 1/,
    ],
    ['a batch size over 10000', { batchSize: 10_001 }, /less than or equal to 10000/],
    ['a window over 300 s', { maximumBatchingWindow: 301 }, /maximumBatchingWindowInSeconds/],
    [
      'no access configuration',
      { accessConfigurations: {} },
      /Required 'sourceAccessConfigurations' parameter is missing\./,
    ],
    ['a topic with a slash', { topic: 'bad/topic' }, /must satisfy regular expression pattern/],
    ['an unknown property', { batchsize: 5 }, /batchsize/],
    [
      'AT_TIMESTAMP without one',
      { startingPosition: 'AT_TIMESTAMP' },
      /You must specify startingPositionTimestamp for function: notify when startingPosition is AT_TIMESTAMP\./,
    ],
    ['filters', { filterPatterns: [{ value: { a: [1] } }] }, /filters are not emulated yet/],
  ])('%s', (_, event, message) => {
    expect(() => one(event)).toThrow(message);
  });

  test('two topics', () => {
    expect(() => one({}, { Topics: ['one', 'two'] })).toThrow(
      /1 validation error detected: Value '\[one, two\]' at 'topics' failed to satisfy constraint: Member must have length less than or equal to 1/,
    );
  });

  test('a function that may run for longer than 14 minutes', () => {
    expect(() => readMappings(service([{ kafka }], undefined, 900), readOptions(local))).toThrow(
      /at most 840 s/,
    );
  });

  test.each([
    ['an unknown option', { bootstrapServer: 'localhost:9092' }, /bootstrapServer/],
    ['servers without a port', { bootstrapServers: 'localhost' }, /host:port/],
    ['a mapping of no function', { mappings: { notfy: {} } }, /there is no function "notfy"/],
  ])('%s', (_, custom, message) => {
    expect(() => one({}, undefined, custom)).toThrow(message);
  });
});
