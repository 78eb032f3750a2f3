import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readDefinitions } from '../definition.ts';
import type { Json } from '../json.ts';
import { readOptions } from '../options.ts';
import { loadTemplate } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'template-'));
afterAll(() => rmSync(folder, { recursive: true }));

const arn = 'arn:aws:kafka:us-east-1:111111111111:cluster/demo/abc-1';

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

async function definitions(file: string, custom: object = {}) {
  const options = readOptions({ bootstrapServers: 'localhost:9092', ...custom });
  const service = await loadTemplate(file, { region: 'us-east-1', stage: 'test', given: options });
  return readDefinitions(service, options).definitions;
}

const SAM = `
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 20
    Runtime: python3.13
    Environment: { Variables: { A: 1 } }
Parameters:
  Topic: { Type: String, Default: orders }
  Stage: { Type: String, Default: test }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Letters:
    Type: AWS::SQS::Queue
  Notify:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.main
      FunctionName: !Sub '\${AWS::StackName}-notify'
      ReservedConcurrentExecutions: 2
      Events:
        Orders:
          Type: MSK
          Properties:
            Stream: !ImportValue Cluster
            Topics: [!Ref Topic]
            StartingPosition: TRIM_HORIZON
            BatchSize: 7
            ConsumerGroupId: notify
            ProvisionedPollerConfig: { MinimumPollers: 1 }
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria:
              Filters:
                - Pattern: '{"value":{"type":["A"]}}'
            DestinationConfig:
              OnFailure: { Destination: !GetAtt Letters.Arn }
        Web:
          Type: HttpApi
  Bill:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      Timeout: 9
      AutoPublishAlias: live
      Events:
        Own:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: [b-1.example.com:9096]
            Topics: [bills]
            SourceAccessConfigurations:
              - { Type: SASL_SCRAM_512_AUTH, URI: 'arn:aws:secretsmanager:us-east-1:1:secret:x' }
            ConsumerGroupId: bills
  Prod:
    Type: AWS::Serverless::Function
    Condition: IsProd
    Properties:
      Events:
        Orders: { Type: MSK, Properties: { Stream: '${arn}', Topics: [prod], StartingPosition: LATEST } }
`;

