// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
import { join } from 'node:path';
import { SourceAccessType } from '@aws-sdk/client-lambda';
import { describe, expect, test } from '@jest/globals';
import { readDefinitions } from './definition.ts';
import { readOptions } from './options.ts';
import { ownProperties } from './template/compile.ts';
import type { Service } from './template/deployed.ts';
import { kafka, kafkaFunction, kafkaService } from './test/support/kafka-service.ts';
import { MODULES } from './test/support/root.ts';

const EXTENDED = 'notifyKafkaorders';
const local = { bootstrapServers: 'localhost:9092' };
const arn = 'arn:aws:kafka:us-east-1:111:cluster/MyCluster/abc-1';

function definitions(events: unknown[], changes: Partial<Service> = {}, custom: unknown = local) {
  return readDefinitions(kafkaService(events, changes), readOptions(custom)).definitions;
}
const mappings = (...args: Parameters<typeof definitions>) =>
  definitions(...args).map(({ mapping }) => mapping);
const one = (event: object = {}, properties: object = {}, custom: unknown = local) =>
  mappings(
    [{ kafka: { ...kafka, ...event } }],
    { extensions: { [EXTENDED]: { Properties: properties } } },
    custom,
  )[0];

test('the defaults are those of AWS', () => {
  expect(one()).toMatchObject({
    functionName: 'shop-local-notify',
    functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:shop-local-notify',
    topic: 'orders',
    batchSize: 100,
    windowMs: 500,
    enabled: true,
    startingPosition: 'TRIM_HORIZON',
    maximumRetryAttempts: -1,
    maximumRecordAgeSeconds: -1,
    bisectBatchOnFunctionError: false,
    reportBatchItemFailures: false,
    filters: [],
    bootstrapServers: ['localhost:9092'],
    source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'localhost:9092' },
    access: [{ type: 'SASL_SCRAM_512_AUTH', uri: 'arn:aws:secretsmanager:us-east-1:1:secret:x' }],
  });
  expect(one()).not.toHaveProperty('pollers');
  expect(one()).not.toHaveProperty('destination');
});

test('a window of 0 in maximumBatchingWindow deploys as the default, with a warning', () => {
  const [definition] = definitions([{ kafka: { ...kafka, maximumBatchingWindow: 0 } }]);
  expect(definition?.mapping?.windowMs).toBe(500);
  expect(definition?.warnings).toEqual([expect.stringMatching(/deploys as the default of 500 ms/)]);
});

test('a window of 0 in maximumBatchingWindowInSeconds or in an extension deploys as 0', () => {
  expect(one({ maximumBatchingWindow: 3 })?.windowMs).toBe(3_000);
  expect(one({ maximumBatchingWindowInSeconds: 0 })?.windowMs).toBe(0);
  expect(one({}, { MaximumBatchingWindowInSeconds: 0 })?.windowMs).toBe(0);
});

test('an invocation of a durable function may last as long as its execution', () => {
  const others = { durableConfig: { executionTimeout: 900 }, eventAlias: 'durable' };
  const functions = [kafkaFunction('notify', [{ kafka }], 30, others)];
  expect(mappings([], { functions })[0]).toMatchObject({ timeoutMs: 30_000, executionMs: 900_000 });
  expect(one()).not.toHaveProperty('executionMs');
});

