import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  type UpdateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda';
import { expect, test } from '@jest/globals';
import { DESTINATION_PATTERN } from '../../admission/modes.ts';
import { lambdaRoute, mappingsRoute } from '../../control/api.ts';
import { Runtime } from '../../control/runtime.ts';
import { startServer } from '../../control/server.ts';
import type { Definition } from '../../definition.ts';
import type { Mapping } from '../../mapping.ts';
import { Bench, counting, failure, type Lambda, success, until, values } from './bench.ts';

const access = [
  { type: 'SASL_SCRAM_512_AUTH', uri: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
];

/** Serves the API for mappings, with a client of AWS's SDK. */
async function serve(bench: Bench, lambda: Lambda, changes: Partial<Mapping>[] = [{}]) {
  const definitions = changes.map((own, index) => {
    const uuid = `00000000-0000-4000-8000-00000000000${index}`;
    return { mapping: bench.mapping({ access, uuid, ...own }) } as unknown as Definition;
  });
  const runtime = new Runtime(definitions, (mapping) => {
    const poller = bench.poll(lambda, mapping);
    return {
      stats: () => poller.stats.snapshot(),
      condition: () => poller.condition,
      stop: (waitMs) => poller.stop(waitMs),
    };
  });
  const place = { folder: bench.topic, stage: 'test' };
  const routes = [mappingsRoute(runtime), lambdaRoute(lambda.endpoint)];
  const server = await startServer(0, place, routes);
  const client = new LambdaClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
  const [{ mapping } = {}] = definitions;
  const UUID = mapping?.uuid ?? '';
  return {
    client,
    url: server.url,
    UUID,
    get: (uuid = UUID) => client.send(new GetEventSourceMappingCommand({ UUID: uuid })),
    update: (given: Omit<UpdateEventSourceMappingCommandInput, 'UUID'>) =>
      client.send(new UpdateEventSourceMappingCommand({ UUID, ...given })),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await runtime.stop();
      await server.close();
    },
  };
}

const state = (api: Awaited<ReturnType<typeof serve>>, wanted: string) =>
  until(`state ${wanted}`, async () => (await api.get()).State === wanted);

test('a mapping is read as AWS shows it', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await using api = await serve(bench, lambda);
  const found = await api.get();
  expect(found).toMatchObject({
    UUID: api.UUID,
    State: 'Enabled',
    StateTransitionReason: 'USER_INITIATED',
    LastProcessingResult: 'No records processed',
    BatchSize: 100,
    Topics: [bench.topic],
    StartingPosition: 'TRIM_HORIZON',
    FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:service-dev-test',
    EventSourceMappingArn: `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${api.UUID}`,
    SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: bench.groupId },
    SelfManagedEventSource: {
      Endpoints: { KAFKA_BOOTSTRAP_SERVERS: process.env.KAFKA_BROKERS?.split(',') },
    },
    SourceAccessConfigurations: [{ Type: 'SASL_SCRAM_512_AUTH' }],
  });
  expect(found.LastModified).toBeInstanceOf(Date);
  expect(Math.abs(Date.now() - Number(found.LastModified))).toBeLessThan(60_000);
  await bench.produceCount(1);
  await until('a result', async () => (await api.get()).LastProcessingResult === 'OK');
});

test('disabling stops the polling, and enabling goes on from the same place', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await using api = await serve(bench, lambda);
  await bench.produceCount(3);
  await until('the first records', () => values(lambda).length === 3);
  expect(await api.update({ Enabled: false })).toMatchObject({ State: 'Disabling' });
  await state(api, 'Disabled');
  await bench.produceCount(3, { from: 3 });
  expect(await api.update({ Enabled: true })).toMatchObject({ State: 'Enabling' });
  await state(api, 'Enabled');
  await until('the rest', () => values(lambda).length >= 6);
  expect(values(lambda)).toEqual(counting(0, 6));
});

