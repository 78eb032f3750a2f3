import { expect, test } from '@jest/globals';
import { countEvents, nameMappings, type Template } from './mappings.ts';

const mapping = (functionId: string, properties: object = {}) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: { FunctionName: { 'Fn::GetAtt': [functionId, 'Arn'] }, ...properties },
});
const dimensionOf = (Ref: string) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: { Dimensions: [{ Name: 'EventSourceMappingUUID', Value: { Ref } }] },
});

test("a function's one Kafka mapping goes by the function's name", () => {
  const kafka = mapping('NotifyLambdaFunction', { Topics: ['t'] });
  const template: Template = {
    Resources: {
      NotifyKafkaT: kafka,
      Queue: mapping('NotifyLambdaFunction'),
      A: dimensionOf('NotifyMapping'),
    },
  };
  nameMappings(template, ['NotifyLambdaFunction']);
  expect(template.Resources.A).toEqual(dimensionOf('NotifyKafkaT'));
});

test('a name for two mappings stays as it is, for CloudFormation to refuse', () => {
  const [one, other] = ['t', 'u'].map((topic) =>
    mapping('NotifyLambdaFunction', { Topics: [topic] }),
  );
  const template = {
    Resources: { One: one, Other: other, A: dimensionOf('NotifyMapping') },
  } as Template;
  nameMappings(template, ['NotifyLambdaFunction']);
  expect(template.Resources.A).toEqual(dimensionOf('NotifyMapping'));
});

test('events are counted where pollers are provisioned, which AWS asks for', () => {
  const provisioned = { Topics: ['t'], ProvisionedPollerConfig: { MinimumPollers: 1 } };
  const template: Template = {
    Resources: {
      A: mapping('F', provisioned),
      B: mapping('F', { Topics: ['t'] }),
      C: mapping('F'),
    },
  };
  countEvents(template);
  const counting = Object.entries(template.Resources).filter(
    ([, { Properties = {} }]) => 'MetricsConfig' in Properties,
  );
  expect(counting.map(([id]) => id)).toEqual(['A']);
});