describe('a SAM template', () => {
  test('has the mappings that SAM makes of its events', async () => {
    const found = await definitions(write('template.yaml', SAM));
    expect(found.map(({ refusals, where }) => [where, refusals])).toEqual([
      ['Resources.NotifyOrders', []],
      ['Resources.BillOwn', []],
    ]);
    expect(found.map(({ mapping }) => mapping)).toMatchObject([
      {
        functionKey: 'Notify',
        functionName: `${basename(folder)}-test-notify`,
        logicalId: 'NotifyOrders',
        topic: 'orders',
        batchSize: 7,
        groupId: 'notify',
        timeoutMs: 20_000,
        reservedConcurrency: 2,
        reportBatchItemFailures: true,
        startingPosition: 'TRIM_HORIZON',
        filters: [expect.anything()],
        source: {
          eventSource: 'aws:kafka',
          eventSourceArn: expect.stringMatching(/:cluster\/Cluster\//),
        },
        destination: {
          kind: 'sqs',
          arn: `arn:aws:sqs:us-east-1:000000000000:${basename(folder)}-test-Letters`,
        },
      },
      {
        functionKey: 'Bill',
        functionName: 'Bill',
        qualifier: 'live',
        topic: 'bills',
        groupId: 'bills',
        timeoutMs: 9_000,
        source: { eventSource: 'SelfManagedKafka' },
      },
    ]);
  });

  test('words such as no and yes are booleans, also as keys of a map and as a given parameter', async () => {
    const text = SAM.replace('Topic: { Type: String, Default: orders }', 'Live: { Default: no }')
      .replace(
        'Resources:',
        'Mappings: { ByLive: { yes: { T: paid }, no: { T: orders } } }\nResources:',
      )
      .replace('!Ref Topic', '!FindInMap [ByLive, !Ref Live, T]')
      .replace('[!Ref Stage, prod]', '[!Ref Live, yes]');
    const topics = async (custom: object = {}) =>
      (await definitions(write('words.yaml', text), custom)).map(({ mapping }) => mapping?.topic);
    expect(await topics()).toEqual(['orders', 'bills']);
    expect(await topics({ parameters: { Live: 'yes' } })).toEqual(['paid', 'bills', 'prod']);
    expect(await topics({ parameters: { Live: 'no' } })).toEqual(['orders', 'bills']);
  });

  test.each(['live', '!Ref Stage'])(
    'AutoPublishAlias: %s is the alias of the events',
    async (alias) => {
      const text = SAM.replace('AutoPublishAlias: live', `AutoPublishAlias: ${alias}`);
      const [plain, aliased] = await definitions(write('alias.yaml', text));
      expect(plain?.mapping).not.toHaveProperty('qualifier');
      expect(aliased?.mapping?.qualifier).toBe(alias === 'live' ? 'live' : 'test');
    },
  );

  // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
  const LOOP = `
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters:
  Names: { Type: CommaDelimitedList, Default: 'Refunds,Returns' }
Resources:
  Fn::ForEach::Workers:
    - Name
    - !Ref Names
    - \${Name}Function:
        Type: AWS::Serverless::Function
        Properties:
          FunctionName: !Sub work-\${Name}
          Events:
            Own: { Type: MSK, Properties: { Stream: '${arn}', Topics: [!Sub 'all-\${Name}'] } }
  Fn::ForEach::Others:
    - Topic
    - [own.a]
    - Own&{Topic}:
        Type: AWS::Lambda::EventSourceMapping
        Properties: { FunctionName: !Ref RefundsFunction, EventSourceArn: '${arn}', Topics: [!Ref Topic] }
`;

  test('the functions and mappings of a loop run like those that are written out', async () => {
    const found = await definitions(write('loop.yaml', LOOP));
    expect(
      found.map(({ where, mapping }) => [where, mapping?.functionName, mapping?.topic]),
    ).toEqual([
      ['Resources.Ownowna', 'work-Refunds', 'own.a'],
      ['Resources.RefundsFunctionOwn', 'work-Refunds', 'all-Refunds'],
      ['Resources.ReturnsFunctionOwn', 'work-Returns', 'all-Returns'],
    ]);
  });

  test('a loop over values that only AWS knows is a warning, and its values can be given', async () => {
    const file = write('late.yaml', LOOP.replace(", Default: 'Refunds,Returns'", ''));
    const options = readOptions({ bootstrapServers: 'localhost:9092' });
    const service = await loadTemplate(file, {
      region: 'us-east-1',
      stage: 'test',
      given: options,
    });
    expect(readDefinitions(service, options).warnings).toEqual([
      expect.stringMatching(/^Resources\.Fn::ForEach::Workers: .*parameters/),
    ]);
    const given = await definitions(file, { parameters: { Names: 'Refunds' } });
    expect(given.map(({ mapping }) => mapping?.topic)).toEqual(['own.a', 'all-Refunds']);
  });

  const FUNCTION = `
  Late:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: !If [IsProd, 60, 10]
      ReservedConcurrentExecutions: !Ref Concurrency
      Environment: { Variables: { A: !Sub 'x-\${Stage}', B: 2 } }
      Events:
        Own: { Type: MSK, Properties: { Stream: '${arn}', Topics: [late] } }
`;

  test('a function of CloudFormation under Globals is replaced, and not merged', async () => {
    const globals = `Timeout: !Ref Seconds\n    Environment: { Variables: { A: !Ref Stage, C: 3 } }`;
    const text = SAM.replace(/Timeout: 20[\s\S]*?Variables.*/, globals).replace(
      'Parameters:',
      "Parameters:\n  Seconds: { Type: Number, Default: 9 }\n  Concurrency: { Default: '4' }",
    );
    const file = write('globals.yaml', text + FUNCTION);
    const options = readOptions({ bootstrapServers: 'localhost:9092' });
    const place = { region: 'us-east-1', stage: 'test', given: options };
    const { functions } = await loadTemplate(file, place);
    const late = functions.find(({ key }) => key === 'Late');
    expect(late).toMatchObject({
      timeoutSeconds: 10,
      reservedConcurrency: 4,
      environment: { A: 'x-test', B: '2', C: '3' },
    });
    expect(functions.find(({ key }) => key === 'Notify')?.timeoutSeconds).toBe(9);
  });

  test('a mapping of its own names the alias of AutoPublishAlias', async () => {
    const Properties = `{ FunctionName: !Ref Bill.Alias, EventSourceArn: '${arn}', Topics: [own] }`;
    const own = `  Own: { Type: AWS::Lambda::EventSourceMapping, Properties: ${Properties} }\n`;
    const found = await definitions(write('own.yaml', SAM + own));
    expect(found.find(({ logicalId }) => logicalId === 'Own')).toMatchObject({
      refusals: [],
      mapping: { functionName: 'Bill', qualifier: 'live' },
    });
  });

  test('a parameter that is given wins over its default, also in a condition', async () => {
    const parameters = { Stage: 'prod', Topic: 'sales' };
    const found = await definitions(write('template.yaml', SAM), { parameters });
    expect(found.map(({ mapping }) => mapping?.topic)).toEqual(['sales', 'bills', 'prod']);
  });
});

test('the parts of a SAM event that SAM makes policies of are no part of the mapping', async () => {
  const OnFailure = { Type: 'SQS', Destination: 'arn:aws:sqs:us-east-1:111111111111:letters' };
  const Properties = {
    KafkaBootstrapServers: ['b-1.example.com:9096'],
    Topics: ['bills'],
    StartingPosition: 'LATEST',
    SourceAccessConfigurations: [
      { Type: 'BASIC_AUTH', URI: 'arn:aws:secretsmanager:us-east-1:1:secret:x' },
    ],
    SecretsManagerKmsKeyId: '1abc23d4-567f-8ab9-cde0-1fab234c5d67',
    DestinationConfig: { OnFailure },
  };
  const Events = { Own: { Type: 'SelfManagedKafka', Properties } };
  const Fn = { Type: 'AWS::Serverless::Function', Properties: { Handler: 'a.b', Events } };
  const [found] = await definitions(write('type.json', { Resources: { Fn } }));
  expect(found).toMatchObject({
    refusals: [],
    mapping: { destination: { kind: 'sqs', arn: OnFailure.Destination } },
  });
});

test('a topic that only AWS knows is named in messages as it is written', async () => {
  const Properties = { FunctionName: { Ref: 'Fn' }, EventSourceArn: arn, Topics: [{ Ref: 'T' }] };
  const Fn = { Type: 'AWS::Lambda::Function', Properties: {} };
  const M = { Type: 'AWS::Lambda::EventSourceMapping', Properties };
  const [found] = await definitions(write('topic.json', { Resources: { Fn, M } }));
  expect(found).toMatchObject({ name: 'Fn ({"Ref":"T"})', refusals: [{ by: 'emulator' }] });
});

describe('dynamic references, which CloudFormation replaces', () => {
  const secret = '{{resolve:ssm:/kafka/secret}}';
  const event = (type: string, properties: object) => ({
    Type: 'AWS::Serverless::Function',
    Properties: {
      Handler: 'a.b',
      Runtime: 'nodejs24.x',
      Events: { Kafka: { Type: type, Properties: { StartingPosition: 'LATEST', ...properties } } },
    },
  });
  const own = event('SelfManagedKafka', {
    KafkaBootstrapServers: ['{{resolve:ssm:/kafka/servers}}'],
    Topics: ['bills'],
    SourceAccessConfigurations: [{ Type: 'BASIC_AUTH', URI: secret }],
  });

  test('of servers and secrets: the mapping runs on local servers, and on no others', async () => {
    const file = write('dynamic.json', { Resources: { Own: own } });
    const [found] = await definitions(file);
    expect(found).toMatchObject({ refusals: [], warnings: [], mapping: { topic: 'bills' } });
    const [deployed] = await definitions(file, { bootstrapServers: undefined });
    expect(deployed?.refusals).toMatchObject([
      { by: 'emulator', message: expect.stringContaining('Only AWS knows') },
    ]);
  });

  test('of a cluster: it has an ARN here, without a warning', async () => {
    const Managed = event('MSK', { Stream: '{{resolve:ssm:/msk/shop}}', Topics: ['bills'] });
    const [found] = await definitions(write('dynamic.json', { Resources: { Managed } }));
    expect(found).toMatchObject({ refusals: [], warnings: [] });
    expect(found?.mapping?.source).toMatchObject({
      eventSourceArn: expect.stringMatching(/:cluster\/msk\//),
    });
  });

  test('of a topic: it is asked for, and can be given', async () => {
    const topic = '{{resolve:ssm:/kafka/topic}}';
    const Managed = event('MSK', { Stream: arn, Topics: [topic] });
    const file = write('dynamic.json', { Resources: { Managed } });
    const [found] = await definitions(file);
    expect(found?.refusals).toMatchObject([
      { by: 'emulator', message: expect.stringContaining(`{"Fn::Sub":"${topic}"}`) },
    ]);
    const [given] = await definitions(file, { parameters: { [topic]: 'bills' } });
    expect(given?.mapping?.topic).toBe('bills');
  });
});

test('a CloudFormation template, as CDK writes it, has its mappings', async () => {
  const file = write('Stack.template.json', {
    Resources: {
      Fn: {
        Type: 'AWS::Lambda::Function',
        Properties: { Handler: 'index.handler', Runtime: 'nodejs24.x', Timeout: 60 },
      },
      FnKafka: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          FunctionName: { Ref: 'Fn' },
          EventSourceArn: arn,
          Topics: ['orders'],
          StartingPosition: 'TRIM_HORIZON',
          AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'g' },
        },
      },
      FnQueue: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { FunctionName: { Ref: 'Fn' }, EventSourceArn: 'arn:aws:sqs:us-east-1:1:q' },
      },
    },
  });
  expect((await definitions(file)).map(({ mapping }) => mapping)).toMatchObject([
    { functionKey: 'Fn', functionName: 'Fn', topic: 'orders', groupId: 'g', timeoutMs: 60_000 },
  ]);
});

