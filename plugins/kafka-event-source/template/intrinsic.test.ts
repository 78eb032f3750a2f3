// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
import { expect, test } from '@jest/globals';
import { accountLookup, isIntrinsic, resolve, type Scope } from './intrinsic.ts';

const scope: Scope = {
  region: 'eu-west-1',
  stackName: 'shop-local',
  functions: new Map([['NotifyLambdaFunction', 'shop-local-notify']]),
  resources: {
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'letters' } },
    Queue: {
      Type: 'AWS::SQS::Queue',
      Properties: { QueueName: { 'Fn::Sub': 'q-${AWS::Region}' } },
    },
    Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'bucket' } },
    Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'kafka' } },
  },
  parameters: {
    Size: { Default: 5 },
    Unset: {},
    Servers: { Type: 'CommaDelimitedList', Default: 'a:9092, b:9092' },
    Sizes: { Type: 'List<Number>', Default: '1,2' },
    Stored: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/app/topic' },
    StoredList: { Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: '/app/brokers' },
    Given: { Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: '/app/brokers' },
    Stage: { Type: 'String', Default: 'test' },
    IsLoud: { Type: 'String', Default: true },
    IsQuiet: { Type: 'String', Default: false },
    GivenNo: { Type: 'String', Default: true },
  },
  mappings: {
    Stages: { test: { topic: 'orders-test', servers: ['c:9092'], tier: 2 } },
    Tiers: { 2: { attempts: 0 } },
    Here: { '000000000000': { topic: 'orders-here' } },
    Switches: { yes: { topic: 'loud' }, Off: { topic: 'quiet' } },
    Both: { no: { topic: 'written' }, false: { topic: 'exact' } },
    Accounts: { 111111111111: { topic: 'orders-prod' } },
  },
  conditions: {
    IsTest: { 'Fn::Equals': [{ Ref: 'Stage' }, 'test'] },
    IsProd: { 'Fn::Not': [{ Condition: 'IsTest' }] },
    IsEither: { 'Fn::Or': [{ Condition: 'IsProd' }, { 'Fn::Equals': ['a', 'a'] }] },
    IsBoth: { 'Fn::And': [{ Condition: 'IsProd' }, { Condition: 'IsUnknown' }] },
    IsUnknown: { 'Fn::Equals': [{ Ref: 'Unset' }, 'x'] },
    IsNo: { 'Fn::Equals': [{ Ref: 'GivenNo' }, false] },
    IsYes: { 'Fn::Equals': [true, { Ref: 'GivenNo' }] },
    IsWord: { 'Fn::Equals': [{ Ref: 'GivenNo' }, 'off'] },
    IsCircular: { 'Fn::Not': [{ Condition: 'IsCircular' }] },
  },
  given: { parameters: { Given: 'd:9092,e:9092', GivenNo: 'no' }, imports: { Known: 'arn:known' } },
};

