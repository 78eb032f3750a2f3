import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readDeployed, type Service } from '../../template/deployed.ts';
import { link, PLUGIN } from '../support/root.ts';
import { sls } from '../support/sls.ts';

const secret = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:x';
const arn = 'arn:aws:kafka:us-east-1:111111111111:cluster/Shared/abc-1';
const own = {
  maximumRetryAttempts: 3,
  maximumRecordAge: 3600,
  bisectBatchOnFunctionError: true,
  functionResponseType: 'ReportBatchItemFailures',
  maximumBatchingWindowInSeconds: 0,
  metricsConfig: { metrics: ['EventCount', 'ErrorCount'] },
  loggingConfig: { systemLogLevel: 'INFO' },
  schemaRegistry: {
    uri: { 'Fn::ImportValue': 'RegistryUri' },
    eventRecordFormat: 'JSON',
    accessConfigurations: { basicAuth: secret },
    validate: ['key', 'value'],
  },
};

/** Access by secrets, and the types that they deploy as. */
const SECRETS = {
  saslPlainAuth: 'BASIC_AUTH',
  saslScram256Auth: 'SASL_SCRAM_256_AUTH',
  saslScram512Auth: 'SASL_SCRAM_512_AUTH',
  clientCertificateTlsAuth: 'CLIENT_CERTIFICATE_TLS_AUTH',
};

/** A service with all properties of the events, the plugin's and the framework's. */
const service = {
  service: 'mappings',
  frameworkVersion: '4',
  configValidationMode: 'error',
  plugins: [PLUGIN],
  provider: { name: 'aws', runtime: 'nodejs24.x', region: 'us-east-1', stage: 'prod' },
  package: { patterns: ['!**', 'handler.mjs'] },
  functions: {
    selfManaged: {
      handler: 'handler.run',
      events: [
        {
          kafka: {
            accessConfigurations: {
              vpcSubnet: 'subnet-0011001100',
              vpcSecurityGroup: ['sg-0123456789'],
              saslPlainAuth: secret,
              serverRootCaCertificate: [secret],
            },
            bootstrapServers: ['kafka.example.com:9096,kafka-2.example.com:9096'],
            topic: 'my-orders',
            batchSize: 5,
            maximumBatchingWindow: 3,
            enabled: false,
            startingPosition: 'AT_TIMESTAMP',
            startingPositionTimestamp: 1_700_000_000,
            consumerGroupId: 'a-group',
            filterPatterns: [{ value: { a: ['x', 'y'] } }],
            onFailureDestination: { 'Fn::GetAtt': ['Letters', 'Arn'] },
            provisionedPollerConfig: { minimumPollers: 1, maximumPollers: 3 },
            ...own,
          },
        },
      ],
    },
    managed: {
      handler: 'handler.run',
      events: [
        {
          msk: {
            arn,
            topic: 'bills',
            saslScram512: secret,
            consumerGroupId: 'bills-group',
            onFailureDestination: 'kafka://dead',
            provisionedPollers: { min: 2, max: 4, group: 'shared' },
            ...own,
          },
        },
        {
          msk: { arn: { 'Fn::ImportValue': 'Cluster' }, topic: 'plain', maximumBatchingWindow: 0 },
        },
      ],
    },
    durable: {
      handler: 'handler.run',
      durableConfig: { executionTimeout: 900 },
      events: [{ msk: { arn, topic: 'lasting' } }],
    },
    secured: {
      handler: 'handler.run',
      events: Object.keys(SECRETS).map((name) => ({
        kafka: {
          accessConfigurations: { [name]: secret, serverRootCaCertificate: [secret] },
          bootstrapServers: ['kafka.example.com:9096'],
          topic: name,
        },
      })),
    },
  },
  resources: {
    Resources: {
      Letters: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'letters' } },
      Alarm: {
        Type: 'AWS::CloudWatch::Alarm',
        Properties: {
          Namespace: 'AWS/Lambda',
          MetricName: 'DroppedEventCount',
          Dimensions: [{ Name: 'EventSourceMappingUUID', Value: { Ref: 'SelfManagedMapping' } }],
        },
      },
      ManagedEventSourceMappingMSKSharedBills: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { ProvisionedPollerConfig: { MaximumPollers: 7 }, MaximumRetryAttempts: 5 },
      },
      Plain: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          FunctionName: { 'Fn::GetAtt': ['ManagedLambdaFunction', 'Arn'] },
          EventSourceArn: arn,
          Topics: ['third'],
        },
      },
    },
    extensions: {
      ManagedEventSourceMappingMSKSharedBills: { Properties: { MaximumRetryAttempts: 6 } },
    },
  },
};

