import { expect, test } from '@jest/globals';
import { readDefinition } from '../local/definition.ts';
import { INDEXES, idempotencyKey } from './table.ts';

test('the template defines the indexes that are queried, and no other', () => {
  const { GlobalSecondaryIndexes = [] } = readDefinition().table;
  const names = GlobalSecondaryIndexes.map(({ IndexName }) => IndexName);
  expect(names.toSorted()).toEqual(Object.values(INDEXES).toSorted());
});

test('no idempotency key without a caller is the key of a caller', () => {
  const { pk } = idempotencyKey('k1', ['customer', 'bob']);
  for (const header of ['k1', '["customer","bob","k1"]', 'caller["customer","bob","k1"]']) {
    expect(idempotencyKey(header, []).pk).not.toBe(pk);
  }
  expect(idempotencyKey('k1', ['customer', 'ada']).pk).not.toBe(pk);
});
