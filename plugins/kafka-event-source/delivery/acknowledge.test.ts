import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { acknowledge, type PartitionOffsets } from './acknowledge.ts';

const partial = { reportBatchItemFailures: true };
const whole = { reportBatchItemFailures: false };
const batch: readonly PartitionOffsets[] = [
  { key: 'orders-0', offsets: [5, 6, 7] },
  { key: 'orders-1', offsets: [1] },
];
const item = (partition: unknown, offset: unknown) => ({ itemIdentifier: { partition, offset } });
/** Nested so deeply that JSON.parse can read it, and JSON.stringify cannot write it. */
const nested: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
const answer = (...batchItemFailures: unknown[]) => ({ batchItemFailures });
const verdictOf = (payload: unknown, types = partial) =>
  acknowledge(batch, { kind: 'ok', payload }, types);
const redelivered = (payload: unknown, types = partial) =>
  verdictOf(payload, types).partitions.map(({ redeliver }) => redeliver);

describe('an answer that is a success', () => {
  test.each([
    ['null', null],
    ['nothing', undefined],
    ['an empty string', ''],
    ['an empty object', {}],
    ['an empty list', []],
    ['no failures', answer()],
    ['failures that are null', { batchItemFailures: null }],
    ['an object that says something else', { statusCode: 200 }],
  ])('%s', (_, payload) => {
    expect(verdictOf(payload).partitions).toEqual([
      { key: 'orders-0', redeliver: [] },
      { key: 'orders-1', redeliver: [] },
    ]);
  });
});

describe('an answer that fails the whole batch', () => {
  test.each([
    ['an unknown offset', answer(item('orders-0', 99))],
    ['an unknown partition', answer(item('orders-9', 5))],
    ['an offset of another partition', answer(item('orders-1', 5))],
    ['a valid identifier beside an unknown one', answer(item('orders-0', 6), item('orders-0', 99))],
    ['a null identifier', answer({ itemIdentifier: null })],
    ['an empty identifier', answer({ itemIdentifier: '' })],
    ['a flat string identifier', answer({ itemIdentifier: 'orders-0-5' })],
    ['a wrong key', answer({ foo: 'orders-0' })],
    ['no item', answer(null)],
    ['an offset that is a string', answer(item('orders-0', '6'))],
    ['an offset that is no integer', answer(item('orders-0', 6.5))],
    ['failures that are no list', { batchItemFailures: 'orders-0' }],
    ['text', 'not json'],
    ['a number', 5],
    ['false', false],
    ['a list that is not empty', [1]],
    ['lists nested beyond what can be shown', nested],
    ['an identifier nested beyond what can be shown', answer({ itemIdentifier: nested })],
  ])('%s', (_, payload) => {
    const { partitions, attempted, reason } = verdictOf(payload);
    expect(partitions.map(({ redeliver }) => redeliver)).toEqual([[5, 6, 7], [1]]);
    expect(attempted).toBe(true);
    expect(reason).toBeTruthy();
  });
});

test('only the failed records are delivered again, not those after them', () => {
  expect(verdictOf(answer(item('orders-0', 6))).partitions).toEqual([
    { key: 'orders-0', redeliver: [6] },
    { key: 'orders-1', redeliver: [] },
  ]);
});

test('a record reported twice is delivered again once', () => {
  expect(redelivered(answer(item('orders-0', 6), item('orders-0', 6)))).toEqual([[6], []]);
});

test('the reason shows the right form of an identifier', () => {
  const flat = answer({ itemIdentifier: 'orders-0-6' });
  expect(verdictOf(flat).reason).toMatch(/have the form .*"partition":"topic-0","offset":1/);
  expect(verdictOf(answer(item('orders-0', 99))).reason).not.toContain('form');
});

test('without ReportBatchItemFailures every answer is a success', () => {
  for (const payload of [answer(item('orders-0', 6)), 'text', answer(item('x', 1))]) {
    expect(redelivered(payload, whole)).toEqual([[], []]);
  }
});

test('an error fails the whole batch, with any response types', () => {
  for (const types of [partial, whole]) {
    const { partitions } = acknowledge(batch, { kind: 'functionError', message: 'thrown' }, types);
    expect(partitions.map(({ redeliver }) => redeliver)).toEqual([[5, 6, 7], [1]]);
  }
});

test('an invocation that does not reach the function is no attempt', () => {
  const kinds = { functionError: true, notReached: false, tooLarge: false } as const;
  for (const kind of ['functionError', 'notReached', 'tooLarge'] as const) {
    expect(acknowledge(batch, { kind, message: 'x' }, whole).attempted).toBe(kinds[kind]);
  }
});

const offsets = fc
  .uniqueArray(fc.nat(50), { minLength: 1, maxLength: 20 })
  .map((list) => list.sort((a, b) => a - b));
const partitions = fc
  .uniqueArray(fc.record({ partition: fc.nat(5), offsets }), {
    minLength: 1,
    selector: ({ partition }) => partition,
  })
  .map((list) => list.map(({ partition, offsets }) => ({ key: `t-${partition}`, offsets })));

test('exactly the reported records are delivered again, in the order of their partition', () => {
  fc.assert(
    fc.property(partitions, fc.infiniteStream(fc.boolean()), (batch, coin) => {
      const failed = batch.flatMap(({ key, offsets }) =>
        offsets.filter(() => coin.next().value).map((offset) => item(key, offset)),
      );
      const payload = answer(...failed.toReversed());
      const { partitions } = acknowledge(batch, { kind: 'ok', payload }, partial);
      for (const { key, redeliver } of partitions) {
        const reported = failed.flatMap(({ itemIdentifier }) =>
          itemIdentifier.partition === key ? [itemIdentifier.offset] : [],
        );
        expect(redeliver).toEqual(reported);
      }
    }),
  );
});

test('ten thousand reported records are all found', () => {
  const offsets = Array.from({ length: 10_000 }, (_, offset) => offset);
  const payload = answer(...offsets.map((offset) => item('orders-0', offset)));
  const { partitions } = acknowledge(
    [{ key: 'orders-0', offsets }],
    { kind: 'ok', payload },
    partial,
  );
  expect(partitions[0]?.redeliver).toEqual(offsets);
});

test('every answer gets a verdict, and each failure has a reason', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (payload) => {
      const verdict = verdictOf(payload);
      const again = verdict.partitions.some(({ redeliver }) => redeliver.length > 0);
      expect(verdict.reason !== undefined).toBe(again);
    }),
  );
});