test('one group that only this machine gives to two mappings is not what AWS refuses', () => {
  const own = (topic: string) => ({ kafka: { ...kafka, topic, consumerGroupId: topic } });
  const mine = { ...local, mappings: { notify: { consumerGroupId: 'mine' } } };
  const [, second] = definitions([own('orders'), own('bills')], {}, mine);
  expect(second?.warnings).toEqual([
    expect.stringMatching(/group mine is also .* AWS's page says/),
  ]);
});

test('the limits of throughput are off, unless the option asks for them', () => {
  expect(one()).not.toHaveProperty('limits');
  expect(one({}, {}, { ...local, limits: 'aws' })?.limits).toBe('aws');
  const Properties = { CapacityProviderConfig: {} };
  const resources = { notifyLambdaFunction: { Properties } };
  expect(mappings([{ kafka }], { resources })[0]?.isManaged).toBe(true);
  expect(() => readOptions({ limits: 'gcp' })).toThrow(/limits/);
});

test('the port of the API may be a text, as a variable of the environment is', () => {
  expect(readOptions({ apiPort: '4004' }).apiPort).toBe(4004);
});

test("a function's mapping knows whether its handler may have a callback", () => {
  const withRuntime = (runtime: string) =>
    mappings([], { functions: [kafkaFunction('notify', [{ kafka }], 6, { runtime })] })[0];
  expect(withRuntime('nodejs24.x')?.callbackError).toMatch(/^ERROR: AWS Lambda has removed/);
  expect(withRuntime('nodejs22.x')).not.toHaveProperty('callbackError');
});

test('all settings of failures and modes come from the event', () => {
  const event = {
    maximumRetryAttempts: 3,
    maximumRecordAge: 60,
    bisectBatchOnFunctionError: true,
    functionResponseType: 'ReportBatchItemFailures',
    onFailureDestination: 'kafka://dead',
    provisionedPollerConfig: { minimumPollers: 1, maximumPollers: 5, pollerGroupName: 'g' },
    metricsConfig: { metrics: ['EventCount', 'KafkaMetrics'] },
    loggingConfig: { systemLogLevel: 'INFO' },
    filterPatterns: [{ value: { a: [1] } }],
    schemaRegistry: {
      uri: 'https://registry.example.com:8081',
      eventRecordFormat: 'JSON',
      accessConfigurations: { basicAuth: 'arn:aws:secretsmanager:us-east-1:1:secret:r' },
      validate: ['value'],
    },
  };
  const settings = {
    maximumRetryAttempts: 3,
    maximumRecordAgeSeconds: 60,
    bisectBatchOnFunctionError: true,
    reportBatchItemFailures: true,
    destination: { kind: 'kafka', topic: 'dead' },
    pollers: { minimum: 1, maximum: 5, group: 'g' },
    metricGroups: ['EventCount', 'KafkaMetrics'],
    systemLogLevel: 'INFO',
    filters: ['{"value":{"a":[1]}}'],
    schemaRegistry: {
      uri: 'https://registry.example.com:8081',
      eventRecordFormat: 'JSON',
      access: [{ type: 'BASIC_AUTH', uri: 'arn:aws:secretsmanager:us-east-1:1:secret:r' }],
      attributes: ['VALUE'],
    },
  };
  expect(one(event)).toMatchObject(settings);
  expect(mappings([{ msk: { arn, topic: 'orders', ...event } }])[0]).toMatchObject(settings);
});

test('a batch size of 0 in the event is left out and deploys as 100, with a warning', () => {
  const [definition] = definitions([{ kafka: { ...kafka, batchSize: 0 } }]);
  expect(definition?.mapping?.batchSize).toBe(100);
  expect(definition?.warnings).toEqual([expect.stringMatching(/deploys as the default of 100/)]);
});

test('an empty destination counts as none', () => {
  const inTemplate = (OnFailure: object) => one({}, { DestinationConfig: { OnFailure } });
  for (const mapping of [
    one({ onFailureDestination: '' }),
    inTemplate({ Destination: '' }),
    inTemplate({}),
  ]) {
    expect(mapping).toMatchObject({ topic: 'orders' });
    expect(mapping).not.toHaveProperty('destination');
  }
});

test.each(['', null])(
  'a property whose variable is %j is not set, here and in the template',
  (empty) => {
    const event = {
      batchSize: empty,
      maximumBatchingWindowInSeconds: empty,
      maximumRetryAttempts: empty,
      maximumRecordAge: empty,
      bisectBatchOnFunctionError: empty,
      functionResponseType: empty,
      onFailureDestination: empty,
      consumerGroupId: empty,
    };
    expect(definitions([{ kafka: { ...kafka, ...event } }])).toMatchObject([
      { refusals: [], warnings: [], mapping: { batchSize: 100, windowMs: 500 } },
    ]);
    expect(ownProperties({ kind: 'kafka', event: { ...kafka, ...event } })).toEqual({});
    const cluster = { arn, topic: 'orders', saslScram512: empty };
    expect(definitions([{ msk: { ...cluster, ...event } }])).toMatchObject([{ refusals: [] }]);
    expect(ownProperties({ kind: 'msk', event: { ...cluster, ...event } })).toEqual({});
  },
);

test('the event has the servers as they are set, in their order', () => {
  const custom = { bootstrapServers: ['two:2', 'one:1'] };
  expect(one({}, {}, custom)?.source.bootstrapServers).toBe('two:2,one:1');
  expect(one({}, {}, {})?.source.bootstrapServers).toBe(kafka.bootstrapServers.join(','));
});

test('an msk mapping gets a client certificate by an extension', () => {
  const naming = kafkaService([]).logicalId('msk', 'notify', 'orders', 'MyCluster');
  const access = {
    Type: 'CLIENT_CERTIFICATE_TLS_AUTH',
    URI: 'arn:aws:secretsmanager:us-east-1:1:secret:c',
  };
  const extensions = { [naming]: { Properties: { SourceAccessConfigurations: [access] } } };
  expect(mappings([{ msk: { arn, topic: 'orders' } }], { extensions })[0]?.access).toEqual([
    { type: access.Type, uri: access.URI },
  ]);
});

test('pollers are 1 to 200 by default', () => {
  expect(one({ provisionedPollers: { min: 3 } })?.pollers).toEqual({ minimum: 3, maximum: 200 });
  expect(one({ provisionedPollers: { max: 3 } })?.pollers).toEqual({ minimum: 1, maximum: 3 });
});

test("provisioned pollers may have either framework's name", () => {
  const pollers = { minimum: 2, maximum: 4, group: 'g' };
  expect(one({ provisionedPollers: { min: 2, max: 4, group: 'g' } })?.pollers).toEqual(pollers);
  expect(one({ provisionedPollerConfig: { maximumPollers: 4 } })?.pollers).toEqual({
    minimum: 1,
    maximum: 4,
  });
  expect(one({ provisionedPollers: false })).not.toHaveProperty('pollers');
});

test('resources.extensions is merged into the event, property by property', () => {
  const properties = {
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    BatchSize: 7,
    ProvisionedPollerConfig: { MaximumPollers: 3 },
  };
  const event = { batchSize: 50, provisionedPollerConfig: { minimumPollers: 2 } };
  expect(one(event, properties)).toMatchObject({
    batchSize: 7,
    reportBatchItemFailures: true,
    pollers: { minimum: 1, maximum: 3 },
  });
});

test('resources.Resources is merged into the event, and resources.extensions wins over it', () => {
  const resources = {
    [EXTENDED]: { Properties: { BatchSize: 7, ProvisionedPollerConfig: { MaximumPollers: 3 } } },
  };
  const event = { ...kafka, provisionedPollerConfig: { minimumPollers: 2 } };
  const extensions = { [EXTENDED]: { Properties: { BatchSize: 8 } } };
  expect(mappings([{ kafka: event }], { resources, extensions })[0]).toMatchObject({
    batchSize: 8,
    pollers: { minimum: 2, maximum: 3 },
  });
});

test.each(['a:99999', 'a:0', 'a', 'http://a:9092', '//a:9092', 'a:9092,', ''])(
  'a mapping with the deployed servers "%s" does not start, unless others are polled here',
  (server) => {
    const event = { kafka: { ...kafka, bootstrapServers: [server] } };
    const [refused] = definitions([event], {}, {});
    expect(refused?.mapping).toBeUndefined();
    expect(refused?.refusals[0]?.message).toMatch(
      /write host:port, with a port from 1 to 65535\. .*bootstrapServers, to the local broker/,
    );
    expect(mappings([event])[0]?.bootstrapServers).toEqual(['localhost:9092']);
  },
);

/** A mapping of self-managed Kafka with these access configurations, which have no URI where AWS wants none. */
const withAccess = (types: readonly string[], custom: unknown) => {
  const access = types.map((Type) => (/^IAM/.test(Type) ? { Type } : { Type, URI: 'arn:aws:x:y' }));
  const extensions = { [EXTENDED]: { Properties: { SourceAccessConfigurations: access } } };
  return definitions([{ kafka }], { extensions }, custom)[0];
};
const TYPES = Object.values(SourceAccessType);
const BY_TOKEN = TYPES.filter((type) => /OAUTHBEARER|^IAM_/.test(type));
/** The types that another one needs beside itself. */
const beside = (type: string) =>
  type === 'IAM_OAUTHBEARER_AUTH'
    ? [type, 'OAUTHBEARER_AUDIENCE']
    : /OAUTHBEARER_[^A]|AUDIENCE/.test(type)
      ? [type, 'OAUTHBEARER_AUTH']
      : [type];

test('AWS knows these types of access, and each runs or says what happens here', () => {
  expect(BY_TOKEN).toHaveLength(7);
  for (const type of TYPES.filter((one) => !/VPC|VIRTUAL/.test(one))) {
    const local = { bootstrapServers: 'localhost:9092' };
    expect([type, withAccess(beside(type), local)?.refusals]).toEqual([type, []]);
    const refusals = withAccess(beside(type), {})?.refusals.map(({ message }) => message);
    expect([type, refusals]).toEqual([
      type,
      BY_TOKEN.includes(type)
        ? [
            expect.stringMatching(
              new RegExp(
                `signs in by .*${type}.*, which this emulator cannot\\. .*to the local broker`,
              ),
            ),
          ]
        : [],
    ]);
  }
  expect(withAccess(['VIRTUAL_HOST'], local)?.refusals).toMatchObject([
    {
      by: 'AWS',
      message: expect.stringMatching(/VIRTUAL_HOST is for RabbitMQ, and not for Kafka/),
    },
  ]);
});

test.each([
  ['OAUTHBEARER_SCOPE', 'OAUTHBEARER_SCOPE needs OAUTHBEARER_AUTH beside it'],
  [
    'OAUTHBEARER_AUDIENCE',
    'OAUTHBEARER_AUDIENCE needs OAUTHBEARER_AUTH or IAM_OAUTHBEARER_AUTH beside it',
  ],
  ['OAUTHBEARER_LOGICAL_CLUSTER', 'OAUTHBEARER_LOGICAL_CLUSTER needs OAUTHBEARER_AUTH beside it'],
  ['OAUTHBEARER_IDENTITY_POOL', 'OAUTHBEARER_IDENTITY_POOL needs OAUTHBEARER_AUTH beside it'],
  ['IAM_OAUTHBEARER_AUTH', 'IAM_OAUTHBEARER_AUTH needs OAUTHBEARER_AUDIENCE beside it'],
])('the access %s alone is refused', (type, message) => {
  expect(withAccess([type], local)?.refusals).toMatchObject([
    { by: 'AWS', message: expect.stringContaining(message) },
  ]);
});

test('servers in one text with commas are deployed as several', () => {
  expect(one({ bootstrapServers: ['a:1,b:2'] }, {}, {})?.bootstrapServers).toEqual(['a:1', 'b:2']);
});

describe('a mapping of resources.Resources', () => {
  const properties = {
    EventSourceArn: arn,
    Topics: ['orders'],
    StartingPosition: 'LATEST',
  };
  const mappingOf = (FunctionName: unknown) => ({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { ...properties, FunctionName },
  });
  const read = (FunctionName: unknown, resources: object = {}) =>
    definitions([], { resources: { ...resources, Mapping: mappingOf(FunctionName) } });

  test.each([
    ['a Ref', { Ref: 'notifyLambdaFunction' }],
    ['its ARN', { 'Fn::GetAtt': ['notifyLambdaFunction', 'Arn'] }],
    ['its name', 'shop-local-notify'],
    ['an ARN in full', 'arn:aws:lambda:eu-west-1:111:function:shop-local-notify:live'],
    ['a partial ARN', '111:function:shop-local-notify'],
    ["the framework's alias", { Ref: 'notifyProvConcLambdaAlias' }],
    ['an alias of its own', { Ref: 'Live' }],
    ['an ARN made by Fn::Sub', { 'Fn::Sub': '${notifyLambdaFunction.Arn}:live' }],
    ['an alias joined', { 'Fn::Join': [':', [{ 'Fn::GetAtt': 'notifyLambdaFunction.Arn' }, 'x']] }],
  ])('calls a function named by %s', (_, name) => {
    const alias = {
      Type: 'AWS::Lambda::Alias',
      Properties: { FunctionName: { Ref: 'notifyLambdaFunction' }, Name: 'live' },
    };
    const [definition] = read(name, { Live: alias });
    expect(definition?.refusals).toEqual([]);
    expect(definition?.mapping).toMatchObject({
      functionKey: 'notify',
      logicalId: 'Mapping',
      startingPosition: 'LATEST',
      source: { eventSource: 'aws:kafka', eventSourceArn: arn },
    });
  });

  const ref = { Ref: 'notifyLambdaFunction' };
  const fnArn = { 'Fn::GetAtt': ['notifyLambdaFunction', 'Arn'] };
  const attribute = { 'Fn::GetAtt': ['Version', 'Version'] };
  const parts = ['arn:aws:lambda:', { Ref: 'AWS::Region' }, ':1:function:', ref, ':'];

  test.each([
    ['a name', 'shop-local-notify:7', '7'],
    ['an ARN in full', 'arn:aws:lambda:eu-west-1:111:function:shop-local-notify:live', 'live'],
    ["the framework's alias", { Ref: 'notifyProvConcLambdaAlias' }, 'provisioned'],
    ['an alias of its own', { Ref: 'Live' }, 'live'],
    ['no alias', 'shop-local-notify', undefined],
    ['a version that only AWS knows', { Ref: 'Version' }, undefined],
    // As CDK writes the name of a function's current version.
    ['a version joined', { 'Fn::Join': ['', [ref, ':', attribute]] }, undefined],
    ['a version joined by colons', { 'Fn::Join': [':', [fnArn, attribute]] }, undefined],
    ['an ARN joined of parts', { 'Fn::Join': ['', [...parts, { Ref: 'Alias' }]] }, undefined],
    ['a parameter of Fn::Sub', { 'Fn::Sub': '${notifyLambdaFunction}:${Alias}' }, undefined],
    [
      'a version of Fn::Sub',
      { 'Fn::Sub': '${notifyLambdaFunction.Arn}:${Version.Version}' },
      undefined,
    ],
    [
      'a variable of Fn::Sub',
      { 'Fn::Sub': ['${Name}:${Alias}', { Name: ref, Alias: { 'Fn::ImportValue': 'x' } }] },
      undefined,
    ],
  ])('has the alias or version in %s', (_, name, qualifier) => {
    const FunctionName = { Ref: 'notifyLambdaFunction' };
    const Live = { Type: 'AWS::Lambda::Alias', Properties: { FunctionName, Name: 'live' } };
    const Version = { Type: 'AWS::Lambda::Version', Properties: { FunctionName } };
    const [definition] = read(name, { Live, Version });
    expect(definition?.mapping).toMatchObject({ functionName: 'shop-local-notify' });
    expect(definition?.mapping?.qualifier).toBe(qualifier);
    const isQualified = definition?.parity[0]?.difference === 'emulator';
    expect(isQualified).toBe(name !== 'shop-local-notify');
  });

  test('a deployed function is not called by a version that only AWS knows, and a warning says so', () => {
    const Version = {
      Type: 'AWS::Lambda::Version',
      Properties: { FunctionName: { Ref: 'notifyLambdaFunction' } },
    };
    const warnings = (lambdaEndpoint?: string) => {
      const resources = { Version, Mapping: mappingOf({ Ref: 'Version' }) };
      return definitions([], { resources }, { ...local, lambdaEndpoint })[0]?.warnings;
    };
    expect(warnings()).toEqual([]);
    expect(warnings('aws')).toEqual([
      expect.stringMatching(/\$LATEST of the function is called.* --function notify=/),
    ]);
  });

  test('does not run for a function of another service, and a message says so', () => {
    expect(read('somebody-elses')[0]).toMatchObject({
      mapping: undefined,
      refusals: [
        {
          by: 'emulator',
          message: expect.stringMatching(/"somebody-elses", which is not a function/),
        },
      ],
    });
  });

  test('of a queue or a stream is left to others', () => {
    const resources = {
      Queue: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: { 'Fn::GetAtt': ['Orders', 'Arn'] }, FunctionName: 'x' },
      },
    };
    expect(definitions([], { resources })).toEqual([]);
  });
});