test('an update is in force when it ends, and a second one before its end is refused', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await using api = await serve(bench, lambda);
  await bench.produceCount(1);
  await until('the first record', () => values(lambda).length === 1);
  const changed = api.update({
    BatchSize: 2,
    MaximumBatchingWindowInSeconds: 1,
    ProvisionedPollerConfig: { MinimumPollers: 1 },
    MaximumRetryAttempts: 4,
    MaximumRecordAgeInSeconds: 60,
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    MetricsConfig: { Metrics: ['EventCount'] },
    LoggingConfig: { SystemLogLevel: 'WARN' },
  });
  expect(await changed).toMatchObject({ State: 'Updating', BatchSize: 2 });
  await expect(api.update({ BatchSize: 3 })).rejects.toMatchObject({
    name: 'ResourceInUseException',
  });
  await state(api, 'Enabled');
  expect(await api.get()).toMatchObject({
    BatchSize: 2,
    MaximumBatchingWindowInSeconds: 1,
    MaximumRetryAttempts: 4,
    MaximumRecordAgeInSeconds: 60,
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    MetricsConfig: { Metrics: ['EventCount'] },
    LoggingConfig: { SystemLogLevel: 'WARN' },
  });
  await bench.produceCount(4, { from: 1 });
  await until('the rest', () => values(lambda).length === 5);
  expect(lambda.invocations.slice(1).map(({ records }) => records.length)).toEqual([2, 2]);
  expect(values(lambda)).toEqual(counting(0, 5));
});

test('new filters hold at once, and an empty list takes them away', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  await using api = await serve(bench, lambda);
  const send = (from: number) =>
    bench.produce(
      [0, 1].map((index) => ({ key: index === 0 ? 'kept' : 'other', value: String(from + index) })),
    );
  await send(0);
  await until('both', async () => (await bench.committed()) === 2);
  await api.update({ FilterCriteria: { Filters: [{ Pattern: '{"key":["kept"]}' }] } });
  await state(api, 'Enabled');
  await send(2);
  await until('the kept one', async () => (await bench.committed()) === 4);
  expect((await api.get()).FilterCriteria?.Filters).toHaveLength(1);
  await api.update({ FilterCriteria: {} });
  await state(api, 'Enabled');
  expect(await api.get()).not.toHaveProperty('FilterCriteria');
  await send(4);
  await until('both again', async () => (await bench.committed()) === 6);
  expect(values(lambda)).toEqual(['0', '1', '2', '4', '5']);
});

test.concurrent.each([
  ['a new batch size', { BatchSize: 7 }, success, counting(0, 6)],
  ['disabling', { Enabled: false }, success, counting(0, 3)],
  ['a new batch size, and it fails', { BatchSize: 7 }, failure, [0, 1, 2, 0, 1, 2, 3, 4, 5]],
] as const)(
  '%s waits for the invocation in flight: its result counts, and there is no second one beside it',
  async (_, change, first, delivered) => {
    await using bench = new Bench();
    await bench.createTopic();
    let [running, most] = [0, 0];
    const lambda = await bench.lambda(async (_invocation, index) => {
      running += 1;
      most = Math.max(most, running);
      // Longer than the end of `sls offline` waits for an invocation.
      if (index === 0) await new Promise((resolve) => setTimeout(resolve, 7_000));
      running -= 1;
      return index === 0 ? first : success;
    });
    await using api = await serve(bench, lambda, [{ timeoutMs: 30_000 }]);
    await bench.produceCount(3);
    await until('the invocation', () => lambda.invocations.length === 1);
    await bench.produceCount(3, { from: 3 });
    await api.update(change);
    await expect(api.update({ BatchSize: 3 })).rejects.toMatchObject({
      name: 'ResourceInUseException',
    });
    await state(api, 'Enabled' in change ? 'Disabled' : 'Enabled');
    const end = 'Enabled' in change ? 3 : 6;
    await until('the commit', async () => (await bench.committed()) === end);
    expect(values(lambda)).toEqual(delivered.map(String));
    expect(most).toBe(1);
  },
);

test('the end of the service does not wait for a change that waits for an invocation', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda(() => new Promise(() => undefined));
  const api = await serve(bench, lambda, [{ timeoutMs: 30_000 }]);
  await bench.produceCount(1);
  await until('the invocation', () => lambda.invocations.length === 1);
  await api.update({ BatchSize: 7 });
  await api[Symbol.asyncDispose]();
  expect(lambda.invocations).toHaveLength(1);
  expect(bench.log.join()).toMatch(/still running; its records are delivered again/);
});