const PLAN = {
  format_version: '1.2',
  planned_values: {
    root_module: {
      resources: [
        {
          address: 'aws_lambda_function.notify',
          mode: 'managed',
          type: 'aws_lambda_function',
          name: 'notify',
          values: {
            function_name: 'shop-notify',
            handler: 'index.handler',
            runtime: 'nodejs24.x',
            timeout: 30,
            package_type: 'Zip',
            reserved_concurrent_executions: -1,
          },
        },
        {
          address: 'aws_lambda_event_source_mapping.orders',
          mode: 'managed',
          type: 'aws_lambda_event_source_mapping',
          name: 'orders',
          values: {
            topics: ['orders'],
            batch_size: 5,
            enabled: true,
            starting_position: 'AT_TIMESTAMP',
            starting_position_timestamp: '2026-11-01T00:00:00Z',
            bisect_batch_on_function_error: null,
            destination_config: [],
            filter_criteria: [{ filter: [{ pattern: '{"value":{"a":[1]}}' }] }],
            source_access_configuration: [],
            amazon_managed_kafka_event_source_config: [{ consumer_group_id: 'shop' }],
            self_managed_event_source: [],
          },
        },
      ],
      child_modules: [
        {
          address: 'module.billing["eu"]',
          resources: [
            {
              address: 'module.billing["eu"].aws_lambda_function.bill',
              type: 'aws_lambda_function',
              name: 'bill',
              values: { function_name: 'bill', package_type: 'Image', timeout: 3 },
            },
            {
              address: 'module.billing["eu"].aws_lambda_event_source_mapping.bills',
              type: 'aws_lambda_event_source_mapping',
              name: 'bills',
              values: {
                topics: ['bills'],
                starting_position: 'LATEST',
                self_managed_event_source: [
                  {
                    endpoints: { KAFKA_BOOTSTRAP_SERVERS: 'a.example.com:9092,b.example.com:9092' },
                  },
                ],
                source_access_configuration: [{ type: 'VPC_SUBNET', uri: 'subnet:subnet-1' }],
              },
            },
          ],
        },
      ],
    },
  },
  configuration: {
    root_module: {
      resources: [
        {
          address: 'aws_lambda_event_source_mapping.orders',
          type: 'aws_lambda_event_source_mapping',
          name: 'orders',
          expressions: {
            function_name: {
              references: ['aws_lambda_function.notify.arn', 'aws_lambda_function.notify'],
            },
            event_source_arn: { references: ['aws_msk_cluster.main.arn', 'aws_msk_cluster.main'] },
          },
        },
      ],
      module_calls: {
        billing: {
          module: {
            resources: [
              {
                type: 'aws_lambda_event_source_mapping',
                name: 'bills',
                expressions: {
                  function_name: { references: ['aws_lambda_function.bill.arn'] },
                },
              },
            ],
          },
        },
      },
    },
  },
};

