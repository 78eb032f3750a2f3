import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readDefinitions } from '../definition.ts';
import { readOptions } from '../options.ts';
import type { Json } from '../template/merge.ts';
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
        topic: 'bills',
        groupId: 'bills',
        timeoutMs: 9_000,
        source: { eventSource: 'SelfManagedKafka' },
      },
    ]);
  });

  test('a parameter that is given wins over its default, also in a condition', async () => {
    const parameters = { Stage: 'prod', Topic: 'sales' };
    const found = await definitions(write('template.yaml', SAM), { parameters });
    expect(found.map(({ mapping }) => mapping?.topic)).toEqual(['sales', 'bills', 'prod']);
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
      source: { eventSourceArn: expect.stringMatching(/:cluster\/aws_msk_cluster/) },
    },
    { functionName: 'bill', topic: 'bills', timeoutMs: 3_000, startingPosition: 'LATEST' },
  ]);
});

test('a destination whose ARN comes with the apply is named, and not left out', async () => {
  const plan = structuredClone(PLAN) as { planned_values: Json; configuration: Json };
  const [, orders] = resourcesIn(plan.planned_values);
  const [written] = resourcesIn(plan.configuration);
  const references = ['aws_sqs_queue.dead.arn', 'aws_sqs_queue.dead'];
  Object.assign(orders?.values as Json, { destination_config: [{ on_failure: [{}] }] });
  Object.assign(written?.expressions as Json, {
    destination_config: [{ on_failure: [{ destination_arn: { references } }] }],
  });
  const file = write('plan.json', plan);
  const [found] = await definitions(file);
  expect(found?.mapping).toBeUndefined();
  expect(JSON.stringify(found?.refusals)).toContain('aws_sqs_queue.dead.arn');
});

function resourcesIn({ root_module: root }: Json): Json[] {
  return (root as { resources: Json[] }).resources;
}

describe('a file that is no template is an error that says why', () => {
  test.each([
    ['missing.yaml', undefined, /cannot be read \(ENOENT\)/],
    ['broken.json', '{', /broken\.json is not JSON: /],
    ['broken.yaml', 'a: [1', /broken\.yaml is not YAML: .*line 1/s],
    ['list.yaml', '- 1', /holds no object/],
    ['other.yaml', 'service: shop', /has neither Resources, .* nor planned_values/s],
  ])('%s', async (name, content, message) => {
    const file = content === undefined ? join(folder, name) : write(name, content);
    await expect(definitions(file)).rejects.toThrow(message);
  });
});
