import { expect, test } from '@jest/globals';
import { kafka, kafkaService } from '../test/support/kafka-service.ts';
import { compileEvent, findEvents } from './compile.ts';
import { writeProperties } from './write.ts';

const target = { 'Fn::GetAtt': ['notifyLambdaFunction', 'Arn'] };

/** The resource that a framework without this plugin's properties compiles. */
function compiled(event: object) {
  const [found] = findEvents([{ kafka: { ...kafka, ...event } }]);
  if (!found) throw new Error('no event');
  const { FunctionResponseTypes, MaximumRetryAttempts, ...Properties } = compileEvent(found);
  return {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { FunctionName: target, ...Properties },
  };
}
const event = (own: object) => ({ kafka: { ...kafka, ...own } });

test('of two events with one logical id, the last is written', () => {
  const resources = { notifyKafkaorders: compiled({ batchSize: 2 }) };
  const events = [event({ maximumRetryAttempts: 3 }), event({ batchSize: 2 })];
  writeProperties(kafkaService(events), { Resources: resources });
  expect(resources.notifyKafkaorders.Properties).not.toHaveProperty('MaximumRetryAttempts');
});

test("two events with logical ids of the framework's own each get their properties", () => {
  const first = { consumerGroupId: 'first' };
  const second = { consumerGroupId: 'second' };
  const resources = { notifyKafkaorders: compiled(second), Hashed: compiled(first) };
  const events = [
    event({ ...first, maximumRetryAttempts: 1 }),
    event({ ...second, maximumRetryAttempts: 2 }),
  ];
  writeProperties(kafkaService(events), { Resources: resources });
  expect(resources.Hashed.Properties).toHaveProperty('MaximumRetryAttempts', 1);
  expect(resources.notifyKafkaorders.Properties).toHaveProperty('MaximumRetryAttempts', 2);
});

test('other resources stay as they are', () => {
  const other = { Type: 'AWS::Lambda::EventSourceMapping', Properties: { BatchSize: 1 } };
  const resources = { Other: structuredClone(other), notifyKafkaorders: compiled({}) };
  writeProperties(kafkaService([event({ maximumRetryAttempts: 1 })]), { Resources: resources });
  expect(resources.Other).toEqual(other);
});

test('a template without resources is left alone', () => {
  expect(() => writeProperties(kafkaService([event({})]), undefined)).not.toThrow();
});
