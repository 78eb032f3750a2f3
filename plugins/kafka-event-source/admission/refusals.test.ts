// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readDefinitions } from '../definition.ts';
import { readOptions } from '../options.ts';
import { describeRefusal } from '../report.ts';
import { kafka, kafkaFunction, kafkaService } from '../test/support/kafka-service.ts';

const EXTENDED = 'notifyKafkaorders';
const NOW = Date.parse('2026-11-23T12:00:00Z');
const arn = 'arn:aws:kafka:us-east-1:111:cluster/MyCluster/abc-1';
const pollers = { provisionedPollerConfig: { minimumPollers: 1 } };
const options = readOptions({ bootstrapServers: 'localhost:9092' });

/** The refusals of each mapping, as `code: message`, or only the message. */
function refused(
  events: unknown[],
  changes: Parameters<typeof kafkaService>[1] = {},
  given = options,
) {
  const { definitions } = readDefinitions(kafkaService(events, changes), given, NOW);
  return definitions.map(({ mapping, refusals, warnings }) => ({
    starts: mapping !== undefined,
    refusals: refusals.map(({ code, message }) => (code ? `${code}: ${message}` : message)),
    warnings,
  }));
}
const one = (event: object, properties: object = {}) =>
  refused([{ kafka: { ...kafka, ...event } }], {
    extensions: { [EXTENDED]: { Properties: properties } },
  })[0];
const msk = (event: object) => refused([{ msk: { arn, topic: 'orders', ...event } }])[0];
const plain = (properties: object) =>
  refused([], {
    resources: {
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          FunctionName: { Ref: 'notifyLambdaFunction' },
          EventSourceArn: arn,
          Topics: ['orders'],
          ...properties,
        },
      },
    },
  })[0];

test('the refusal of a mapping without access says what to write, and that runs', () => {
  const SelfManagedEventSource = { Endpoints: { KafkaBootstrapServers: ['a:1'] } };
  const advice = (event: object, resources: Record<string, unknown> = {}) => {
    const service = kafkaService([{ kafka: { ...kafka, ...event } }], { resources });
    const { definitions } = readDefinitions(service, options, NOW);
    return definitions.flatMap(({ refusals }) => refusals.map(describeRefusal));
  };
  expect(advice({ accessConfigurations: undefined })).toEqual([
    expect.stringMatching(
      /parameter is missing\. .* accessConfigurations: \{ vpcSubnet: \[subnet-1\], vpcSecurityGroup: \[sg-1\] \}/,
    ),
  ]);
  expect(
    advice({ accessConfigurations: { vpcSubnet: ['subnet-1'], vpcSecurityGroup: ['sg-1'] } }),
  ).toEqual([]);
  const Properties = {
    FunctionName: 'shop-local-notify',
    SelfManagedEventSource,
    Topics: ['bills'],
  };
  const mapping = (more: object = {}) => ({
    M: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { ...Properties, ...more } },
  });
  expect(advice({}, mapping())).toEqual([
    expect.stringContaining(
      'SourceAccessConfigurations: [{ Type: VPC_SUBNET, URI: subnet:subnet-1 }, { Type: VPC_SECURITY_GROUP, URI: security_group:sg-1 }]',
    ),
  ]);
  const SourceAccessConfigurations = [
    { Type: 'VPC_SUBNET', URI: 'subnet:subnet-1' },
    { Type: 'VPC_SECURITY_GROUP', URI: 'security_group:sg-1' },
  ];
  expect(advice({}, mapping({ SourceAccessConfigurations }))).toEqual([]);
});

