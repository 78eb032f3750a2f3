import { expect, test } from '@jest/globals';
import { renamed, type Step, untilSent } from './bare.ts';

test("an order's requests become those of another order, its bytes unchanged", () => {
  const bytes = Buffer.from('order-1');
  const input = { Key: { pk: { S: 'ORDER#order-1' } }, list: ['order-1', 2, null], bytes };
  expect(renamed(input, { 'order-1': 'order-2' })).toEqual({
    ...{ Key: { pk: { S: 'ORDER#order-2' } }, list: ['order-2', 2, null] },
    bytes,
  });
});

test('the bare limit ends with the first send', () => {
  const [put, sent, mark]: Step[] = [
    { command: 'PutItemCommand', input: {} },
    { records: [] },
    { command: 'UpdateItemCommand', input: {} },
  ] as const;
  expect(untilSent([put, sent, mark] as Step[])).toEqual([put, sent]);
  expect(() => untilSent([put] as Step[])).toThrow('nothing was sent');
});