test('the default group is a UUID that is the same at every start', () => {
  expect(one()?.groupId).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(one()?.uuid).toBe(one()?.groupId);
  expect(one()?.uuid).toBe(one({ batchSize: 5 })?.uuid);
  expect(one()?.uuid).toBe(one({ bootstrapServers: ['other.example.com:9096'] })?.uuid);
  expect(one({ consumerGroupId: '' })?.groupId).toBe(one()?.uuid);
  expect(one({ topic: 'other' })?.uuid).not.toBe(one()?.uuid);
  const stage = mappings([{ kafka }], { stage: 'prod' })[0];
  expect(stage?.uuid).not.toBe(one()?.uuid);
});

test('a named group is the group; the mapping keeps its UUID', () => {
  expect(one({ consumerGroupId: 'named' })).toMatchObject({ groupId: 'named', uuid: one()?.uuid });
});

test("a local setting of a mapping wins over the function's, and this one over the general one", () => {
  const events = [{ kafka }, { kafka: { ...kafka, topic: 'bills' } }];
  const custom = {
    bootstrapServers: 'one:1',
    mappings: {
      notify: { bootstrapServers: 'two:2,three:3', enabled: false },
      'notify/bills': { enabled: true, consumerGroupId: 'mine', onFailureDestination: '' },
    },
  };
  expect(mappings(events, {}, custom)).toMatchObject([
    { bootstrapServers: ['two:2', 'three:3'], enabled: false },
    { bootstrapServers: ['two:2', 'three:3'], enabled: true, groupId: 'mine' },
  ]);
  expect(one({}, {}, {})?.bootstrapServers).toEqual(kafka.bootstrapServers);
});

