import { expect, test } from '@jest/globals';
import { withoutAborted } from './aborted.ts';

const record = (offset: number, producerId: string, key: Buffer | null = null) => ({
  offset: String(offset),
  key,
  isControlRecord: false,
  batchContext: {
    producerId,
    inTransaction: producerId !== '-1',
    isControlBatch: false,
    timestampType: 0 as const,
  },
});
const marker = (offset: number, producerId: string, type: 'abort' | 'commit') => ({
  ...record(offset, producerId, Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])),
  isControlRecord: true,
});
const offsets = (messages: readonly { offset: string }[]) => messages.map(({ offset }) => offset);

test('records between the begin and the marker of an aborted transaction are left out', () => {
  const messages = [
    record(0, '-1'),
    record(1, 'a'),
    record(2, 'b'),
    marker(3, 'a', 'abort'),
    record(4, 'a'),
    marker(5, 'b', 'commit'),
    marker(6, 'a', 'commit'),
  ];
  const left = withoutAborted(messages, [{ producerId: 'a', firstOffset: '1' }]);
  expect(offsets(left)).toEqual(['0', '2', '3', '4', '5', '6']);
});

test('a fetch that begins inside two aborted transactions leaves out the records of both', () => {
  const messages = [record(9, 'a'), record(10, 'b'), record(11, 'b'), record(12, '-1')];
  const left = withoutAborted(messages, [
    { producerId: 'b', firstOffset: '7' },
    { producerId: 'a', firstOffset: '5' },
  ]);
  expect(offsets(left)).toEqual(['12']);
  const first = withoutAborted(messages.slice(1), [
    { producerId: 'a', firstOffset: '5' },
    { producerId: 'b', firstOffset: '7' },
  ]);
  expect(offsets(first)).toEqual(['12']);
});

test('a record whose key is the integer 0 is no marker', () => {
  const zero = Buffer.from([0, 0, 0, 0]);
  const messages = [record(1, 'a', zero), record(2, 'a'), marker(3, 'a', 'abort'), record(4, 'a')];
  const left = withoutAborted(messages, [{ producerId: 'a', firstOffset: '1' }]);
  expect(offsets(left)).toEqual(['3', '4']);
});