test('a Terraform plan has its mappings, also where names come with the apply, and in modules', async () => {
  const found = await definitions(write('plan.json', PLAN));
  expect(found.map(({ refusals }) => refusals)).toEqual([[], []]);
  expect(found.map(({ mapping }) => mapping)).toMatchObject([
    {
      functionKey: 'shop-notify',
      functionName: 'shop-notify',
      topic: 'orders',
      batchSize: 5,
      groupId: 'shop',
      timeoutMs: 30_000,
      startingPosition: 'AT_TIMESTAMP',
      startingTimestampMs: Date.parse('2026-11-01T00:00:00Z'),
      filters: [expect.anything()],
      source: { eventSourceArn: expect.stringMatching(/:cluster\/main\/[0-9a-f-]{36}-1$/) },
    },
    { functionName: 'bill', topic: 'bills', timeoutMs: 3_000, startingPosition: 'LATEST' },
  ]);
});

test('a plan that `terraform show -json > plan.json` wrote in Windows PowerShell is read', async () => {
  const file = join(folder, 'plan.json');
  writeFileSync(file, `\uFEFF${JSON.stringify(PLAN)}`, 'utf16le');
  expect(await definitions(file)).toHaveLength(2);
});

test('a queue whose ARN comes with the apply has a local ARN, and a warning says so', async () => {
  const plan = structuredClone(PLAN) as { planned_values: Json; configuration: Json };
  const [, orders] = resourcesIn(plan.planned_values);
  const [written] = resourcesIn(plan.configuration);
  const references = ['aws_sqs_queue.dead.arn', 'aws_sqs_queue.dead'];
  Object.assign(orders?.values as Json, { destination_config: [{ on_failure: [{}] }] });
  Object.assign(written?.expressions as Json, {
    destination_config: [{ on_failure: [{ destination_arn: { references } }] }],
  });
  const file = write('plan.json', plan);
  const local = 'arn:aws:sqs:us-east-1:000000000000:dead';
  const [found] = await definitions(file);
  expect(found?.mapping?.destination).toEqual({ kind: 'sqs', arn: local });
  expect(found?.warnings).toEqual([
    `Only AWS knows the ARN of aws_sqs_queue.dead.arn: here it is ${local}. Set ` +
      'custom.kafkaEventSource.mappings.shop-notify.onFailureDestination to another ARN, or to ' +
      "kafka://topic, or to '' for none.",
  ]);
  const onFailureDestination = 'kafka://letters';
  const [own] = await definitions(file, { mappings: { 'shop-notify': { onFailureDestination } } });
  expect(own).toMatchObject({
    mapping: { destination: { kind: 'kafka', topic: 'letters' } },
    warnings: [],
  });
});

