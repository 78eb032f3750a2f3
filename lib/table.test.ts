import { expect, test } from '@jest/globals';
import { readDefinition } from '../local/definition.ts';
import { INDEXES } from './table.ts';

test('the template defines the indexes that are queried, and no other', () => {
  const { GlobalSecondaryIndexes = [] } = readDefinition().table;
  const names = GlobalSecondaryIndexes.map(({ IndexName }) => IndexName);
  expect(names.toSorted()).toEqual(Object.values(INDEXES).toSorted());
});
