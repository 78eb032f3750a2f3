// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the framework's own references.
import { expect, test } from '@jest/globals';
import { readDefinition } from './definition.ts';

const files = (topic: string) => (file: string) =>
  file === 'serverless.yml'
    ? `custom: { topics: [ { name: "${topic}", partitions: 3 } ] }`
    : 'Resources: { OrdersTable: { Properties: { TableName: orders, KeySchema: [] } } }';

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

test('a name inside a text is replaced', () => {
  const { topics } = readDefinition({}, files('my-${file(./infra/names.cjs):events}'));
  expect(topics).toEqual([{ name: 'my-order-events', partitions: 3 }]);
});

test.each([
  ['a form that is not known', '${ssm:/topic}'],
  ['one form inside another', '${env:X, ${self:custom.prefix}}'],
  ['a name that is not there', '${file(./infra/names.cjs):nowhere}'],
])('%s is refused', (_, topic) => {
  expect(() => readDefinition({}, files(topic))).toThrow(`cannot read ${topic}`);
});

test('a topic without partitions is refused by its path', () => {
  const read = (file: string) => files('events')(file).replace(', partitions: 3', '');
  expect(() => readDefinition({}, read)).toThrow(/topics\[0\]\.partitions/);
});