function resourcesIn({ root_module: root }: Json): Json[] {
  return (root as { resources: Json[] }).resources;
}

describe('a file that is no template is an error that says why', () => {
  test.each([
    ['missing.yaml', undefined, /cannot be read \(ENOENT\)/],
    ['broken.json', '{', /broken\.json is not JSON: /],
    ['broken.yaml', 'a: [1', /broken\.yaml is not YAML: .*line 1/s],
    ['list.yaml', '- 1', /holds no names with values/],
    [
      'other.yaml',
      'service: shop',
      /has neither Resources, .* nor planned_values.*by --template\.$/s,
    ],
    ['sls.yml', 'provider: aws\nfunctions: {}', /runs with the plugin .* after `sls package`/],
  ])('%s', async (name, content, message) => {
    const file = content === undefined ? join(folder, name) : write(name, content);
    await expect(definitions(file)).rejects.toThrow(message);
  });
});

describe('a Terraform plan', () => {
  const fn = (key: string) => ({
    address: `aws_lambda_function.fn["${key}"]`,
    type: 'aws_lambda_function',
    name: 'fn',
    values: { function_name: `fn-${key}`, handler: 'a.b', runtime: 'nodejs24.x' },
  });
  const type = 'aws_lambda_event_source_mapping';
  const plan = (key: string, values: object, expressions: object, others: object[] = []) => ({
    planned_values: {
      root_module: {
        resources: [
          ...others,
          fn('a'),
          fn('b'),
          {
            address: `${type}.m["${key}"]`,
            type,
            name: 'm',
            values: { starting_position: 'LATEST', ...values },
          },
        ],
      },
    },
    configuration: { root_module: { resources: [{ type, name: 'm', expressions }] } },
  });
  const function_name = { references: ['aws_lambda_function.fn', 'each.key'] };
  const known = { event_source_arn: arn, topics: ['orders'] };

  test.each([
    ['a', 'fn-a'],
    ['b', 'fn-b'],
  ])(
    'of the functions by a key, the mapping %s calls the one with its own key',
    async (key, name) => {
      const [found] = await definitions(write('keys.json', plan(key, known, { function_name })));
      expect(found?.mapping?.functionName).toBe(name);
    },
  );

  test('a key that no function has is refused, and no other function is called', async () => {
    const [found] = await definitions(write('other.json', plan('c', known, { function_name })));
    expect(found).toMatchObject({
      mapping: undefined,
      refusals: [{ message: expect.stringContaining('{"Ref":"aws_lambda_function.fn"}') }],
    });
  });

  test("the key in the reference wins over the mapping's own", async () => {
    const references = ['aws_lambda_function.fn["a"].arn', 'aws_lambda_function.fn["a"]'];
    const written = { function_name: { references: [...references, 'aws_lambda_function.fn'] } };
    const [found] = await definitions(write('written.json', plan('b', known, written)));
    expect(found?.mapping?.functionName).toBe('fn-a');
  });

  test.each([
    [
      'its reference',
      [{ on_failure: [{ destination_arn: { references: ['module.letters.arn'] } }] }],
      'module.letters.arn',
    ],
    ['its place', undefined, 'aws_lambda_event_source_mapping.m["a"].destination_config'],
  ])(
    'a destination that comes with apply is refused by %s, not left out',
    async (_, block, named) => {
      const values = { ...known, destination_config: [{ on_failure: [{}] }] };
      const file = write(
        'letters.json',
        plan('a', values, { function_name, destination_config: block }),
      );
      const [found] = await definitions(file);
      expect(found?.refusals).toMatchObject([
        { message: expect.stringContaining(JSON.stringify({ Ref: named })) },
      ]);
      const mappings = { 'fn-a': { onFailureDestination: '' } };
      const [started] = await definitions(file, { mappings });
      expect(started?.mapping?.topic).toBe('orders');
    },
  );

  const planned = (resource: string, name: string, values: object) => ({
    address: `${resource}.${name}`,
    type: resource,
    name,
    values,
  });

  test.each([
    ['aws_msk_cluster.shop.arn', {}, 'shop'],
    ['aws_msk_cluster.shop.arn', { cluster_name: 'shop-prod' }, 'shop-prod'],
    ['data.aws_msk_cluster.billing.arn', {}, 'billing'],
    ['module.kafka.arn', {}, 'kafka'],
    ['module.kafka["eu"].arn', {}, 'kafka'],
    ['var.cluster_arn', {}, 'cluster_arn'],
    ['local.cluster', {}, 'cluster'],
    ['each.value', {}, 'a'],
  ])('the cluster %s with %j has the name %s', async (reference, values, name) => {
    const file = plan(
      'a',
      { topics: ['orders'] },
      {
        function_name,
        event_source_arn: { references: [reference] },
      },
      [planned('aws_msk_cluster', 'shop', values)],
    );
    const [found] = await definitions(write('cluster.json', file));
    expect(found?.mapping?.source).toMatchObject({
      eventSourceArn: expect.stringContaining(`:cluster/${name}/`),
    });
  });

  test('the cluster of a module has the name of its resource, or of the module', async () => {
    const nameOf = async (resource: string) => {
      const file = plan('a', { topics: ['orders'] }, { function_name });
      const { resources } = file.planned_values.root_module;
      for (const one of resources as { address: string }[])
        one.address = `module.shop.${one.address}`;
      const [written] = file.configuration.root_module.resources;
      const own = {
        function_name,
        event_source_arn: { references: [`aws_msk_cluster.${resource}.arn`] },
      };
      const inner = {
        planned_values: { root_module: { child_modules: [{ address: 'module.shop', resources }] } },
      };
      const module = { resources: [{ ...written, expressions: own }] };
      const configuration = { root_module: { module_calls: { shop: { module } } } };
      const [found] = await definitions(write('module.json', { ...inner, configuration }));
      const { eventSourceArn = '' } = (found?.mapping?.source ?? {}) as { eventSourceArn?: string };
      return eventSourceArn.split('/')[1];
    };
    expect(await nameOf('letters')).toBe('letters');
    expect(await nameOf('this')).toBe('shop');
  });

  test.each([
    ['aws_sqs_queue', { name: 'shop-letters' }, 'arn:aws:sqs:us-east-1:000000000000:shop-letters'],
    ['aws_sns_topic', {}, 'arn:aws:sns:us-east-1:000000000000:dead'],
    ['aws_s3_bucket', { bucket: 'shop-letters' }, 'arn:aws:s3:::shop-letters'],
  ])('a destination %s with %j has a local ARN', async (resource, values, local) => {
    const destination_arn = { references: [`${resource}.dead.arn`] };
    const file = plan(
      'a',
      { ...known, destination_config: [{ on_failure: [{}] }] },
      {
        function_name,
        destination_config: [{ on_failure: [{ destination_arn }] }],
      },
      [planned(resource, 'dead', values)],
    );
    const [found] = await definitions(write('letters.json', file));
    expect(found?.mapping?.destination).toMatchObject({ arn: local });
  });

  test('a mapping with own servers has no ARN, whatever the expression of all mappings says', async () => {
    const endpoints = { KAFKA_BOOTSTRAP_SERVERS: 'a.example.com:9092' };
    const own = {
      event_source_arn: null,
      self_managed_event_source: [{ endpoints }],
      source_access_configuration: [{ type: 'BASIC_AUTH', uri: 'secret' }],
    };
    const event_source_arn = { references: ['each.value.event_source_arn', 'each.value'] };
    const file = plan('a', { topics: ['orders'], ...own }, { function_name, event_source_arn });
    const [found] = await definitions(write('own.json', file));
    expect(found).toMatchObject({
      refusals: [],
      mapping: { source: { eventSource: 'SelfManagedKafka' } },
    });
  });

  describe('the function of a mapping is found', () => {
    const own = { type: 'aws_lambda_function', name: 'this' };
    const lambda = {
      address: 'module.lambda',
      resources: [
        {
          ...own,
          address: 'module.lambda.aws_lambda_function.this[0]',
          values: { function_name: 'wares', handler: 'a.b', runtime: 'nodejs24.x' },
        },
      ],
    };
    const other = {
      ...own,
      name: 'other',
      address: 'aws_lambda_function.other',
      values: { function_name: 'other', handler: 'a.b', runtime: 'nodejs24.x' },
    };
    const outputs = {
      arn: { expression: { references: ['aws_lambda_function.this[0].arn'] } },
      same: { expression: { references: ['local.arn'] } },
    };
    const mapping = (address: string) => ({
      type,
      name: 'm',
      address,
      values: { ...known, starting_position: 'LATEST' },
    });
    const source = (...references: string[]) => ({
      type,
      name: 'm',
      expressions: { function_name: { references } },
    });
    const root = (resources: object[], calls: object = {}) => ({
      resources,
      module_calls: {
        lambda: { expressions: {}, module: { outputs, resources: [own] } },
        ...calls,
      },
    });
    const alias = (address: string, values: object = {}) => ({
      type: 'aws_lambda_alias',
      name: 'live',
      address,
      values: { name: 'live', ...values },
    });
    const ofAlias = (...references: string[]) => ({
      type: 'aws_lambda_alias',
      name: 'live',
      expressions: { function_name: { references } },
    });
    const output = ['module.lambda.arn', 'module.lambda'];
    const asked = { function_arn: { references: output } };

    test.each<[string, object[], object, object[]]>([
      [
        'through an output of its module',
        [mapping(`${type}.m`)],
        root([source(...output)]),
        [lambda],
      ],
      [
        'through a local value of its module',
        [mapping(`${type}.m`)],
        root([source('module.lambda.same', 'module.lambda')]),
        [lambda],
      ],
      [
        'through a variable',
        [],
        root([], {
          wrap: { expressions: asked, module: { resources: [source('var.function_arn')] } },
        }),
        [lambda, { address: 'module.wrap', resources: [mapping(`module.wrap.${type}.m`)] }],
      ],
      [
        'through an alias of a function of its module',
        [mapping(`${type}.m`), alias('aws_lambda_alias.live')],
        root([source('aws_lambda_alias.live.arn'), ofAlias(...output)]),
        [lambda],
      ],
      [
        'through an alias that names it',
        [mapping(`${type}.m`), alias('aws_lambda_alias.live', { function_name: 'wares' })],
        root([source('aws_lambda_alias.live.arn'), ofAlias('var.name')]),
        [lambda],
      ],
      [
        'through a local value that can only be the alias of its own module',
        [],
        root([], {
          alias: {
            expressions: asked,
            module: { resources: [source('local.arn'), ofAlias('var.function_arn')] },
          },
        }),
        [
          lambda,
          {
            address: 'module.alias',
            resources: [
              mapping(`module.alias.${type}.m`),
              alias('module.alias.aws_lambda_alias.live'),
            ],
          },
        ],
      ],
    ])('%s', async (_, resources, root_module, child_modules) => {
      const planned_values = { root_module: { resources: [other, ...resources], child_modules } };
      const [found] = await definitions(
        write('through.json', { planned_values, configuration: { root_module } }),
      );
      expect(found).toMatchObject({ refusals: [], mapping: { functionName: 'wares' } });
      const hasAlias = JSON.stringify(root_module).includes('aws_lambda_alias');
      expect(found?.mapping?.qualifier).toBe(hasAlias ? 'live' : undefined);
    });

    test.each(['a', 'b'])('by the key %s, also that of a module', async (key) => {
      const called = (module: string, name: string) => ({
        address: `module.lambda["${module}"]`,
        resources: [
          {
            ...own,
            address: `module.lambda["${module}"].aws_lambda_function.this[0]`,
            values: { function_name: name, handler: 'a.b', runtime: 'nodejs24.x' },
          },
        ],
      });
      const modules = [called('a', 'fn-a'), called('b', 'fn-b')];
      const { values, ...wrapped } = mapping(`module.wrap["${key}"].${type}.m`);
      const planned_values = {
        root_module: {
          resources: [mapping(`${type}.m["${key}"]`)],
          child_modules: [
            ...modules,
            {
              address: `module.wrap["${key}"]`,
              resources: [{ ...wrapped, values: { ...values, topics: ['sales'] } }],
            },
          ],
        },
      };
      const configuration = {
        root_module: root([source('module.lambda', 'each.key')], {
          wrap: {
            expressions: { function_arn: { references: ['module.lambda', 'each.key'] } },
            module: { resources: [source('var.function_arn')] },
          },
        }),
      };
      const found = await definitions(write('module.json', { planned_values, configuration }));
      const names = found.map(({ mapping }) => mapping?.functionName);
      expect(names).toEqual([`fn-${key}`, `fn-${key}`]);
    });

    test('not by a guess: a local value that may be two functions is refused, and can be given', async () => {
      const planned_values = {
        root_module: {
          resources: [other, { ...fn('a') }, mapping(`${type}.m`)],
        },
      };
      const configuration = { root_module: root([source('local.arn')]) };
      const file = write('guess.json', { planned_values, configuration });
      const [found] = await definitions(file);
      expect(found?.refusals).toMatchObject([
        { message: expect.stringContaining('{"Ref":"local.arn"}') },
      ]);
      const [given] = await definitions(file, { parameters: { 'local.arn': 'fn-a' } });
      expect(given?.mapping?.functionName).toBe('fn-a');
    });
  });

  describe('access that comes with apply', () => {
    const endpoints = { KAFKA_BOOTSTRAP_SERVERS: 'a.example.com:9092' };
    const own = { topics: ['orders'], self_managed_event_source: [{ endpoints }] };
    const uri = { references: ['aws_secretsmanager_secret.s.arn', 'aws_secretsmanager_secret.s'] };

    test.each([
      ['a secret', { source_access_configuration: [{ type: 'BASIC_AUTH' }] }, 'BASIC_AUTH'],
      ['the whole list', {}, '{"Ref":"aws_lambda_event_source_mapping.m['],
    ])('%s: the mapping runs on local servers, and on no others', async (_, values, shown) => {
      const block = { source_access_configuration: [{ type: {}, uri }] };
      const expressions = { function_name, ...('source_access_configuration' in values && block) };
      const file = write('access.json', plan('a', { ...own, ...values }, expressions));
      const [found] = await definitions(file);
      expect(found).toMatchObject({ refusals: [], mapping: { topic: 'orders' } });
      const row = found?.parity.find(({ setting }) => setting === 'SourceAccessConfigurations');
      expect(row).toMatchObject({ deployed: expect.stringContaining(shown), here: 'PLAINTEXT' });
      const [deployed] = await definitions(file, { bootstrapServers: undefined });
      const messages = deployed?.refusals.map(({ message }) => message);
      const refused = 'Only AWS knows its access configurations';
      expect(messages).toEqual(shown.startsWith('{') ? [expect.stringContaining(refused)] : []);
    });
  });

  test('a topic that comes with apply can be given', async () => {
    const topics = { references: ['t.name'] };
    const file = write(
      'given.json',
      plan('a', { ...known, topics: undefined }, { function_name, topics }),
    );
    const [found] = await definitions(file, { parameters: { 't.name': 'orders' } });
    expect(found?.mapping?.topic).toBe('orders');
  });

  test.each([
    ['parallelization_factor', 2, 'parallelizationFactor'],
    ['tumbling_window_in_seconds', 30, 'tumblingWindowInSeconds'],
    ['queues', ['q'], 'queues'],
  ])('%s is refused as AWS refuses it for Kafka', async (attribute, value, name) => {
    const values = { ...known, [attribute]: value };
    const [found] = await definitions(write('other.json', plan('a', values, { function_name })));
    expect(found?.refusals.map(({ message }) => message)).toEqual([
      `Unsupported '${name}' parameter for given event source mapping type.`,
    ]);
  });

  test.each([
    ['that come with apply are refused', {}, [expect.stringContaining('Topics.0')]],
    ['that are none make no Kafka mapping', { topics: null }, undefined],
  ])('topics %s', async (_, values, messages) => {
    const later = {
      event_source_arn: { references: ['q.arn'] },
      topics: { references: ['t.name'] },
    };
    const [found] = await definitions(
      write('topics.json', plan('a', values, { function_name, ...later })),
    );
    expect(found?.refusals.map(({ message }) => message)).toEqual(messages);
  });
});