test('the deployed access is used for the deployed servers only', () => {
  expect(one({}, {}, {})?.connection).toEqual({ useDeployedAccess: true, secrets: {} });
  expect(one()?.connection).toEqual({ useDeployedAccess: false, secrets: {} });
  const sasl = { mechanism: 'plain', username: 'me', password: 'x' };
  const secrets = { 'arn:login': { environment: 'LOGIN' } };
  const custom = { ...local, useDeployedAccess: true, ssl: { ca: 'ca.pem' }, sasl, secrets };
  expect(one({}, {}, custom)?.connection).toEqual({
    useDeployedAccess: true,
    ssl: { ca: 'ca.pem' },
    sasl,
    secrets,
  });
});

test("an msk event has its cluster's ARN, made up where only AWS knows it", () => {
  const source = (value: unknown) =>
    mappings([{ msk: { arn: value, topic: 'orders' } }])[0]?.source;
  expect(source(arn)).toEqual({
    eventSource: 'aws:kafka',
    eventSourceArn: arn,
    bootstrapServers: 'localhost:9092',
  });
  const madeUp = /^arn:aws:kafka:us-east-1:000000000000:cluster\/Shared\/[0-9a-f-]{36}-1$/;
  for (const value of [{ 'Fn::ImportValue': 'Shared' }, { Ref: 'Shared' }]) {
    expect(source(value)).toMatchObject({ eventSourceArn: expect.stringMatching(madeUp) });
  }
});