describe("refused with AWS's message", () => {
  const invalid = (text: string) => `InvalidParameterValueException: ${text}`;
  const validation = (text: string) => `ValidationException: 1 validation error detected: ${text}`;
  const failed = 'failed to satisfy constraint:';
  // As recorded: https://github.com/radkawar/stackd, self_managed_kafka_admission.json.
  const topicRules =
    'Member must satisfy constraint: [Member must have length less than or equal to 249, Member must have ' +
    'length greater than or equal to 1, Member must satisfy regular expression pattern: ' +
    '[^.]([a-zA-Z0-9\\-_.]+), Member must not be null]';

  test.each([
    [
      'no access configuration on self-managed Kafka',
      one({ accessConfigurations: undefined }),
      invalid("Required 'sourceAccessConfigurations' parameter is missing."),
    ],
    [
      'an empty access configuration on self-managed Kafka',
      one({ accessConfigurations: {} }),
      invalid("Required 'sourceAccessConfigurations' parameter is missing."),
    ],
    ['no topic', one({ topic: undefined }), invalid("Required 'topics' parameter is missing.")],
    [
      'an empty list of topics',
      one({}, { Topics: [] }),
      invalid("Required 'topics' parameter is missing."),
    ],
    [
      'two topics',
      one({}, { Topics: ['one', 'two'] }),
      validation(
        `Value '[one, two]' at 'topics' ${failed} Member must have length less than or equal to 1`,
      ),
    ],
    [
      'a topic with a slash',
      one({ topic: 'bad/topic' }),
      validation(`Value '[bad/topic]' at 'topics' ${failed} ${topicRules}`),
    ],
    [
      'a batch size below 1',
      one({ batchSize: -1 }),
      validation(
        `Value '-1' at 'batchSize' ${failed} Member must have value greater than or equal to 1`,
      ),
    ],
    [
      'a batch size over 10000',
      one({ batchSize: 10_001 }),
      validation(
        `Value '10001' at 'batchSize' ${failed} Member must have value less than or equal to 10000`,
      ),
    ],
    [
      'a window over 300 s',
      one({ maximumBatchingWindow: 301 }),
      validation(
        `Value '301' at 'maximumBatchingWindowInSeconds' ${failed} Member must have value less than or equal to 300`,
      ),
    ],
    [
      'retry attempts over 10000',
      one({ ...pollers, maximumRetryAttempts: 10_001 }),
      validation(
        `Value '10001' at 'maximumRetryAttempts' ${failed} Member must have value less than or equal to 10000`,
      ),
    ],
    [
      'retry attempts below -1',
      one({ ...pollers, maximumRetryAttempts: -2 }),
      validation(
        `Value '-2' at 'maximumRetryAttempts' ${failed} Member must have value greater than or equal to -1`,
      ),
    ],
    [
      'a record age over 604800',
      one({ ...pollers, maximumRecordAge: 604_801 }),
      validation(
        `Value '604801' at 'maximumRecordAgeInSeconds' ${failed} Member must have value less than or equal to 604800`,
      ),
    ],
    [
      'a window below 0',
      one({ maximumBatchingWindowInSeconds: -1 }),
      validation(
        `Value '-1' at 'maximumBatchingWindowInSeconds' ${failed} Member must have value greater than or equal to 0`,
      ),
    ],
    ...[
      ['minimumPollers', 0, 'greater than or equal to 1'] as const,
      ['minimumPollers', 201, 'less than or equal to 200'] as const,
      ['maximumPollers', 0, 'greater than or equal to 1'] as const,
      ['maximumPollers', 2_001, 'less than or equal to 2000'] as const,
    ].map(([name, value, rule]): [string, ReturnType<typeof one>, string] => [
      `${value} ${name}`,
      one({ provisionedPollerConfig: { [name]: value } }),
      validation(
        `Value '${value}' at 'provisionedPollerConfig.${name}' ${failed} Member must have value ${rule}`,
      ),
    ]),
    ...['a', '.orders', 't'.repeat(250)].map((topic): [string, ReturnType<typeof one>, string] => [
      `the topic ${topic}`,
      one({ topic }),
      validation(`Value '[${topic}]' at 'topics' ${failed} ${topicRules}`),
    ]),
    [
      'a group with a space',
      one({ consumerGroupId: 'my group' }),
      validation(
        `Value 'my group' at 'selfManagedKafkaEventSourceConfig.consumerGroupId' ${failed} Member must satisfy regular expression pattern: [a-zA-Z0-9-\\/*:_+=.@-]*`,
      ),
    ],
    [
      'a group of more than 200 characters',
      one({ consumerGroupId: 'g'.repeat(201) }),
      validation(
        `Value '${'g'.repeat(201)}' at 'selfManagedKafkaEventSourceConfig.consumerGroupId' ${failed} Member must have length less than or equal to 200`,
      ),
    ],
    [
      'endpoints without servers',
      plain({ EventSourceArn: undefined, SelfManagedEventSource: { Endpoints: {} } }),
      validation(
        `Value '{}' at 'selfManagedEventSource.endpoints' ${failed} Member must have length greater than or equal to 1`,
      ),
    ],
    [
      'a group of MSK with a space',
      msk({ consumerGroupId: 'my group' }),
      validation(
        `Value 'my group' at 'amazonManagedKafkaEventSourceConfig.consumerGroupId' ${failed} Member must satisfy regular expression pattern: [a-zA-Z0-9-\\/*:_+=.@-]*`,
      ),
    ],
    [
      'a topic that is null',
      plain({ Topics: [null] }),
      validation(`Value '[null]' at 'topics' ${failed} ${topicRules}`),
    ],
    [
      'an ARN together with servers',
      plain({ SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['a:1'] } } }),
      invalid(
        "Unsupported 'selfManagedEventSource' parameter for given event source mapping type.",
      ),
    ],
    ...['Queues', 'ParallelizationFactor', 'TumblingWindowInSeconds', 'ScalingConfig'].map(
      (name): [string, ReturnType<typeof one>, string] => [
        `${name}, which is of another source`,
        plain({ [name]: 2 }),
        invalid(
          `Unsupported '${name[0]?.toLowerCase()}${name.slice(1)}' parameter for given event source mapping type.`,
        ),
      ],
    ),
    [
      'AT_TIMESTAMP without a timestamp',
      plain({ StartingPosition: 'AT_TIMESTAMP' }),
      invalid(
        "When the starting position is 'AT_TIMESTAMP', a starting position timestamp must be provided.",
      ),
    ],
    [
      'an on-success destination',
      plain({ DestinationConfig: { OnSuccess: { Destination: 'arn:aws:sqs:us-east-1:1:q' } } }),
      invalid('Unsupported DestinationConfig parameter for given event source mapping type.'),
    ],
    [
      'metrics without provisioned mode',
      plain({ MetricsConfig: { Metrics: ['EventCount'] } }),
      invalid(
        'MetricsConfig is only available for Provisioned Mode. To configure MetricsConfig, please enable Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig.',
      ),
    ],
  ])('%s', (_, result, message) => {
    expect(result).toMatchObject({ starts: false, refusals: [message] });
  });
});

