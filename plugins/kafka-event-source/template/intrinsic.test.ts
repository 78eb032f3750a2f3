// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
import { expect, test } from '@jest/globals';
import { isIntrinsic, resolve, type Scope } from './intrinsic.ts';

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
  parameters: { Size: { Default: 5 }, Unset: {} },
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
  [{ 'Fn::Select': [1, { 'Fn::Split': [',', 'a,b'] }] }, 'b'],
  [[{ deep: { Ref: 'Bucket' } }], [{ deep: 'bucket' }]],
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
  [{ 'Fn::If': ['IsProd', 'a', 'b'] }],
])('%j stays as it is: only AWS knows it', (value) => {
  expect(resolve(value, scope)).toEqual(value);
  expect(isIntrinsic(value)).toBe(true);
});