test.each([
  [{ 'Fn::Join': [':', ['arn:aws:kafka', { Ref: 'Unknown' }, 'cluster/demo', 'x']] }, 'demo'],
  [{ 'Fn::Join': ['/', ['cluster', { Ref: 'Unknown' }]] }, 'cluster'],
  [{ 'Fn::Sub': 'arn:aws:kafka:${R}:1:cluster/${Name}/x' }, 'Name'],
  [{ 'Fn::GetAtt': ['Cluster', 'Arn'] }, 'Cluster'],
  ['arn:*', 'arn'],
  ['*', 'local'],
])('the made-up ARN of %j has the name %s', (value, name) => {
  const [mapping] = mappings([{ msk: { arn: value, topic: 'orders' } }]);
  const { eventSourceArn = '' } = (mapping?.source ?? {}) as { eventSourceArn?: string };
  expect(eventSourceArn.split('/')).toEqual([
    'arn:aws:kafka:us-east-1:000000000000:cluster',
    name,
    expect.stringMatching(/^[0-9a-f-]{36}-1$/),
  ]);
});

test.each([
  'function',
  'function:live',
  '111111111111:function:function',
  'arn:aws:lambda:us-east-1:111111111111:function:function',
  'arn:aws:lambda:us-east-1:111111111111:function:function:live',
])('%s calls the function that is named function', (FunctionName) => {
  const Properties = { FunctionName, EventSourceArn: arn, Topics: ['orders'] };
  const functions = [{ ...kafkaFunction('f'), name: 'function' }];
  const resources = { Mapping: { Type: 'AWS::Lambda::EventSourceMapping', Properties } };
  expect(mappings([], { functions, resources })).toMatchObject([{ functionName: 'function' }]);
});

