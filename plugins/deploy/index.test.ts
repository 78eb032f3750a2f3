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

test('placeholders are listed by the names of their variables, real values are not', () => {
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

const environment = {
  ORDERS_TABLE: 'orders',
  ORDER_EVENTS_TOPIC: 'order-events',
  ORDER_EVENTS_DLQ: 'order-events-dlq',
  KAFKA_BROKERS: 'kafka.example:9096',
  AUTH: 'jwt',
  AUTH_ISSUER: 'https://issuer.example',
  AUTH_AUDIENCE: 'shop, machine',
  HASH_SECRET: '{{resolve:secretsmanager:orders-hash}}',
  NOTIFICATION_EMAIL: 'mock',
  NOTIFICATION_SMS: 'mock',
};

/** The plugin at the start of a command, in stage prod with a placeholder. */
function start(...commands: string[]) {
  return startWith({ mustBeSet: { KAFKA_BROKERS: 'kafka.invalid:9096' } }, {}, commands);
}

function startWith(
  custom: { mustBeSet?: Record<string, string> },
  own: Record<string, string>,
  commands = ['deploy'],
  functions: Record<string, { environment?: Record<string, string> }> = { health: {} },
) {
  return pluginWith(custom, own, commands, functions).hooks.initialize();
}

type Custom = { mustBeSet?: Record<string, string>; stage?: { warmWrites: string } };

/** The framework shows an error of this class by its message alone. */
class Refusal extends Error {}

function pluginWith(
  custom: Custom,
  own: Record<string, string> = {},
  commands = ['package'],
  functions: Record<string, { environment?: Record<string, string> }> = { health: {} },
  getAllFunctions: () => string[] = () => [],
) {
  return new Deploy({
    service: {
      custom,
      provider: { region: 'eu-west-1', environment: { ...environment, ...own } },
      functions,
      resources: { Resources: { OrdersTable: { Properties: {} } } },
      getAllFunctions,
      getFunction: notCalled,
    },
    processedInput: { commands },
    configSchemaHandler: { defineFunctionProperties: () => undefined },
    classes: { Error: Refusal },
    getProvider: () => ({
      getStage: () => 'prod',
      naming: { getLambdaLogicalId: notCalled, getLogGroupName: notCalled },
    }),
  });
}

test('a deployment is refused with the name of what to set; packaging, listing and removing are not', async () => {
  await expect(start('deploy')).rejects.toThrow(/KAFKA_BROKERS \(now kafka\.invalid:9096\)/);
  await expect(start('deploy', 'function')).rejects.toThrow(/KAFKA_BROKERS/);
  for (const command of [['package'], ['remove'], ['deploy', 'list'], ['offline', 'start']]) {
    await start(...command);
  }
});

test.each([
  ['HASH_SECRET', 'short'],
  ['AUTH_ISSUER', 'http://issuer.example'],
  ['AUTH_AUDIENCE', 'a,,b'],
  ['NOTIFICATION_EMAIL', 'pigeon'],
])('a deployment is refused whose functions would refuse %s=%s', async (name, value) => {
  await startWith({}, {});
  await expect(startWith({}, { [name]: value })).rejects.toThrow(new RegExp(`${name}`));
  await startWith({}, { [name]: value }, ['package']);
});

test('a deployment is refused if one function would refuse a variable of its own', async () => {
  const withSecret = (NOTIFICATION_UNSUBSCRIBE_SECRET: string) =>
    startWith({}, {}, ['deploy'], {
      health: {},
      notify: { environment: { NOTIFICATION_UNSUBSCRIBE_SECRET } },
    });
  await withSecret('sixteen-letters-or-more');
  await expect(withSecret('short')).rejects.toThrow(/NOTIFICATION_UNSUBSCRIBE_SECRET/);
});

test('a rate that is no number is refused in one sentence', async () => {
  const hook = 'before:package:setupProviderConfiguration';
  const refused = pluginWith({ stage: { warmWrites: 'many' } }).hooks[hook]();
  await expect(refused).rejects.toThrow(Refusal);
  await expect(refused).rejects.toThrow(/^TABLE_WARM_WRITES is "many"/);
});

test('an error that no check throws on purpose keeps its class and its stack', async () => {
  const bug = new TypeError('undefined is not iterable');
  const broken = pluginWith({}, {}, ['package'], {}, () => {
    throw bug;
  });
  await expect(broken.hooks['before:package:setupProviderConfiguration']()).rejects.toBe(bug);
});

test('a refusal of the environment is one of the framework', async () => {
  await expect(startWith({}, { HASH_SECRET: 'short' })).rejects.toThrow(Refusal);
});
