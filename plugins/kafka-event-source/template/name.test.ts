import { expect, test } from '@jest/globals';
import { replaceNames } from './name.ts';

const mapping = (functionId: string, properties: object = {}) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: { FunctionName: { 'Fn::GetAtt': [functionId, 'Arn'] }, ...properties },
});
const dimensionOf = (Ref: string) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: { Dimensions: [{ Name: 'EventSourceMappingUUID', Value: { Ref } }] },
});
const kafka = mapping('NotifyLambdaFunction', { Topics: ['t'] });

/** The alarm of a template with these other resources, after its names are replaced. */
function alarm(resources: object): unknown {
  const template = { Resources: { ...resources, Alarm: dimensionOf('NotifyMapping') } };
  replaceNames(template, ['OtherLambdaFunction', 'NotifyLambdaFunction']);
  return template.Resources.Alarm;
}

test("a function's one Kafka mapping goes by the function's name", () => {
  const others = {
    Queue: mapping('NotifyLambdaFunction'),
    Table: { Type: 'AWS::DynamoDB::Table' },
  };
  expect(alarm({ NotifyKafkaT: kafka, ...others })).toEqual(dimensionOf('NotifyKafkaT'));
});

test.each([
  ['of two mappings', { One: kafka, Other: kafka }],
  ['of another resource', { One: kafka, NotifyMapping: kafka }],
  ['of no mapping', {}],
])('a name %s stays as it is', (_, resources) => {
  expect(alarm(resources)).toEqual(dimensionOf('NotifyMapping'));
});