test.each([
  [
    { runtime: 'provided.al2023' },
    /runs no functions of provided\.al2023 without Docker\. .*notify\.lambda/,
  ],
  [{ runtime: 'dotnet8' }, /runs no functions of dotnet8/],
  [{ runtime: 'java21' }, /runs no functions of java21/],
  [{ runtime: 'python3.14' }, /runs no functions of python3\.14/],
  [{ isImage: true }, /runs no container images/],
])('a function with %j is named with the option that runs it', (changes, message) => {
  const functions = [{ ...kafkaFunction('notify', [{ kafka }]), ...changes }];
  const warnings = (custom: object) =>
    definitions([], { functions }, { ...local, ...custom }).map((one) => one.warnings);
  expect(warnings({})).toEqual([[expect.stringMatching(message)]]);
  const lambdaEndpoint = 'http://localhost:9000';
  expect(warnings({ lambdaEndpoint })).toEqual([[]]);
  expect(warnings({ mappings: { notify: { lambdaEndpoint } } })).toEqual([[]]);
});

test('a function of each runtime that serverless-offline runs has no warning', async () => {
  const list = join(MODULES, 'serverless-offline/src/config/supportedRuntimes.js');
  const { supportedRuntimes, supportedProvided } = (await import(list)) as Record<
    'supportedRuntimes' | 'supportedProvided',
    Set<string>
  >;
  const runtimes = [undefined, ...supportedRuntimes.difference(supportedProvided)];
  const warned = runtimes.filter((runtime) => {
    const functions = [{ ...kafkaFunction('notify', [{ kafka }]), runtime }];
    return definitions([], { functions }).some(({ warnings }) => warnings.length > 0);
  });
  expect(runtimes).toContain('python3.13');
  expect(warned).toEqual([]);
});