test("a call that AWS refuses is refused with AWS's message, and changes nothing", async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda();
  await using api = await serve(bench, lambda, [{ enabled: false }]);
  await expect(api.get('no-such-mapping')).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: 'The resource you requested does not exist.',
    $metadata: { httpStatusCode: 404 },
  });
  const raw = await fetch(`${api.url}/2015-03-31/event-source-mappings/%ZZ`);
  expect(raw.status).toBe(404);
  await expect(api.update({ BatchSize: 10_001 })).rejects.toMatchObject({
    name: 'ValidationException',
    message: expect.stringContaining("Value '10001' at 'batchSize' failed to satisfy constraint"),
    $metadata: { httpStatusCode: 400 },
  });
  await expect(api.update({ ParallelizationFactor: 2 })).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
    message: "Unsupported 'parallelizationFactor' parameter for given event source mapping type.",
  });
  await expect(api.update({ MaximumRetryAttempts: 1 })).rejects.toMatchObject({
    message: expect.stringContaining('provisioned mode'),
  });
  await expect(
    api.client.send(new DeleteEventSourceMappingCommand({ UUID: api.UUID })),
  ).rejects.toThrow('made and deleted in serverless.yml');
  await expect(
    api.client.send(new CreateEventSourceMappingCommand({ FunctionName: 'f' })),
  ).rejects.toThrow('made and deleted in serverless.yml');
  expect(await api.get()).toMatchObject({ State: 'Disabled', BatchSize: 100 });
});

test("an update's JSON is read and refused as AWS does it", async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda();
  await using api = await serve(bench, lambda, [{ enabled: false }]);
  const put = async (body: string) => {
    const url = `${api.url}/2015-03-31/event-source-mappings/${api.UUID}`;
    const answer = await fetch(url, { method: 'PUT', body });
    const json = (await answer.json()) as { message?: string };
    return [answer.status, answer.headers.get('x-amzn-errortype'), json.message];
  };
  const failed = 'failed to satisfy constraint:';
  const item = (found: string, at: string, rule: string) =>
    `Value '[${found}]' at '${at}' ${failed} Member must satisfy constraint: [${rule}, Member must not be null]`;
  const types = 'Member must satisfy enum value set: [ReportBatchItemFailures]';
  const groups = 'Member must satisfy enum value set: [EventCount, ErrorCount, KafkaMetrics]';
  const validation = (...found: string[]) => [
    400,
    'ValidationException',
    `${found.length} validation error${found.length > 1 ? 's' : ''} detected: ${found.join('; ')}`,
  ];
  const noInteger = 'TRUE_VALUE can not be converted to an Integer';
  const provisioned = '"ProvisionedPollerConfig": { "MinimumPollers": 1 }';
  for (const [body, answer] of [
    ['{"BatchSize":true}', [400, 'SerializationException', noInteger]],
    ['{', [400, 'SerializationException', expect.stringContaining('from the local emulator')]],
    ['{"DestinationConfig":{"OnFailure":{}}}', [202, null, undefined]],
    ['{"DestinationConfig":{"OnSuccess":{}}}', [202, null, undefined]],
    ['{"DestinationConfig":{"OnFailure":{"Destination":null}}}', [202, null, undefined]],
    ['{"MetricsConfig":{},"LoggingConfig":{}}', [202, null, undefined]],
    ['{"BatchSize":null,"Unknown":1}', [202, null, undefined]],
    [
      `{"SourceAccessConfigurations":${JSON.stringify([{ Type: access[0]?.type, URI: access[0]?.uri }])}}`,
      [202, null, undefined],
    ],
    [
      '{"BatchSize":0,"MaximumBatchingWindowInSeconds":301}',
      validation(
        `Value '0' at 'batchSize' ${failed} Member must have value greater than or equal to 1`,
        `Value '301' at 'maximumBatchingWindowInSeconds' ${failed} Member must have value less than or equal to 300`,
      ),
    ],
    ['{"FunctionResponseTypes":["X"]}', validation(item('X', 'functionResponseTypes', types))],
    [
      `{"FunctionResponseTypes":["ReportBatchItemFailures","X"],${provisioned}}`,
      validation(
        `Value '[ReportBatchItemFailures, X]' at 'functionResponseTypes' ${failed} Member must have length less than or equal to 1`,
        item('ReportBatchItemFailures, X', 'functionResponseTypes', types),
      ),
    ],
    [
      `{"MetricsConfig":{"Metrics":["EventCount","X"]},${provisioned}}`,
      validation(item('EventCount, X', 'metricsConfig.metrics', groups)),
    ],
    [
      '{"LoggingConfig":{"SystemLogLevel":"X"}}',
      validation(
        `Value 'X' at 'loggingConfig.systemLogLevel' ${failed} Member must satisfy enum value set: [DEBUG, INFO, WARN]`,
      ),
    ],
    [
      '{"DestinationConfig":{"OnFailure":{"Destination":"queue"}}}',
      validation(
        `Value 'queue' at 'destinationConfig.onFailure.destination' ${failed} Member must satisfy regular expression pattern: ${DESTINATION_PATTERN}`,
      ),
    ],
    [
      '{"ScalingConfig":{}}',
      [
        400,
        'InvalidParameterValueException',
        "Unsupported 'scalingConfig' parameter for given event source mapping type.",
      ],
    ],
  ] as const) {
    expect([body, await put(body)]).toEqual([body, answer]);
    await state(api, 'Disabled');
  }
  const list = (query: string) =>
    fetch(`${api.url}/2015-03-31/event-source-mappings/?${query}`).then(async (answer) => {
      const { message } = (await answer.json()) as { message?: string };
      return [answer.status, answer.headers.get('x-amzn-errortype'), message];
    });
  const items = (found: string, rule: string) =>
    validation(`Value '${found}' at 'maxItems' ${failed} Member must have value ${rule}`);
  expect(await list('MaxItems=0')).toEqual(items('0', 'greater than or equal to 1'));
  expect(await list('MaxItems=10001')).toEqual(items('10001', 'less than or equal to 10000'));
  expect(await list('MaxItems=10000')).toEqual([200, null, undefined]);
  for (const text of ['true', '1.5', '', '%20']) {
    expect(await list(`MaxItems=${text}`)).toEqual([
      400,
      'SerializationException',
      'STRING_VALUE can not be converted to an Integer',
    ]);
  }
  expect(await api.get()).toMatchObject({ State: 'Disabled', BatchSize: 100 });
});

