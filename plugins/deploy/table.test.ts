import { expect, test } from '@jest/globals';
import { adjustTable } from './table.ts';

const serviceOf = (stage: object) => ({
  custom: { stage },
  resources: {
    Resources: {
      OrdersTable: {
        Properties: {
          AttributeDefinitions: [{ AttributeName: 'createdAt', AttributeType: 'S' }],
          GlobalSecondaryIndexes: [{ IndexName: 'byDay' }],
        },
      },
    },
  },
});

function tableOf(stage: object) {
  const service = serviceOf(stage);
  adjustTable(service);
  return service.resources.Resources.OrdersTable.Properties;
}

test('layout 2 without a rate leaves the table as infra/table.yml has it', () => {
  const { Properties } = serviceOf({}).resources.Resources.OrdersTable;
  expect(tableOf({ tableLayout: '2', warmWrites: '' })).toEqual(Properties);
  expect(tableOf({})).toEqual(Properties);
  expect(() => adjustTable({})).not.toThrow();
});

test('layout 1 keeps the index of earlier releases beside the new one', () => {
  const table = tableOf({ tableLayout: '1' });
  expect(table.GlobalSecondaryIndexes.map(({ IndexName }) => IndexName)).toEqual([
    'byDay',
    'byChange',
  ]);
  expect(table.AttributeDefinitions.map(({ AttributeName }) => AttributeName)).toEqual([
    'createdAt',
    'updatedAt',
  ]);
});

test('a rate warms the table and each of its indexes, and must be a whole number', () => {
  const WarmThroughput = { WriteUnitsPerSecond: 12_000 };
  expect(tableOf({ tableLayout: '1', warmWrites: '12000' })).toMatchObject({
    WarmThroughput,
    GlobalSecondaryIndexes: [{ WarmThroughput }, { WarmThroughput }],
  });
  for (const warmWrites of ['many', '0', '1.5', '-1']) {
    expect(() => tableOf({ warmWrites })).toThrow('TABLE_WARM_WRITES');
  }
});
