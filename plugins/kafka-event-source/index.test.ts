import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import KafkaEventSource from './index.ts';

const kafka = {
  accessConfigurations: { saslScram512Auth: ['arn:aws:secretsmanager:us-east-1:1:secret:x'] },
  bootstrapServers: ['127.0.0.1:1'],
  topic: 'orders',
  consumerGroupId: 'named',
};

class FrameworkError extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

const collision = () => new FrameworkError('already defined', 'SCHEMA_COLLISION');

/** The plugin in a framework whose kafka event has the properties `known`. */
function load(
  events: object[],
  kafkaEventSource: object = {},
  known: string[] = [],
  cli: ConstructorParameters<typeof KafkaEventSource>[1] = {},
) {
  const log: string[] = [];
  const say = (message: string) => {
    log.push(message);
  };
  const defined: string[] = [];
  const provider: { compiledCloudFormationTemplate?: unknown } = {};
  const serverless = {
    service: {
      service: 'shop',
      provider,
      // Any port, because another process may have the default one.
      custom: { kafkaEventSource: { apiPort: 0, recorder: false, ...kafkaEventSource } },
      getAllFunctions: () => ['notify'],
      getFunction: () => ({ name: 'shop-local-notify', events }),
    },
    configSchemaHandler: {
      defineCustomProperties: () => defined.push('custom'),
      defineFunctionEventProperties: (
        _: string,
        event: string,
        { properties }: { properties: object },
      ) => {
        const [name = ''] = Object.keys(properties);
        if (event === 'kafka' && known.includes(name)) throw collision();
        defined.push(`${event}.${name}`);
      },
    },
    classes: { Error: FrameworkError },
    getProvider: () => ({
      getStage: () => 'local',
      getRegion: () => 'us-east-1',
      naming: {
        getLambdaLogicalId: () => 'NotifyLambdaFunction',
        getKafkaEventLogicalId: (_: string, topic: string) => `NotifyKafka${topic}`,
        getMSKEventLogicalId: () => 'NotifyMSK',
      },
    }),
  };
  const logger = {
    error: (message: string) => say(`error: ${message}`),
    warning: (message: string) => say(`warning: ${message}`),
    notice: say,
    info: (message: string) => say(`info: ${message}`),
    debug: () => undefined,
  };
  const plugin = new KafkaEventSource(serverless as never, cli, { log: logger });
  const start = async () => {
    plugin.hooks['before:offline:start:init']();
    await plugin.hooks['after:offline:start:init']();
  };
  const stop = () => plugin.hooks['before:offline:start:end']();
  return { plugin, log, defined, provider, service: serverless.service, start, stop };
}

/** Neither a detail nor the page's address, which each start prints. */
const notInfo = (line: string) => !/^info: |^Kafka event source: page /.test(line);

test("loading the plugin only adds the properties that the framework's schema lacks", () => {
  const { log, defined } = load([{ kafka: { topic: 5 } }], {}, ['onFailureDestination']);
  expect(log).toEqual([]);
  expect(defined).toEqual(
    expect.arrayContaining(['custom', 'kafka.maximumRetryAttempts', 'msk.onFailureDestination']),
  );
  expect(defined).not.toContain('kafka.onFailureDestination');
});

/** A broker that closes every connection, and counts them. */
async function startBroker() {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const options = { bootstrapServers: `127.0.0.1:${(server.address() as AddressInfo).port}` };
  return { server, options, connections: () => connections };
}

test('in a service without a Kafka event nothing is started or logged', async () => {
  const { log, start, stop } = load([{ httpApi: '*' }]);
  await start();
  await stop();
  expect(log).toEqual([]);
});

test("serverless-offline's host may be an IPv6 address", async () => {
  const lambda = http.createServer((_, response) => response.end('"reached"'));
  lambda.listen(0, '::1');
  await once(lambda, 'listening');
  const { port } = lambda.address() as AddressInfo;
  const cli = { host: '::1', lambdaPort: port };
  const { log, start, stop } = load([{ kafka: { ...kafka, enabled: false } }], {}, [], cli);
  try {
    await start();
    const [, api] = /page (http:\S+)\/\?token=/.exec(log.join('\n')) ?? [];
    const asked = fetch(`${api}/2015-03-31/functions/notify`, {
      signal: AbortSignal.timeout(5_000),
    });
    expect(await (await asked).text()).toBe('"reached"');
  } finally {
    await stop();
    lambda.close();
  }
});

test('a disabled mapping is named, and its broker is not contacted', async () => {
  const [first, second] = [await startBroker(), await startBroker()];
  const disabled = load([{ kafka: { ...kafka, enabled: false } }], first.options);
  const enabled = load([{ kafka }], second.options);
  try {
    await disabled.start();
    expect(disabled.log[0]).toMatch(/notify \(orders\) is disabled/);
    // The enabled mapping starts later and is contacted: a contact by the disabled one would be noticed.
    const contacted = once(second.server, 'connection');
    await enabled.start();
    await contacted;
    await once(second.server, 'connection');
    expect(first.connections()).toBe(0);
  } finally {
    await Promise.all([disabled.stop(), enabled.stop()]);
    first.server.close();
    second.server.close();
  }
});

