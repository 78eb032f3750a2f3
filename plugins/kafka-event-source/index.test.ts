import { expect, test } from '@jest/globals';
import KafkaEventSource from './index.ts';

const kafka = {
  accessConfigurations: { saslScram512Auth: ['arn:aws:secretsmanager:us-east-1:1:secret:x'] },
  bootstrapServers: ['b-1.example.com:9096'],
  topic: 'orders',
};

class FrameworkError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

function load(event: object, kafkaEventSource: object = { bootstrapServers: '127.0.0.1:1' }) {
  const log: string[] = [];
  const say = (message: string) => {
    log.push(message);
  };
  const schemas: object[] = [];
  const serverless = {
    service: {
      service: 'shop',
      provider: {},
      custom: { kafkaEventSource },
      getAllFunctions: () => ['notify'],
      getFunction: () => ({ name: 'shop-local-notify', events: [{ kafka: event }] }),
    },
    configSchemaHandler: { defineCustomProperties: (schema: object) => schemas.push(schema) },
    classes: { Error: FrameworkError },
    getProvider: () => ({
      getStage: () => 'local',
      naming: { getKafkaEventLogicalId: () => 'Id', getMSKEventLogicalId: () => 'Id' },
    }),
  };
  const logger = { error: say, warning: say, notice: say, debug: () => undefined };
  return { plugin: new KafkaEventSource(serverless, {}, { log: logger }), log, schemas };
}

test("loading it only adds its settings to the framework's schema", () => {
  const { log, schemas } = load({ topic: 5 });
  expect(schemas).toHaveLength(1);
  expect(log).toEqual([]);
});

test('a disabled mapping is named and not polled', async () => {
  const { plugin, log } = load({ ...kafka, enabled: false });
  await plugin.hooks['after:offline:start:init']();
  await plugin.hooks['before:offline:start:end']();
  expect(log).toEqual([expect.stringMatching(/notify \(orders\) is disabled/)]);
});

test('a broker that is away stops neither the start nor the end', async () => {
  const { plugin, log } = load({ ...kafka, consumerGroupId: 'named' });
  await plugin.hooks['after:offline:start:init']();
  expect(log).toEqual([
    'Kafka event source: notify (orders), group named, batch size 100, window 500 ms, ' +
      'servers 127.0.0.1:1, responses whole batch',
  ]);
  await plugin.hooks['before:offline:start:end']();
});

test('a wrong setting is an error of the framework, with its place', async () => {
  const { plugin } = load({ ...kafka, batchSize: 0 });
  const started = plugin.hooks['after:offline:start:init']();
  await expect(started).rejects.toThrow(FrameworkError);
  await expect(started).rejects.toThrow(/functions\.notify\.events\.kafka\.batchSize/);
});
