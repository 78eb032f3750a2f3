import { expect, test } from '@jest/globals';
import Deploy from './index.ts';
import { tidyFunction } from './lists.ts';
import { placeholders } from './placeholders.ts';

test('a list of one text with commas is several, and an empty text none', () => {
  const definition = {
    layers: ['', 'arn:layer'],
    vpc: { subnetIds: ['subnet-1,subnet-2'], securityGroupIds: [''] },
    iamRoleStatements: [
      [{ Effect: 'Allow', Action: ['a'], Resource: ['arn:1', ''] }],
      { Effect: 'Allow', Action: ['b'], Resource: [''] },
      { Effect: 'Allow', Action: ['c'], Resource: '*' },
    ],
    events: [
      { schedule: 'rate(1 minute)' },
      { kafka: { accessConfigurations: { vpcSubnet: ['subnet-1,subnet-2'], rootCa: [''] } } },
    ],
  };
  tidyFunction(definition);
  expect(definition).toEqual({
    layers: ['arn:layer'],
    vpc: { subnetIds: ['subnet-1', 'subnet-2'], securityGroupIds: [] },
    iamRoleStatements: [
      { Effect: 'Allow', Action: ['a'], Resource: ['arn:1'] },
      { Effect: 'Allow', Action: ['c'], Resource: '*' },
    ],
    events: [
      { schedule: 'rate(1 minute)' },
      { kafka: { accessConfigurations: { vpcSubnet: ['subnet-1', 'subnet-2'] } } },
    ],
  });
});

test('placeholders are told by the name of their variable, real values are not', () => {
  const values = {
    BROKERS: 'kafka.invalid:9096',
    FROM: 'orders@shop.example',
    IDENTITY: 'invalid.example.com',
    EMAIL: '',
    kafka: {
      SECRET: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka',
      network: { SUBNETS: 'subnet-00000000', GROUPS: 'sg-0123456789abcdef0' },
    },
  };
  expect(placeholders(values).map(([name]) => name)).toEqual([
    'BROKERS',
    'EMAIL',
    'SECRET',
    'SUBNETS',
  ]);
});

const notCalled = (): never => {
  throw new Error('not called');
};

/** The plugin at the start of a command, in stage prod with a placeholder. */
function start(...commands: string[]) {
  const plugin = new Deploy({
    service: {
      custom: { mustBeSet: { KAFKA_BROKERS: 'kafka.invalid:9096' } },
      provider: {},
      getAllFunctions: notCalled,
      getFunction: notCalled,
    },
    processedInput: { commands },
    configSchemaHandler: { defineFunctionProperties: () => undefined },
    classes: { Error },
    getProvider: () => ({
      getStage: () => 'prod',
      naming: { getLambdaLogicalId: notCalled, getLogGroupName: notCalled },
    }),
  });
  plugin.hooks.initialize();
}

test('a deployment is refused with the name of what to set; packaging, listing and removing are not', () => {
  expect(() => start('deploy')).toThrow(/KAFKA_BROKERS \(now kafka\.invalid:9096\)/);
  expect(() => start('deploy', 'function')).toThrow(/KAFKA_BROKERS/);
  for (const command of [['package'], ['remove'], ['deploy', 'list'], ['offline', 'start']]) {
    start(...command);
  }
});