test('a broker that is away stops neither the start nor the end', async () => {
  const { log, start, stop } = load([{ kafka }]);
  await start();
  expect(log[0]).toBe(
    'Kafka event source: notify (orders), group named, batch size 100, window 500 ms, ' +
      'servers 127.0.0.1:1, responses whole batch',
  );
  await stop();
});

test('a port that another process has is a warning with the address of this service', async () => {
  const { server, options } = await startBroker();
  const { port } = server.address() as AddressInfo;
  const { log, start, stop } = load([{ kafka: { ...kafka, enabled: false } }], {
    ...options,
    apiPort: port,
  });
  try {
    await start();
    expect(log).toContainEqual(
      expect.stringMatching(
        new RegExp(`^warning: .*port ${port} is taken .* are at http://localhost:\\d+\\.$`),
      ),
    );
  } finally {
    await stop();
    server.close();
  }
});

test('bare sls offline logs that nothing is polled, and names the right command', () => {
  const { plugin, log } = load([{ kafka }]);
  plugin.hooks['before:offline:start']();
  expect(log).toEqual([
    'warning: Kafka event sources do not run under "sls offline": use "sls offline start". ' +
      'Not polled: notify (orders).',
  ]);
});

test('differences from the deployment are logged, and everything with --verbose', async () => {
  const custom = { bootstrapServers: 'localhost:1', mappings: { notify: { enabled: false } } };
  const { log, start, stop } = load([{ kafka }], custom);
  await start();
  await stop();
  const [, differences, whole] = log;
  expect(differences?.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['setting', 'deployed', 'here'],
    ['bootstrapServers', '127.0.0.1:1', 'localhost:1', 'custom.kafkaEventSource'],
    ['SourceAccessConfigurations', 'SASL_SCRAM_512_AUTH', 'PLAINTEXT', 'custom.kafkaEventSource'],
    ['Enabled', 'true', 'false', 'custom.kafkaEventSource'],
  ]);
  expect(whole).toMatch(/^info: .*BatchSize +100 +100/s);
});

test('report: true shows every setting', async () => {
  const { log, start, stop } = load([{ kafka: { ...kafka, enabled: false } }], { report: true });
  await start();
  await stop();
  expect(log[1]).toMatch(/MaximumBatchingWindowInSeconds +0\.5 \(default\)/);
  expect(log.slice(2).filter(notInfo)).toEqual([]);
});

test('a refused mapping does not start, the others do', async () => {
  const other = { ...kafka, topic: 'bills', batchSize: 20_000 };
  const { log, start, stop } = load([{ kafka: other }, { kafka: { ...kafka, enabled: false } }]);
  await start();
  await stop();
  expect(log.filter(notInfo)).toEqual([
    expect.stringMatching(
      /^error: notify \(bills\) is not started\. functions\.notify\.events\.kafka: AWS refuses it \(ValidationException\): 1 validation error detected: Value '20000'/,
    ),
    expect.stringMatching(/^Kafka event source: notify \(orders\)/),
  ]);
});

test('strict makes a refusal and a difference errors of the framework', async () => {
  const extended = { ...kafka, batchSize: 0, provisionedPollers: { min: 1, group: 'g' } };
  for (const [event, message] of [
    [{ ...kafka, batchSize: 20_000 }, /AWS refuses it/],
    [extended, /PollerGroupName is g as deployed and - here/],
    [{ ...kafka, batchSize: 0 }, /batchSize: 0 deploys as the default of 100/],
  ] as const) {
    const started = load([{ kafka: event }], { strict: true }).start();
    await expect(started).rejects.toThrow(FrameworkError);
    await expect(started).rejects.toThrow(message);
  }
});

test('strict accepts differences that local settings ask for', async () => {
  const custom = { strict: true, bootstrapServers: 'localhost:1' };
  const { start, stop } = load([{ kafka: { ...kafka, enabled: false } }], custom);
  await start();
  await stop();
});

test('a wrong setting of the plugin is an error of the framework, with its place', async () => {
  const started = load([{ kafka }], { bootstrapServers: 'localhost' }).start();
  await expect(started).rejects.toThrow(FrameworkError);
  await expect(started).rejects.toThrow(/custom\.kafkaEventSource\.bootstrapServers/);
});

test('the memory of the recorder is no part of a package', () => {
  const { plugin, service } = load([]);
  plugin.hooks['before:package:createDeploymentArtifacts']();
  expect(service).toMatchObject({ package: { patterns: ['!.kafka-event-source/**'] } });
});

test('packaging adds the properties that the framework left out', () => {
  const { plugin, provider } = load([{ kafka: { ...kafka, maximumRetryAttempts: 2 } }]);
  const Properties = {
    FunctionName: { 'Fn::GetAtt': ['NotifyLambdaFunction', 'Arn'] },
    SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['127.0.0.1:1'] } },
    SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'named' },
    Topics: ['orders'],
  };
  const resource = { Type: 'AWS::Lambda::EventSourceMapping', Properties };
  provider.compiledCloudFormationTemplate = { Resources: { NotifyKafkaorders: resource } };
  plugin.hooks['after:package:compileEvents']();
  expect(resource.Properties).toEqual({ ...Properties, MaximumRetryAttempts: 2 });
});