test('mappings are listed by function and by cluster, page by page', async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda();
  const arn = 'arn:aws:kafka:us-east-1:1:cluster/c/1';
  const msk = { eventSource: 'aws:kafka', eventSourceArn: arn, bootstrapServers: 'b:1' } as const;
  const off = { enabled: false };
  await using api = await serve(bench, lambda, [
    off,
    { ...off, functionName: 'other', functionArn: 'arn:aws:lambda:us-east-1:0:function:other' },
    { ...off, source: msk },
  ]);
  const list = async (given: object) => {
    const found = await api.client.send(new ListEventSourceMappingsCommand(given));
    const uuids = found.EventSourceMappings?.map(({ UUID = '' }) => Number(UUID.slice(-1)));
    return { uuids, next: found.NextMarker };
  };
  expect((await list({})).uuids).toEqual([0, 1, 2]);
  expect((await list({ FunctionName: 'other' })).uuids).toEqual([1]);
  const qualified = 'arn:aws:lambda:us-east-1:0:function:other:live';
  expect((await list({ FunctionName: qualified })).uuids).toEqual([1]);
  expect((await list({ EventSourceArn: arn })).uuids).toEqual([2]);
  const first = await list({ MaxItems: 2 });
  expect(first.uuids).toEqual([0, 1]);
  expect((await list({ MaxItems: 2, Marker: first.next })).uuids).toEqual([2]);
});

test('a function is invoked through the same endpoint', async () => {
  await using bench = new Bench();
  const lambda = await bench.lambda(() => ({ body: '{"done":true}' }));
  await using api = await serve(bench, lambda, [{ enabled: false }]);
  const Payload = JSON.stringify({ records: {} });
  const answer = await api.client.send(new InvokeCommand({ FunctionName: 'f', Payload }));
  expect(answer.Payload?.transformToString()).toBe('{"done":true}');
});