test.each([
  [
    'a filter pattern that is no pattern',
    one({ filterPatterns: [{ value: { status: 'new' } }] }),
    /\(value\.status must be an object or a list: /,
  ],
  [
    'a filter pattern that is not JSON',
    plain({ FilterCriteria: { Filters: [{ Pattern: 'simple string' }] } }),
    /\(it is not JSON/,
  ],
  ['a filter without a pattern', plain({ FilterCriteria: { Filters: [{}] } }), /\(it is not JSON/],
])("%s is refused with AWS's message, and the reason", (_, result, reason) => {
  expect(result?.starts).toBe(false);
  const [refusal, ...more] = result?.refusals ?? [];
  expect(refusal).toMatch(/^InvalidParameterValueException: Invalid filter pattern definition\. /);
  expect(refusal).toMatch(reason);
  expect(more).toEqual([]);
});

describe("refused with the framework's message", () => {
  test.each([
    [
      'AT_TIMESTAMP without a timestamp on kafka',
      one({ startingPosition: 'AT_TIMESTAMP' }),
      'FUNCTION_KAFKA_STARTING_POSITION_TIMESTAMP_INVALID: You must specify startingPositionTimestamp for function: notify when startingPosition is AT_TIMESTAMP.',
    ],
    [
      'AT_TIMESTAMP without a timestamp on msk',
      msk({ startingPosition: 'AT_TIMESTAMP' }),
      'FUNCTION_MSK_STARTING_POSITION_TIMESTAMP_INVALID: You must specify startingPositionTimestamp for function: notify when startingPosition is AT_TIMESTAMP.',
    ],
    [
      'a subnet without a security group',
      one({ accessConfigurations: { vpcSubnet: 'subnet-1' } }),
      'FUNCTION_KAFKA_VPC_ACCESS_CONFIGURATION_INVALID: You must specify at least one "vpcSecurityGroup" accessConfiguration for function: notify',
    ],
    [
      'a security group without a subnet',
      one({ accessConfigurations: { vpcSecurityGroup: 'sg-1' } }),
      'FUNCTION_KAFKA_VPC_ACCESS_CONFIGURATION_INVALID: You must specify at least one "vpcSubnet" accessConfiguration for function: notify',
    ],
  ])('%s', (_, result, message) => {
    expect(result).toMatchObject({ starts: false, refusals: [message] });
  });
});

describe("refused as AWS documents it, with the plugin's message", () => {
  test.each([
    [
      'neither a cluster nor servers',
      refused(
        [],
        {
          resources: {
            Mapping: {
              Type: 'AWS::Lambda::EventSourceMapping',
              Properties: { FunctionName: { Ref: 'notifyLambdaFunction' }, Topics: ['orders'] },
            },
          },
        },
        readOptions({}),
      )[0],
      /^The mapping has neither a cluster \(EventSourceArn\) nor servers \(SelfManagedEventSource\)\. /,
    ],
    ['no servers', one({ bootstrapServers: [] }), /0 bootstrap servers/],
    ['11 servers', one({ bootstrapServers: Array(11).fill('a:1') }), /has 11 bootstrap servers/],
    [
      'an unknown access type',
      plain({ SourceAccessConfigurations: [{ Type: 'X', URI: 'a' }] }),
      /of type X/,
    ],
    [
      'an access URI with a space',
      plain({ SourceAccessConfigurations: [{ Type: 'SASL_SCRAM_512_AUTH', URI: 'a b' }] }),
      /no valid URI/,
    ],
    [
      'a timestamp in the future',
      one({ startingPosition: 'AT_TIMESTAMP', startingPositionTimestamp: NOW }),
      /is in the future/,
    ],
    [
      'an unknown starting position',
      one({ startingPosition: 'EARLIEST' }),
      /'startingPosition' failed/,
    ],
    [
      'more than 10 filters',
      one({ filterPatterns: Array(11).fill({ value: ['a'] }) }),
      /11 filters/,
    ],
    [
      'a filter of more than 4096 characters',
      one({ filterPatterns: [{ value: ['a'.repeat(5_000)] }] }),
      /4096 are allowed/,
    ],
    [
      'a minimum of pollers above the maximum',
      one({ provisionedPollers: { min: 3, max: 2 } }),
      /more than MaximumPollers/,
    ],
    ['a record age between 0 and 59', one({ ...pollers, maximumRecordAge: 30 }), /60 to 604800/],
    [
      'retry attempts on demand',
      one({ maximumRetryAttempts: 2 }),
      /MaximumRetryAttempts is for provisioned/,
    ],
    [
      'a record age on demand',
      one({ maximumRecordAge: 60 }),
      /MaximumRecordAgeInSeconds is for provisioned/,
    ],
    [
      'bisecting on demand',
      one({ bisectBatchOnFunctionError: true }),
      /BisectBatchOnFunctionError is for/,
    ],
    [
      'partial failures on demand',
      one({ functionResponseType: 'ReportBatchItemFailures' }),
      /FunctionResponseTypes is for provisioned/,
    ],
    [
      'logging on demand',
      plain({ LoggingConfig: { SystemLogLevel: 'INFO' } }),
      /LoggingConfig is for/,
    ],
    [
      'the source topic as destination',
      one({ ...pollers, onFailureDestination: 'kafka://orders' }),
      /is the source topic, orders/,
    ],
    [
      'a Kafka destination without a topic',
      one({ ...pollers, onFailureDestination: 'kafka://' }),
      /Value 'kafka:\/\/' at 'destinationConfig\.onFailure\.destination' failed .* regular expression/,
    ],
    [
      'a Kafka destination with a topic of more than 249 characters',
      one({ ...pollers, onFailureDestination: `kafka://${'x'.repeat(250)}` }),
      /xxx' at 'destinationConfig\.onFailure\.destination' failed .* regular expression/,
    ],
    [
      'a Kafka destination on demand',
      one({ onFailureDestination: 'kafka://dead' }),
      /for provisioned mode/,
    ],
    ['a FIFO queue', one({ onFailureDestination: 'arn:aws:sqs:us-east-1:1:q.fifo' }), /is FIFO/],
    ['a FIFO topic', one({ onFailureDestination: 'arn:aws:sns:us-east-1:1:t.fifo' }), /is FIFO/],
    ...Object.entries({
      'a stream': 'arn:aws:kinesis:us-east-1:1:s',
      'a path in a bucket': 'arn:aws:s3:::letters/orders',
      'an access point': 'arn:aws:s3:us-east-1:1:accesspoint/letters',
      'a bucket without a name': 'arn:aws:s3:::',
      'a queue without a name': 'arn:aws:sqs:us-east-1:1:',
      'a subscription': 'arn:aws:sns:us-east-1:1:letters:8b198dff-fa97-88bc-b0c6-646626d3cc5c',
      'an ARN that is cut off': 'arn:aws:sqs:us-east-1',
    }).map(([what, onFailureDestination]): [string, ReturnType<typeof one>, RegExp] => [
      `${what} as destination`,
      one({ onFailureDestination }),
      /neither the ARN of a queue/,
    ]),
    ['a batch size that is a boolean', plain({ BatchSize: true }), /^BatchSize: .*number/],
    ['a batch size that is an empty text', plain({ BatchSize: '' }), /^BatchSize: .*number/],
    ['a list as a window', plain({ MaximumBatchingWindowInSeconds: [5] }), /number/],
    ['a boolean as a timestamp', plain({ StartingPositionTimestamp: true }), /number/],
    [
      'a destination that is no ARN',
      one({ onFailureDestination: 'letters' }),
      /Value 'letters' at 'destinationConfig\.onFailure\.destination' failed/,
    ],
    [
      'a destination of more than 350 characters',
      one({ onFailureDestination: `arn:aws:sqs:us-east-1:1:${'q'.repeat(350)}` }),
      /length less than or equal to 350/,
    ],
    [
      'Queue mode on MSK',
      plain({ AmazonManagedKafkaEventSourceConfig: { ConsumptionMode: 'Queue' } }),
      /self-managed/,
    ],
    ['a property that does not exist', plain({ Batchsize: 5 }), /Batchsize/],
  ])('%s', (_, result, message) => {
    expect(result).toMatchObject({ starts: false, refusals: [expect.stringMatching(message)] });
  });

  test.each(['d', 'x'.repeat(249)])(
    'a topic of this length may be the destination: %s',
    (topic) => {
      expect(one({ ...pollers, onFailureDestination: `kafka://${topic}` })).toMatchObject({
        starts: true,
        refusals: [],
      });
    },
  );

  test('Queue mode is not emulated', () => {
    const result = one({}, { SelfManagedKafkaEventSourceConfig: { ConsumptionMode: 'Queue' } });
    expect(result).toMatchObject({
      starts: false,
      refusals: [expect.stringMatching(/^ConsumptionMode Queue is not emulated: .*Kafka 4\.2/)],
    });
  });
});

test('a map without a key for the account here is named, with the setting that helps', () => {
  const lookup = { 'Fn::FindInMap': ['Accounts', { Ref: 'AWS::AccountId' }, 'topic'] };
  const mappings = { Accounts: { 111111111111: { topic: 'prod' } } };
  const service = kafkaService([{ kafka: { ...kafka, topic: lookup } }], { mappings });
  const read = (parameters: object = {}, given = service) => {
    const own = readOptions({ bootstrapServers: 'localhost:9092', parameters });
    return readDefinitions(given, own, NOW).definitions[0];
  };
  const says =
    /^Topics\.0 is .* The map Accounts has no key 000000000000, the account of this machine: .*AWS::AccountId under custom\.kafkaEventSource\.parameters/;
  expect(read()?.refusals).toMatchObject([{ message: expect.stringMatching(says) }]);
  expect(read({ 'AWS::AccountId': '111111111111' })?.mapping).toMatchObject({ topic: 'prod' });
  const sub = { 'Fn::Sub': ['kafka://${t}', { t: lookup }] };
  const config = {
    SelfManagedKafkaEventSourceConfig: {
      SchemaRegistryConfig: {
        SchemaRegistryURI: sub,
        EventRecordFormat: 'JSON',
        SchemaValidationConfigs: [{ Attribute: 'KEY' }],
      },
    },
  };
  for (const [event, properties] of [
    [{ onFailureDestination: sub, ...pollers }, {}],
    [{ bootstrapServers: lookup }, {}],
    [{}, { SourceAccessConfigurations: lookup }],
    [pollers, config],
  ]) {
    const extensions = { [EXTENDED]: { Properties: properties } };
    const events = [{ kafka: { ...kafka, ...event } }];
    const { definitions } = readDefinitions(
      kafkaService(events, { mappings, extensions }),
      readOptions({}),
      NOW,
    );
    expect(definitions[0]?.refusals).toMatchObject([
      { message: expect.stringMatching(/The map Accounts has no key 000000000000/) },
    ]);
  }
});

describe('a mapping of a durable function', () => {
  const eventAlias = 'durable';
  const unqualified = /is durable \(DurableConfig\): the mapping must name one of its versions/;
  const framework = (executionTimeout: number, alias: object = { eventAlias }) => {
    const others = { durableConfig: { executionTimeout }, ...alias };
    return refused([], { functions: [kafkaFunction('notify', [{ kafka }], 6, others)] })[0];
  };
  const template = (FunctionName: unknown, ExecutionTimeout: unknown = 900, more: object = {}) =>
    refused([], {
      resources: {
        notifyLambdaFunction: { Properties: { DurableConfig: { ExecutionTimeout }, ...more } },
        Version: {
          Type: 'AWS::Lambda::Version',
          Properties: { FunctionName: { Ref: 'notifyLambdaFunction' } },
        },
        Mapping: {
          Type: 'AWS::Lambda::EventSourceMapping',
          Properties: { FunctionName, EventSourceArn: arn, Topics: ['orders'] },
        },
      },
    })[0];

  test.each([
    ['an event, whose alias the framework sets', framework(900)],
    ['an alias in its ARN', template('arn:aws:lambda:us-east-1:1:function:shop-local-notify:live')],
    ['$LATEST', template('shop-local-notify:$LATEST')],
    ["the framework's alias", template({ Ref: 'notifyProvConcLambdaAlias' })],
    ['a version', template({ Ref: 'Version' })],
    ['a limit that only AWS knows', template('shop-local-notify:1', { 'Fn::ImportValue': 'x' })],
  ])('starts with %s', (_, result) => {
    expect(result).toMatchObject({ starts: true, refusals: [] });
  });

  test.each([
    ['the bare name', template('shop-local-notify')],
    ['the bare ARN', template({ 'Fn::GetAtt': ['notifyLambdaFunction', 'Arn'] })],
    ['an event of a framework that sets no alias', framework(900, {})],
    [
      'an event of a function that an extension makes durable',
      refused([{ kafka }], {
        extensions: {
          notifyLambdaFunction: { Properties: { DurableConfig: { ExecutionTimeout: 60 } } },
        },
      })[0],
    ],
  ])('is refused with %s', (_, result) => {
    expect(result).toMatchObject({ starts: false, refusals: [expect.stringMatching(unqualified)] });
  });

  test('is refused when an execution may last longer than 15 minutes', () => {
    expect(framework(901)?.refusals).toEqual([
      'DURABLE_FUNCTION_ESM_TIMEOUT_UNSUPPORTED: Function "notify" uses an event source mapping with ' +
        '"durableConfig.executionTimeout" greater than 900 seconds. AWS Lambda event source mappings ' +
        'invoke durable functions synchronously and require durable execution timeout to be 15 ' +
        'minutes or less.',
    ]);
    expect(template('shop-local-notify:1', 901)?.refusals).toEqual([
      expect.stringMatching(/ExecutionTimeout of 901 s; .* at most 900 s/),
    ]);
    expect(template('shop-local-notify:1', 86_400)).toMatchObject({ starts: false });
  });

  test('may last for 90 minutes on managed instances', () => {
    const managed = { CapacityProviderConfig: {} };
    expect(template('shop-local-notify:1', 5_400, managed)).toMatchObject({ starts: true });
    expect(template('shop-local-notify:1', 5_401, managed)?.refusals).toEqual([
      expect.stringMatching(/at most 5400 s \(90 minutes\)/),
    ]);
  });

  test("keeps the function's own limit of 14 minutes", () => {
    const others = { durableConfig: { executionTimeout: 900 }, eventAlias };
    const result = refused([], { functions: [kafkaFunction('notify', [{ kafka }], 841, others)] });
    expect(result[0]?.warnings).toEqual([expect.stringMatching(/at most 840 s/)]);
  });
});

test('a mapping of a function with tenant isolation is refused', () => {
  const Properties = { TenancyConfig: { TenantIsolationMode: 'PER_TENANT' } };
  for (const place of ['resources', 'extensions']) {
    const [result] = refused([{ kafka }], { [place]: { notifyLambdaFunction: { Properties } } });
    expect(result).toMatchObject({
      starts: false,
      refusals: [expect.stringMatching(/tenant isolation .* passes none/)],
    });
  }
  const other = { otherLambdaFunction: { Properties } };
  expect(refused([{ kafka }], { resources: other })[0]).toMatchObject({ starts: true });
});

describe('a handler that declares a callback', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kes-declared-'));
  writeFileSync(
    join(folder, 'handler.mjs'),
    'export const three = (event, context, callback) => callback();\nexport const two = async (event, context) => 1;',
  );
  afterAll(() => rmSync(folder, { recursive: true }));
  const read = (handler: string, runtime?: string, resources: object = {}) =>
    refused([], {
      folder,
      resources: { ...resources },
      functions: [kafkaFunction('notify', [{ kafka }], 6, { handler, runtime })],
    })[0];

  test('is a warning from Node 24 on, which names it and says what to do', () => {
    const warnings = [
      expect.stringMatching(
        /^The handler handler\.three declares a callback .* with nodejs24\.x .*CallbackHandlerDeprecated.* Make it async/,
      ),
    ];
    expect(read('handler.three', 'nodejs24.x')).toEqual({ starts: true, refusals: [], warnings });
    const managed = { notifyLambdaFunction: { Properties: { CapacityProviderConfig: {} } } };
    expect(read('handler.three', 'nodejs22.x', managed)?.warnings).toHaveLength(1);
  });

  test.each([
    ['up to Node 22', read('handler.three', 'nodejs22.x')],
    ['with another runtime', read('handler.three', 'python3.13')],
    ['without a runtime, as in an image', read('handler.three')],
    ['with two parameters', read('handler.two', 'nodejs24.x')],
    ['whose file is not found', read('missing.three', 'nodejs24.x')],
  ])('is no warning %s', (_, result) => {
    expect(result).toEqual({ starts: true, refusals: [], warnings: [] });
  });
});

describe('a schema registry', () => {
  const registry = { uri: 'https://r.example.com', eventRecordFormat: 'JSON', validate: ['key'] };
  const read = (changes: object, mode: object = pollers) =>
    one({ ...mode, schemaRegistry: { ...registry, ...changes } });

  test.each([
    [
      'on demand',
      read({}, {}),
      'SchemaRegistryConfig is only available for Provisioned Mode. To configure Schema Registry, please enable Provisioned Mode by specifying MinimumPollers in ProvisionedPollerConfig.',
    ],
    [
      'with a malformed address',
      read({ uri: 'registry' }),
      'Malformed SchemaRegistryURI provided. Please provide a valid URI or ARN. For example, https://schema-registry.example.com:8081 or arn:aws:glue:us-east-1:123456789012:registry/ExampleRegistry.',
    ],
    [
      'without a format',
      read({ eventRecordFormat: undefined }),
      'EventRecordFormat is a required field for SchemaRegistryConfig. Please provide one of supported format types: SOURCE, JSON.',
    ],
    [
      'with an attribute twice',
      read({ validate: ['key', 'key'] }),
      'Duplicate KEY Attribute in SchemaValidationConfigs. SchemaValidationConfigs must contain at most one KEY Attribute.',
    ],
    [
      'without attributes',
      read({ validate: undefined }),
      'SchemaValidationConfigs is a required field for SchemaRegistryConfig.',
    ],
    [
      'of another region',
      read({ uri: 'arn:aws:glue:eu-west-1:1:registry/r' }),
      'Cross-region Glue Schema Registry ARN not supported.',
    ],
  ])("%s is refused with AWS's message", (_, result, message) => {
    expect(result?.refusals).toEqual([`InvalidParameterValueException: ${message}`]);
  });

  test('of Glue may be of another account', () => {
    const refusals = read({ uri: 'arn:aws:glue:us-east-1:999999999999:registry/r' })?.refusals;
    expect(refusals?.filter((message) => message.includes('account'))).toEqual([]);
  });

  test('of Glue takes no access configurations', () => {
    const uri = 'arn:aws:glue:us-east-1:1:registry/r';
    const accessConfigurations = { basicAuth: 'arn:aws:secretsmanager:us-east-1:1:secret:r' };
    expect(read({ uri, accessConfigurations })?.refusals).toEqual([
      expect.stringMatching(/takes no AccessConfigs/),
    ]);
  });

  test('with access by a token of OAuth does not run, and a message says how it would', () => {
    const AccessConfigs = [{ Type: 'OAUTHBEARER_AUTH', URI: 'arn:aws:secretsmanager:x' }];
    const SchemaRegistryConfig = {
      SchemaRegistryURI: registry.uri,
      EventRecordFormat: 'JSON',
      SchemaValidationConfigs: [{ Attribute: 'VALUE' }],
      AccessConfigs,
    };
    const config = { SelfManagedKafkaEventSourceConfig: { SchemaRegistryConfig } };
    expect(one(pollers, config)?.refusals).toEqual([
      expect.stringMatching(
        /OAUTHBEARER_AUTH, which this emulator cannot.*endpoints\.schemaRegistry/,
      ),
    ]);
  });

  test.each(['BASIC_AUTH', 'SERVER_ROOT_CA_CERTIFICATE', 'SERVER_ROOT_CA_CERT'])(
    'takes access by %s',
    (Type) => {
      const SchemaRegistryConfig = {
        SchemaRegistryURI: registry.uri,
        EventRecordFormat: 'JSON',
        SchemaValidationConfigs: [{ Attribute: 'VALUE' }],
        AccessConfigs: [{ Type, URI: 'arn:aws:secretsmanager:us-east-1:1:secret:r' }],
      };
      const config = { SelfManagedKafkaEventSourceConfig: { SchemaRegistryConfig } };
      expect(one(pollers, config)).toMatchObject({ starts: true, refusals: [] });
    },
  );

  test('refuses access of another kind', () => {
    const accessConfigurations = { saslScram512Auth: 'arn:x' };
    expect(read({ accessConfigurations })?.refusals).toEqual([expect.any(String)]);
  });

  test('that is empty counts as none', () => {
    const config = { SelfManagedKafkaEventSourceConfig: { SchemaRegistryConfig: {} } };
    expect(one({}, config)).toMatchObject({ starts: true });
  });
});

describe('beside another mapping', () => {
  const other = (changes: object) => ({ kafka: { ...kafka, ...changes } });
  const twin = {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      FunctionName: { Ref: 'notifyLambdaFunction' },
      SelfManagedEventSource: {
        Endpoints: { KafkaBootstrapServers: ['b-2.example.com:9096', 'c:1'] },
      },
      SourceAccessConfigurations: [{ Type: 'BASIC_AUTH', URI: 'arn:x' }],
      SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'another' },
      Topics: ['orders'],
    },
  };

  test("the same function, topic and an overlapping server are refused with AWS's message", () => {
    const [first, second] = refused([{ kafka }], { resources: { Twin: twin } });
    expect(first).toMatchObject({ starts: true });
    expect(second?.refusals).toEqual([
      expect.stringMatching(
        /^ResourceConflictException: An event source mapping with event source \("b-2\.example\.com:9096,c:1"\), function \("arn:aws:lambda:us-east-1:000000000000:function:shop-local-notify"\), topics \("orders"\) already exists\. Please update or delete the existing mapping with UUID [0-9a-f-]{36}$/,
      ),
    ]);
  });

  const group = { consumerGroupId: 'shared' };
  const warningsOf = (events: object[]) => {
    const [first, second] = refused(events);
    expect([first, second]).toMatchObject([
      { starts: true, refusals: [], warnings: [] },
      { starts: true, refusals: [] },
    ]);
    return second?.warnings;
  };

  test('the same group is a warning with the option that changes it here', () => {
    const msk = { arn, topic: 'bills', ...group };
    for (const elsewhere of [
      { msk },
      other({ ...group, topic: 'bills', bootstrapServers: ['d:1'] }),
    ]) {
      expect(warningsOf([other(group), elsewhere])).toEqual([
        expect.stringMatching(
          /group shared is also the group of notify \(orders\)\. AWS's page says .*custom\.kafkaEventSource\.mappings\.notify\.consumerGroupId/,
        ),
      ]);
    }
  });

  test("the same group with a common server is a warning with AWS's refusal", () => {
    expect(warningsOf([other(group), other({ ...group, topic: 'bills' })])).toEqual([
      expect.stringMatching(
        /AWS refuses it \(ResourceConflictException\): An event source mapping with event source \(".*"\), selfManagedKafkaEventSourceConfig\.consumerGroupId \("shared"\) already exists\. Please update or delete the existing mapping with UUID [0-9a-f-]{36}\. The mapping runs here: /,
      ),
    ]);
  });

  test('another topic, with a group of its own, is accepted', () => {
    expect(refused([{ kafka }, other({ topic: 'bills' })])).toMatchObject([
      { starts: true },
      { starts: true },
    ]);
  });
});

