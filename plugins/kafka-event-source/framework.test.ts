import { expect, test } from '@jest/globals';
import { loadDefinitions, readService, type Serverless } from './framework.ts';

const naming = {
  getLambdaLogicalId: (key: string) => `${key}LambdaFunction`,
  getLambdaProvisionedConcurrencyAliasLogicalId: (key: string) => `${key}ProvConcLambdaAlias`,
  getLambdaProvisionedConcurrencyAliasName: () => 'provisioned',
  getLambdaSnapStartAliasLogicalId: (key: string) => `${key}SnapStartLambdaAlias`,
  getLambdaSnapStartEnabledAliasName: () => 'snapstart',
  getLambdaDurableAliasLogicalId: (key: string) => `${key}DurableLambdaAlias`,
  getLambdaDurableAliasName: () => 'durable',
};

test.each([
  [{}, undefined],
  [{ provisionedConcurrency: 1 }, 'provisioned'],
  [{ snapStart: true }, 'snapstart'],
  [{ provisionedConcurrency: 1, durableConfig: {} }, 'durable'],
])('the events of a function with %j are deployed with the alias %s', (properties, alias) => {
  const service = {
    service: {
      service: 'shop',
      provider: {},
      getAllFunctions: () => ['notify'],
      getFunction: () => ({ name: 'shop-notify', ...properties }),
    },
    getProvider: () => ({ getStage: () => 'test', getRegion: () => 'us-east-1', naming }),
  };
  const [fn] = readService(service as unknown as Serverless).functions;
  expect(fn).toMatchObject({
    logicalIds: [
      'notifyLambdaFunction',
      'notifyProvConcLambdaAlias',
      'notifySnapStartLambdaAlias',
      'notifyDurableLambdaAlias',
    ],
    aliasNames: { notifySnapStartLambdaAlias: 'snapstart' },
  });
  expect(fn?.eventAlias).toBe(alias);
});

// https://github.com/serverless/serverless/issues/12402
test('the mappings of a loop in the resources run', () => {
  const Properties = {
    FunctionName: { Ref: 'notifyLambdaFunction' },
    EventSourceArn: 'arn:aws:kafka:us-east-1:111111111111:cluster/demo/abc-1',
    Topics: [{ Ref: 'Topic' }],
  };
  const mapping = { Type: 'AWS::Lambda::EventSourceMapping', Properties };
  const service = {
    service: {
      service: 'shop',
      provider: {},
      custom: { kafkaEventSource: { bootstrapServers: 'localhost:9092' } },
      resources: {
        Resources: {
          'Fn::ForEach::Mappings': ['Topic', ['orders', 'bills'], { 'Of&{Topic}': mapping }],
        },
      },
      getAllFunctions: () => ['notify'],
      getFunction: () => ({ name: 'shop-notify' }),
    },
    getProvider: () => ({ getStage: () => 'test', getRegion: () => 'us-east-1', naming }),
  };
  const { definitions } = loadDefinitions(service as unknown as Serverless).definitions;
  expect(definitions.map(({ where, mapping: found }) => [where, found?.topic])).toEqual([
    ['resources.Resources.Oforders', 'orders'],
    ['resources.Resources.Ofbills', 'bills'],
  ]);
});
