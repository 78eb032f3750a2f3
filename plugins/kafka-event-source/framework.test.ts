import { expect, test } from '@jest/globals';
import { readService, type Serverless } from './framework.ts';

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