type Resources = Record<string, { Type: string; Properties: Record<string, unknown> }>;
let folder: string;
let packaged: Resources;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-package-'));
  await writeFile(join(folder, 'serverless.json'), JSON.stringify(service));
  await writeFile(join(folder, 'handler.mjs'), 'export const run = () => undefined;\n');
  await link(folder);
  const { code, stdout, stderr } = await sls(['package'], folder);
  if (code !== 0) throw new Error(stdout + stderr);
  const file = join(folder, '.serverless/cloudformation-template-update-stack.json');
  packaged = JSON.parse(await readFile(file, 'utf8')).Resources;
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('sls package carries the properties that the framework lacks, on kafka and msk', () => {
  const registry = {
    SchemaRegistryURI: { 'Fn::ImportValue': 'RegistryUri' },
    EventRecordFormat: 'JSON',
    AccessConfigs: [{ Type: 'BASIC_AUTH', URI: secret }],
    SchemaValidationConfigs: [{ Attribute: 'KEY' }, { Attribute: 'VALUE' }],
  };
  const both = {
    MaximumRecordAgeInSeconds: 3600,
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    MetricsConfig: { Metrics: ['EventCount', 'ErrorCount'] },
    LoggingConfig: { SystemLogLevel: 'INFO' },
  };
  expect(packaged.SelfManagedEventSourceMappingKafkaMyorders?.Properties).toMatchObject({
    ...both,
    MaximumRetryAttempts: 3,
    MaximumBatchingWindowInSeconds: 0,
    DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['Letters', 'Arn'] } } },
    ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 3 },
    SelfManagedEventSource: {
      Endpoints: { KafkaBootstrapServers: ['kafka.example.com:9096', 'kafka-2.example.com:9096'] },
    },
    SelfManagedKafkaEventSourceConfig: {
      ConsumerGroupId: 'a-group',
      SchemaRegistryConfig: registry,
    },
  });
  expect(packaged.ManagedEventSourceMappingMSKSharedBills?.Properties).toMatchObject({
    ...both,
    DestinationConfig: { OnFailure: { Destination: 'kafka://dead' } },
    AmazonManagedKafkaEventSourceConfig: {
      ConsumerGroupId: 'bills-group',
      SchemaRegistryConfig: registry,
    },
  });
});

test("an alarm may refer to a mapping by its function's name", () => {
  expect(packaged.Alarm?.Properties.Dimensions).toEqual([
    {
      Name: 'EventSourceMappingUUID',
      Value: { Ref: 'SelfManagedEventSourceMappingKafkaMyorders' },
    },
  ]);
});

test('each access configuration is deployed as its type, one value or a list', () => {
  expect(
    packaged.SelfManagedEventSourceMappingKafkaMyorders?.Properties.SourceAccessConfigurations,
  ).toEqual([
    { Type: 'VPC_SUBNET', URI: 'subnet:subnet-0011001100' },
    { Type: 'VPC_SECURITY_GROUP', URI: 'security_group:sg-0123456789' },
    { Type: 'BASIC_AUTH', URI: secret },
    { Type: 'SERVER_ROOT_CA_CERTIFICATE', URI: secret },
  ]);
  for (const [name, Type] of Object.entries(SECRETS)) {
    const id = `SecuredEventSourceMappingKafka${name[0]?.toUpperCase()}${name.slice(1)}`;
    expect(packaged[id]?.Properties.SourceAccessConfigurations).toEqual([
      { Type, URI: secret },
      { Type: 'SERVER_ROOT_CA_CERTIFICATE', URI: secret },
    ]);
  }
});

test("the user's resources and extensions win over the plugin's properties, in that order", () => {
  expect(packaged.ManagedEventSourceMappingMSKSharedBills?.Properties).toMatchObject({
    MaximumRetryAttempts: 6,
    ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 7, PollerGroupName: 'shared' },
  });
});

test('a maximumBatchingWindow of 0 is left out of the template', () => {
  expect(packaged.ManagedEventSourceMappingMSKClusterPlain?.Properties).not.toHaveProperty(
    'MaximumBatchingWindowInSeconds',
  );
});

test('the mapping that runs here is the packaged one, property by property', () => {
  const word = (text: string) => text.replace(/[^A-Za-z0-9]/g, '');
  const capital = (text: string) => `${text[0]?.toUpperCase()}${text.slice(1)}`;
  const read: Service = {
    service: 'mappings',
    stage: 'prod',
    region: 'us-east-1',
    folder: '.',
    functions: Object.entries(service.functions).map(([key, { events }]) => ({
      key,
      name: `mappings-prod-${key}`,
      logicalIds: [`${capital(key)}LambdaFunction`],
      ...(key === 'durable' && { eventAlias: 'durable' }),
      timeoutSeconds: 6,
      events,
    })),
    resourcesPath: 'resources.Resources',
    // Without the queue, its ARN stays a function as in the template.
    resources: { ...service.resources.Resources, Letters: {} },
    parameters: {},
    mappings: {},
    conditions: {},
    extensions: service.resources.extensions,
    logicalId: (kind, key, topic, cluster) =>
      kind === 'kafka'
        ? `${capital(key)}EventSourceMappingKafka${capital(word(topic))}`
        : `${capital(key)}EventSourceMappingMSK${capital(word(cluster))}${capital(word(topic))}`,
  };
  const mappings = Object.entries(packaged).filter(
    ([, { Type }]) => Type === 'AWS::Lambda::EventSourceMapping',
  );
  const { deployed, warnings } = readDeployed(read, { parameters: {}, imports: {} });
  expect(warnings).toEqual([]);
  expect(deployed.map(({ logicalId, properties }) => [logicalId, properties]).toSorted()).toEqual(
    mappings
      .map(
        ([
          logicalId,
          {
            Properties: { FunctionName: _, ...properties },
          },
        ]) => [logicalId, properties],
      )
      .toSorted(),
  );
  const { FunctionName } = packaged.DurableEventSourceMappingMSKSharedLasting?.Properties ?? {};
  expect(FunctionName).toMatchObject({ 'Fn::Join': [':', [expect.anything(), 'durable']] });
  expect(deployed.flatMap(({ qualifier }) => qualifier ?? [])).toEqual(['durable']);
});