describe('an msk event whose ARN names no MSK cluster', () => {
  const placeholders = [
    'arn:*',
    'local/local',
    'StreamARNNotPassed',
    'arn:aws:msk:us-east-1:111111111111:cluster/demo/2a-2',
    'arn:aws:kafka:us-east-1:111111111111:topic/demo/2a-2/orders',
  ];

  test.each(placeholders)('%s runs with local servers, with a warning', (placeholder) => {
    expect(msk({ arn: placeholder })).toEqual({
      starts: true,
      refusals: [],
      warnings: [expect.stringContaining(`EventSourceArn "${placeholder}" is not the ARN of an`)],
    });
    expect(plain({ EventSourceArn: placeholder })).toMatchObject({ starts: true });
  });

  test.each(placeholders)('%s is refused with the deployed servers', (placeholder) => {
    const service = kafkaService([{ msk: { arn: placeholder, topic: 'orders' } }]);
    const { definitions } = readDefinitions(service, readOptions({}), NOW);
    expect(definitions).toMatchObject([
      {
        mapping: undefined,
        refusals: [{ by: 'AWS', message: expect.stringMatching(/is not the/) }],
      },
    ]);
  });

  test("another source's mapping is none for Kafka", () => {
    const EventSourceArn = 'arn:aws:sqs:us-east-1:111111111111:queue';
    expect(plain({ EventSourceArn, Topics: undefined })).toBeUndefined();
  });
});