test("a mapping's own endpoint wins over the general one", () => {
  const custom = {
    ...local,
    lambdaEndpoint: 'http://localhost:1',
    mappings: { 'notify/bills': { lambdaEndpoint: 'http://localhost:2' } },
  };
  expect(mappings([{ kafka }, { kafka: { ...kafka, topic: 'bills' } }], {}, custom)).toMatchObject([
    { lambdaEndpoint: 'http://localhost:1' },
    { lambdaEndpoint: 'http://localhost:2' },
  ]);
  expect(one()).not.toHaveProperty('lambdaEndpoint');
});

describe('values of the template that only AWS knows', () => {
  const parameters = {
    Brokers: { Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: '/app/brokers' },
    Listed: { Type: 'CommaDelimitedList', Default: 'a:9092,b:9092' },
    Topic: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/app/topic' },
  };
  const read = (servers: unknown, topic: unknown, custom: unknown = local, others: object = {}) => {
    const Properties = {
      FunctionName: { Ref: 'notifyLambdaFunction' },
      SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: servers } },
      SourceAccessConfigurations: [{ Type: 'VPC_SUBNET', URI: 'subnet:x' }],
      Topics: [topic],
    };
    const resource = { Type: 'AWS::Lambda::EventSourceMapping', Properties, ...others };
    const conditions = { IsProd: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'eu-west-1'] } };
    const service = kafkaService([], { resources: { M: resource }, parameters, conditions });
    return readDefinitions(service, readOptions(custom));
  };

  test('servers from the parameter store run with local servers', () => {
    expect(read({ Ref: 'Brokers' }, 'orders').definitions).toMatchObject([
      { refusals: [], mapping: { bootstrapServers: ['localhost:9092'] } },
    ]);
  });

  test('a list of servers is a list', () => {
    expect(read({ Ref: 'Listed' }, 'orders', {}).definitions).toMatchObject([
      { refusals: [], mapping: { bootstrapServers: ['a:9092', 'b:9092'] } },
    ]);
  });

  test('a topic from the parameter store asks for the option that gives it', () => {
    expect(read({ Ref: 'Brokers' }, { Ref: 'Topic' }).definitions).toMatchObject([
      { refusals: [{ by: 'emulator', message: expect.stringContaining('parameters') }] },
    ]);
    const custom = { ...local, parameters: { Topic: 'orders', Brokers: 'c:9092' } };
    expect(read({ Ref: 'Brokers' }, { Ref: 'Topic' }, custom).definitions).toMatchObject([
      { mapping: { topic: 'orders' } },
    ]);
  });

  test('a mapping whose condition does not hold is not deployed', () => {
    const { definitions, notDeployed } = read(['a:1'], 'orders', {}, { Condition: 'IsProd' });
    expect(definitions).toEqual([]);
    expect(notDeployed).toEqual(['resources.Resources.M: the condition IsProd does not hold']);
  });
});

test('a destination in the stack gets its local ARN', () => {
  const resources = {
    Letters: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'letters' } },
    Bucket: { Type: 'AWS::S3::Bucket' },
  };
  const to = (onFailureDestination: unknown) =>
    mappings([{ kafka: { ...kafka, onFailureDestination } }], { resources })[0]?.destination;
  expect(to({ 'Fn::GetAtt': ['Letters', 'Arn'] })).toEqual({
    kind: 'sqs',
    arn: 'arn:aws:sqs:us-east-1:000000000000:letters',
  });
  expect(to({ 'Fn::GetAtt': 'Bucket.Arn' })).toEqual({
    kind: 's3',
    arn: 'arn:aws:s3:::shop-local-Bucket',
  });
});

