// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the framework's own references.
import { expect, test } from '@jest/globals';
import { readDefinition } from './definition.ts';

const yml = (topic: string, table = 'orders') => `
custom:
  prefix: \${self:custom.letter}
  letter: a
  topics: [{ name: "${topic}", partitions: 3 }]
resources:
  Resources:
    OrdersTable: { Properties: { TableName: "${table}", KeySchema: [] } }
`;

test('the names of serverless.yml are the contract’s', () => {
  const { table, topics } = readDefinition({});
  expect(table.TableName).toBe('orders');
  expect(topics.map(({ name }) => name)).toEqual(['order-events', 'order-events-dlq']);
  expect(topics[0]?.partitions).toBeGreaterThanOrEqual(3);
});

test('the environment names them otherwise', () => {
  const { table, topics } = readDefinition({ ORDERS_TABLE: 'mine', ORDER_EVENTS_TOPIC: 'events' });
  expect(table.TableName).toBe('mine');
  expect(topics[0]?.name).toBe('events');
});

test('references inside a text, and through another reference, are replaced', () => {
  const { topics } = readDefinition({}, yml('${self:custom.prefix}-events'));
  expect(topics).toEqual([{ name: 'a-events', partitions: 3 }]);
});

test.each([
  ['a form that is not known', '${ssm:/topic}', /cannot read \$\{ssm:\/topic\}/],
  ['one form inside another', '${env:X, ${self:custom.prefix}}', /cannot read/],
  ['a path that is not there', '${self:custom.nowhere}', /has no custom\.nowhere/],
])('%s is refused', (_, topic, message) => {
  expect(() => readDefinition({}, yml(topic))).toThrow(message);
});

test('a topic without partitions is refused by its path', () => {
  expect(() => readDefinition({}, yml('events').replace('partitions: 3', ''))).toThrow(
    /topics\[0\]\.partitions/,
  );
});