describe('started with a warning', () => {
  test.each([
    [
      'a function of more than 14 minutes',
      refused([], { functions: [kafkaFunction('notify', [{ kafka }], 841)] })[0],
      /timeout of 841 s\. AWS supports .* at most 840 s/,
    ],
    ['a server without a port', one({ bootstrapServers: ['a'] }), /refuses \["a"\]/],
    ['6 to 10 filters', one({ filterPatterns: Array(6).fill({ value: ['a'] }) }), /the quota is 5/],
    [
      'a filter on the topic',
      one({ filterPatterns: [{ topic: ['a'], value: ['a'] }] }),
      /documents filters on value only/,
    ],
    ['a filter on no member', one({ filterPatterns: [{ status: ['a'] }] }), /no record has/],
    [
      'an operator that Lambda does not list',
      one({ filterPatterns: [{ value: [{ wildcard: 'a*' }] }] }),
      /A filter with wildcard/,
    ],
    [
      'SASL/PLAIN on MSK',
      plain({ SourceAccessConfigurations: [{ Type: 'BASIC_AUTH', URI: 'arn:x' }] }),
      /no BASIC_AUTH for Amazon MSK/,
    ],
    [
      'a subnet without a group in a plain resource',
      plain({ SourceAccessConfigurations: [{ Type: 'VPC_SUBNET', URI: 'subnet:x' }] }),
      /only together/,
    ],
  ])('%s', (_, result, message) => {
    expect(result).toMatchObject({ starts: true });
    expect(result?.warnings).toContainEqual(expect.stringMatching(message));
  });
});

test('structures without members count as left out, and numbers may be texts', () => {
  const empty = {
    BatchSize: '10',
    DestinationConfig: { OnFailure: {}, OnSuccess: {} },
    ProvisionedPollerConfig: {},
    FilterCriteria: {},
    FunctionResponseTypes: [],
    MetricsConfig: { Metrics: [] },
    LoggingConfig: {},
  };
  expect(plain(empty)).toEqual({ starts: true, refusals: [], warnings: [] });
});

test('a mapping that AWS accepts is accepted', () => {
  expect(
    one({
      ...pollers,
      batchSize: 10_000,
      maximumBatchingWindow: 300,
      maximumRetryAttempts: 0,
      maximumRecordAge: 604_800,
      startingPosition: 'AT_TIMESTAMP',
      startingPositionTimestamp: 0,
      onFailureDestination: 'arn:aws:s3:::letters',
    }),
  ).toEqual({ starts: true, refusals: [], warnings: [] });
  expect(msk({})).toEqual({ starts: true, refusals: [], warnings: [] });
  const longest = [kafkaFunction('notify', [{ kafka }], 840)];
  expect(refused([], { functions: longest })).toEqual([
    { starts: true, refusals: [], warnings: [] },
  ]);
});