describe('values that only AWS knows', () => {
  test.each([
    ['servers', { bootstrapServers: [{ Ref: 'Servers' }] }, {}, /bootstrapServers, to the local/],
    [
      'a destination',
      { onFailureDestination: { 'Fn::ImportValue': 'Queue' } },
      local,
      /Set custom\.kafkaEventSource\.mappings\.notify\.onFailureDestination/,
    ],
    ['a number', { batchSize: { 'Fn::ImportValue': 'Size' } }, local, /BatchSize is .*ImportValue/],
  ])(
    '%s: the mapping does not start, and the message names the setting to add',
    (_, event, custom, message) => {
      const [definition] = definitions([{ kafka: { ...kafka, ...event } }], {}, custom);
      expect(definition).toMatchObject({
        mapping: undefined,
        refusals: [{ by: 'emulator', message: expect.stringMatching(message) }],
      });
    },
  );

  test('an msk event names no servers', () => {
    const [definition] = definitions([{ msk: { arn, topic: 'orders' } }], {}, {});
    expect(definition?.refusals[0]?.message).toMatch(/names no servers/);
  });

  test('a registry of Glue, or one that only AWS knows, needs one with an address here', () => {
    const glue = 'arn:aws:glue:us-east-1:1:registry/r';
    const withRegistry = (uri: unknown) => ({
      ...kafka,
      provisionedPollers: { min: 1 },
      schemaRegistry: { uri, eventRecordFormat: 'JSON', validate: ['value'] },
    });
    const refusal = (uri: unknown) =>
      definitions([{ kafka: withRegistry(uri) }], {}, local)[0]?.refusals[0]?.message;
    expect(refusal(glue)).toMatch(/Glue's schema registry .* is not emulated/);
    expect(refusal({ 'Fn::ImportValue': 'Registry' })).toMatch(/Only AWS knows/);
    const custom = { ...local, endpoints: { schemaRegistry: 'http://localhost:8081' } };
    expect(mappings([{ kafka: withRegistry(glue) }], {}, custom)).toHaveLength(1);
  });

  test('a local setting replaces such a value', () => {
    const event = { ...kafka, onFailureDestination: { 'Fn::ImportValue': 'Queue' } };
    const mappingsOf = { notify: { onFailureDestination: 'arn:aws:sqs:us-east-1:1:q' } };
    const custom = { ...local, mappings: mappingsOf };
    expect(mappings([{ kafka: event }], {}, custom)[0]?.destination).toEqual({
      kind: 'sqs',
      arn: 'arn:aws:sqs:us-east-1:1:q',
    });
  });

  test("a parameter's default is known", () => {
    const parameters = { Size: { Type: 'Number', Default: 9 } };
    const event = { ...kafka, batchSize: { Ref: 'Size' } };
    expect(mappings([{ kafka: event }], { parameters })[0]?.batchSize).toBe(9);
  });
});

test('if two events have one logical id, the last is deployed, with a warning', () => {
  const events = [{ kafka: { ...kafka, batchSize: 1 } }, { kafka: { ...kafka, batchSize: 2 } }];
  expect(definitions(events)).toMatchObject([
    { mapping: { batchSize: 2 }, warnings: [expect.stringMatching(/the last one is deployed/)] },
  ]);
});

test('an extension without its mapping is a warning that names the mappings', () => {
  const extensions = { NotifyEventSourceMappingKafkaOther: { Properties: { BatchSize: 1 } } };
  const { warnings } = readDefinitions(
    kafkaService([{ kafka }], { extensions }),
    readOptions(local),
  );
  expect(warnings).toEqual([expect.stringMatching(/no such mapping.*notifyKafkaorders/)]);
});

test('a refused mapping does not keep the others from starting', () => {
  const functions = [
    kafkaFunction('slow', [{ kafka: { ...kafka, topic: 'a/b' } }]),
    kafkaFunction('notify', [{ kafka }, { httpApi: '*' }, 'schedule']),
  ];
  expect(definitions([], { functions })).toMatchObject([
    { name: 'slow (a/b)', mapping: undefined },
    { name: 'notify (orders)', refusals: [], mapping: { functionKey: 'notify' } },
  ]);
});

test.each([
  [
    'an unknown option',
    { bootstrapServer: 'localhost:9092' },
    /bootstrapServer.*There are: apiPort, /,
  ],
  [
    'an unknown option of a mapping',
    { mappings: { notify: { groupId: 'g' } } },
    /mappings\.notify: .*There are: bootstrapServers, consumerGroupId, /,
  ],
  [
    'an unknown option of an option',
    { mappings: { notify: { ssl: { cert: 'a' } } } },
    /"cert" is not known here$/,
  ],
  ['a port that is none', { apiPort: '30o4' }, /apiPort: must be a port/],
  ['servers without a port', { bootstrapServers: 'localhost' }, /host:port/],
  ['a port that no server has', { bootstrapServers: 'a:99999' }, /port from 1 to 65535/],
  ['the port 0', { bootstrapServers: 'a:0' }, /port from 1 to 65535/],
  ['a server with a scheme', { bootstrapServers: 'http://a:9092' }, /host:port/],
  ['a server with a scheme only in part', { bootstrapServers: '//a:9092' }, /host:port/],
  ['an empty server among others', { bootstrapServers: 'a:9092,' }, /host:port/],
  [
    'an endpoint that is no address',
    { lambdaEndpoint: 'localhost:1' },
    /lambdaEndpoint: must be an/,
  ],
  ['a mapping of no function', { mappings: { notfy: {} } }, /there are: notify, notify\/orders/],
])('%s is an error', (_, custom, message) => {
  expect(() => one({}, {}, custom)).toThrow(message);
});
