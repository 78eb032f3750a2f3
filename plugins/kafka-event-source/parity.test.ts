import { expect, test } from '@jest/globals';
import { readDefinitions } from './definition.ts';
import { readOptions } from './options.ts';
import { formatParity } from './parity.ts';
import { refuseFaults } from './report.ts';
import { NO_ACCESS } from './template/compile.ts';
import { kafka, kafkaService } from './test/support/kafka-service.ts';

const arn = 'arn:aws:kafka:us-east-1:111:cluster/MyCluster/abc-1';
const pollers = { provisionedPollers: { min: 1, group: 'g' } };

function read(events: unknown[], custom: object = {}, resources: object = {}) {
  return readDefinitions(
    kafkaService(events, { resources: { ...resources } }),
    readOptions(custom),
  );
}
const differences = (...args: Parameters<typeof read>) =>
  read(...args).definitions[0]?.parity.filter(({ difference }) => difference !== 'none');

test('a mapping on its deployed servers has no differences', () => {
  expect(differences([{ kafka }])).toEqual([]);
});

test('a local setting is a difference of that setting', () => {
  const mappings = { notify: { consumerGroupId: 'mine', onFailureDestination: '' } };
  const event = { ...kafka, onFailureDestination: 'arn:aws:sqs:us-east-1:1:q' };
  const custom = { bootstrapServers: 'localhost:9092', mappings };
  expect(differences([{ kafka: event }], custom)).toEqual([
    {
      setting: 'bootstrapServers',
      deployed: 'b-1.example.com:9096,b-2.example.com:9096',
      here: 'localhost:9092',
      difference: 'local',
      why: 'custom.kafkaEventSource',
    },
    expect.objectContaining({ setting: 'SourceAccessConfigurations', here: 'PLAINTEXT' }),
    expect.objectContaining({
      setting: 'ConsumerGroupId',
      deployed: "the mapping's UUID",
      here: 'mine',
    }),
    expect.objectContaining({ setting: 'DestinationConfig', here: '-', difference: 'local' }),
  ]);
});

test('access that functions without a template leave out is no difference', () => {
  const accessConfigurations = NO_ACCESS;
  const custom = { bootstrapServers: kafka.bootstrapServers };
  expect(differences([{ kafka: { ...kafka, accessConfigurations } }], custom)).toEqual([]);
});

test('the access to the broker is reported without secrets', () => {
  const sasl = { mechanism: 'plain', username: 'me', password: 'secret' };
  const rows = differences([{ kafka }], { ssl: true, sasl });
  expect(rows).toMatchObject([{ deployed: 'SASL_SCRAM_512_AUTH', here: 'SASL plain, TLS' }]);
  expect(JSON.stringify(rows)).not.toContain('secret');
});

test('the address of a schema registry is reported without its login', () => {
  const schemaRegistry = {
    uri: 'https://registry.example.com',
    eventRecordFormat: 'JSON',
    validate: ['value'],
  };
  const endpoints = { schemaRegistry: 'http://me:secret@localhost:8081/base' };
  const rows = differences([{ kafka: { ...kafka, ...pollers, schemaRegistry } }], { endpoints });
  expect(rows?.[0]).toMatchObject({
    setting: 'SchemaRegistryConfig',
    deployed: 'https://registry.example.com',
    here: 'http://localhost:8081/base',
  });
});

test('durable functions and managed instances are differences', () => {
  const Properties = {
    DurableConfig: { ExecutionTimeout: 600 },
    CapacityProviderConfig: { LambdaManagedInstancesCapacityProviderConfig: {} },
  };
  const mapping = {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { FunctionName: 'shop-local-notify:1', EventSourceArn: arn, Topics: ['orders'] },
  };
  const custom = { bootstrapServers: 'localhost:9092' };
  const rows = differences([], custom, { notifyLambdaFunction: { Properties }, mapping }) ?? [];
  const own = rows.filter(({ difference }) => difference === 'emulator');
  expect(own).toEqual([
    expect.objectContaining({ setting: 'FunctionName', deployed: 'shop-local-notify:1' }),
    expect.objectContaining({ setting: 'DurableConfig', deployed: '{"ExecutionTimeout":600}' }),
    expect.objectContaining({ setting: 'CapacityProviderConfig', here: 'one' }),
  ]);
});

test('behaviour that only AWS has is a difference of its own kind', () => {
  const resources = {
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Condition: 'IsProd',
      Properties: {
        FunctionName: {
          'Fn::Join': [':', [{ 'Fn::GetAtt': ['notifyLambdaFunction', 'Arn'] }, 'v']],
        },
        EventSourceArn: arn,
        Topics: ['orders'],
        ProvisionedPollerConfig: { MinimumPollers: 1 },
        MetricsConfig: { Metrics: ['EventCount'] },
        LoggingConfig: { SystemLogLevel: 'INFO' },
        KmsKeyArn: { Ref: 'Key' },
        Tags: [{ Key: 'a', Value: 'b' }],
      },
    },
  };
  const custom = { bootstrapServers: 'localhost:9092' };
  const rows = differences([], custom, resources) ?? [];
  const own = rows.filter(({ difference }) => difference === 'emulator');
  expect(own.map(({ setting }) => setting)).toEqual(['FunctionName', 'Condition']);
  const loaded = { definitions: read([], custom, resources), options: readOptions(custom) };
  expect(() => refuseFaults(loaded)).not.toThrow();
  const options = readOptions({ ...custom, strict: true });
  expect(() => refuseFaults({ ...loaded, options })).toThrow(
    /^notify \(orders\): FunctionName is .*\n.*: Condition is .*\ncustom\.kafkaEventSource\.strict is true/,
  );
});

test('an alias is a difference, except at the endpoint aws', () => {
  const Properties = {
    FunctionName: 'shop-local-notify:live',
    EventSourceArn: arn,
    Topics: ['orders'],
  };
  const resources = { Mapping: { Type: 'AWS::Lambda::EventSourceMapping', Properties } };
  const rowOf = (custom: object) =>
    read([], { bootstrapServers: 'localhost:9092', ...custom }, resources).definitions[0]
      ?.parity[0];
  expect(rowOf({})).toMatchObject({ here: 'shop-local-notify', difference: 'emulator' });
  expect(rowOf({ lambdaEndpoint: 'aws' })).toMatchObject({
    here: 'shop-local-notify:live',
    difference: 'none',
  });
});

test('the table shows the differences, or everything', () => {
  const [definition] = read([{ kafka: { ...kafka, ...pollers } }]).definitions;
  const rows = definition?.parity ?? [];
  expect(formatParity(rows, { all: false }).split('\n')).toEqual([
    '  setting          deployed  here',
    '  PollerGroupName  g         -     here each mapping has its own pollers',
  ]);
  expect(formatParity(rows, { all: true }).split('\n')).toHaveLength(rows.length + 1);
  expect(formatParity([], { all: true })).toBe('');
});

test('a long value is cut in the table', () => {
  const filterPatterns = [{ value: { name: ['x'.repeat(100)] } }];
  const [definition] = read([{ kafka: { ...kafka, filterPatterns } }]).definitions;
  const row = definition?.parity.find(({ setting }) => setting === 'FilterCriteria');
  expect(row?.deployed).toBe(JSON.stringify(filterPatterns[0]));
  const table = formatParity(definition?.parity ?? [], { all: true });
  expect(table).toContain('…');
  expect(table).not.toContain('x'.repeat(60));
});