test.each([
  [{ Ref: 'AWS::Region' }, 'eu-west-1'],
  [{ Ref: 'Size' }, 5],
  [{ Ref: 'Topic' }, 'arn:aws:sns:eu-west-1:000000000000:letters'],
  [{ Ref: 'Bucket' }, 'bucket'],
  [{ Ref: 'Secret' }, 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:kafka'],
  [{ Ref: 'NotifyLambdaFunction' }, 'shop-local-notify'],
  [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:eu-west-1:000000000000:q-eu-west-1'],
  [{ 'Fn::GetAtt': 'Topic.TopicArn' }, 'arn:aws:sns:eu-west-1:000000000000:letters'],
  [{ 'Fn::Sub': 'arn:aws:s3:::${Bucket}/${!Literal}' }, 'arn:aws:s3:::bucket/${Literal}'],
  [{ 'Fn::Sub': ['${a}-${Bucket}', { a: { Ref: 'Size' } }] }, '5-bucket'],
  [{ 'Fn::Join': [':', ['a', { Ref: 'Bucket' }]] }, 'a:bucket'],
  [{ 'Fn::Join': [':', ['a', { Ref: 'Size' }, 9092, true]] }, 'a:5:9092:true'],
  [{ 'Fn::Sub': '${IsLoud}-${Size}' }, 'true-5'],
  [{ 'Fn::Select': [1, { 'Fn::Split': [',', 'a,b'] }] }, 'b'],
  [{ 'Fn::Split': ['.', 1.5] }, ['1', '5']],
  [[{ deep: { Ref: 'Bucket' } }], [{ deep: 'bucket' }]],
  [{ Ref: 'Servers' }, ['a:9092', 'b:9092']],
  [{ Ref: 'Sizes' }, ['1', '2']],
  [{ Ref: 'Given' }, ['d:9092', 'e:9092']],
  [{ 'Fn::Join': [',', { Ref: 'Servers' }] }, 'a:9092,b:9092'],
  [{ 'Fn::ImportValue': 'Known' }, 'arn:known'],
  [{ 'Fn::FindInMap': ['Stages', { Ref: 'Stage' }, 'topic'] }, 'orders-test'],
  [{ 'Fn::FindInMap': ['Stages', 'test', 'servers'] }, ['c:9092']],
  [{ 'Fn::FindInMap': ['Tiers', { 'Fn::FindInMap': ['Stages', 'test', 'tier'] }, 'attempts'] }, 0],
  [{ 'Fn::FindInMap': ['Stages', 'prod', 'topic', { DefaultValue: { Ref: 'Stage' } }] }, 'test'],
  [{ 'Fn::FindInMap': ['Tiers', '2', 'attempts', { DefaultValue: 1 }] }, 0],
  [{ 'Fn::FindInMap': ['Here', { Ref: 'AWS::AccountId' }, 'topic'] }, 'orders-here'],
  [{ 'Fn::FindInMap': ['Here', { 'Fn::Sub': '${AWS::AccountId}' }, 'topic'] }, 'orders-here'],
  [{ 'Fn::FindInMap': ['Switches', { Ref: 'IsLoud' }, 'topic'] }, 'loud'],
  [{ 'Fn::FindInMap': ['Switches', { Ref: 'IsQuiet' }, 'topic'] }, 'quiet'],
  [{ 'Fn::FindInMap': ['Switches', 'yes', 'topic'] }, 'loud'],
  [{ 'Fn::FindInMap': ['Both', false, 'topic'] }, 'exact'],
  [{ 'Fn::FindInMap': ['Both', 'no', 'topic'] }, 'written'],
  [{ 'Fn::FindInMap': ['Both', true, 'topic', { DefaultValue: 'none' }] }, 'none'],
  [{ 'Fn::If': ['IsNo', 'a', 'b'] }, 'a'],
  [{ 'Fn::If': ['IsYes', 'a', 'b'] }, 'b'],
  [{ 'Fn::If': ['IsWord', 'a', 'b'] }, 'b'],
  [{ 'Fn::Length': { Ref: 'Servers' } }, 2],
  [{ 'Fn::Length': ['a', { Ref: 'Unset' }, { Ref: 'AWS::NoValue' }] }, 2],
  [
    {
      'Fn::ToJsonString': { value: { stage: [{ Ref: 'Stage' }], total: [{ numeric: ['>', 1] }] } },
    },
    '{"value":{"stage":["test"],"total":[{"numeric":[">",1]}]}}',
  ],
  [{ 'Fn::If': ['IsTest', 'a', 'b'] }, 'a'],
  [{ 'Fn::If': ['IsProd', 'a', 'b'] }, 'b'],
  [{ 'Fn::If': ['IsEither', 'a', { Ref: 'Unset' }] }, 'a'],
  [{ 'Fn::If': ['IsBoth', 'a', 'b'] }, 'b'],
  [{ a: { 'Fn::If': ['IsProd', 1, { Ref: 'AWS::NoValue' }] }, b: 2 }, { b: 2 }],
  [[1, { 'Fn::If': ['IsTest', { Ref: 'AWS::NoValue' }, 2] }], [1]],
])('%j is %j', (value, result) => {
  expect(resolve(value, scope)).toEqual(result);
});

test.each([
  [{ 'Fn::ImportValue': 'Shared' }],
  [{ Ref: 'Nobody' }],
  [{ Ref: 'Unset' }],
  [{ 'Fn::GetAtt': ['Cluster', 'Arn'] }],
  [{ 'Fn::Sub': 'x-${Nobody}' }],
  [{ 'Fn::Join': [',', [{ 'Fn::ImportValue': 'Shared' }]] }],
  [{ 'Fn::If': ['IsUnknown', 'a', 'b'] }],
  [{ 'Fn::If': ['IsCircular', 'a', 'b'] }],
  [{ 'Fn::If': ['IsNowhere', 'a', 'b'] }],
  [{ 'Fn::FindInMap': ['Stages', 'prod', 'topic'] }],
  [{ 'Fn::FindInMap': ['Stages', 'undefined', 'topic'] }],
  [{ 'Fn::FindInMap': ['Stages', { Ref: 'Unset' }, 'topic', { DefaultValue: 'orders' }] }],
  [{ 'Fn::Length': { Ref: 'Unset' } }],
  [{ 'Fn::ToJsonString': { value: [{ Ref: 'Unset' }] } }],
  [{ Ref: 'Stored' }],
  [{ Ref: 'StoredList' }],
])('%j stays as it is: only AWS knows it', (value) => {
  expect(resolve(value, scope)).toEqual(value);
  expect(isIntrinsic(value)).toBe(true);
});

test('an account can be given, and is the key of a map then', () => {
  const parameters = { 'AWS::AccountId': '111111111111' };
  const given = { ...scope, given: { ...scope.given, parameters } };
  const found = { 'Fn::FindInMap': ['Accounts', { Ref: 'AWS::AccountId' }, 'topic'] };
  expect(resolve(found, given)).toBe('orders-prod');
  expect(resolve({ 'Fn::Sub': 'a-${AWS::AccountId}' }, given)).toBe('a-111111111111');
});

test('a map without a key for the account is told from other unknown values', () => {
  const found = { 'Fn::FindInMap': ['Accounts', { Ref: 'AWS::AccountId' }, 'topic'] };
  for (const value of [found, { 'Fn::Sub': ['x-${a}', { a: found }] }, [found]]) {
    expect(accountLookup(resolve(value, scope))).toBe('Accounts');
  }
  const others = [
    { Ref: 'Unset' },
    { 'Fn::FindInMap': ['Stages', 'prod', 'topic'] },
    { 'Fn::Sub': '${Unset}-000000000000' },
    'orders',
    undefined,
  ];
  for (const value of others) expect(accountLookup(resolve(value, scope))).toBeUndefined();
});

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
const STORED = '{{resolve:ssm:/app/topic}}';

test.each([
  ['alone', STORED],
  ['in a text', `arn:aws:kafka:eu-west-1:1:cluster/${STORED}/x`],
  ['made by a Sub', { 'Fn::Sub': '{{resolve:ssm:/${Stage}/topic}}' }],
  ['made by a Sub with variables', { 'Fn::Sub': ['{{resolve:ssm:/${S}/topic}}', { S: 'test' }] }],
  ['in a Join', { 'Fn::Join': [':', ['a', STORED]] }],
  ['as the default of a parameter', { Ref: 'Dynamic' }],
  ['of Secrets Manager', '{{resolve:secretsmanager:kafka:SecretString:topic}}'],
])('a dynamic reference is known to AWS only: %s', (_, value) => {
  const dynamic = { ...scope, parameters: { ...scope.parameters, Dynamic: { Default: STORED } } };
  expect(isIntrinsic(resolve(value, dynamic))).toBe(true);
});

test('a dynamic reference can be given by its text', () => {
  const parameters = { [STORED]: 'orders', '{{resolve:ssm:/test/topic}}': 'tests' };
  const given = { ...scope, given: { ...scope.given, parameters } };
  const values = [
    STORED,
    `a-${STORED}`,
    { 'Fn::Sub': '{{resolve:ssm:/${Stage}/topic}}' },
    { 'Fn::Sub': ['{{resolve:ssm:/${S}/topic}}', { S: { Ref: 'Stage' } }] },
  ];
  expect(resolve(values, given)).toEqual(['orders', 'a-orders', 'tests', 'tests']);
});
