import { describe, expect, test } from '@jest/globals';
import type { KitOptions, Source } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const nothing = async () => undefined;

/** The options with some that TypeScript would refuse. */
const start = (wrong: object) =>
  kafkaEventSource({
    functions: { notify: nothing },
    mappings: { notify: { topic: 'orders' } },
    ...wrong,
  } as KitOptions);

test.each<[string, object, string]>([
  [
    'a misspelt option',
    { topic: { orders: 1 } },
    '"topic" is not known here. There are: functions, mappings,',
  ],
  ['a start that is no time', { start: 'yesterday' }, 'kafkaEventSource.start: must be a Date'],
  ['a seed that is no number', { seed: 'a' }, 'kafkaEventSource.seed: '],
  [
    'a misspelt ground',
    { ground: 'memry' },
    "kafkaEventSource.ground: must be 'memory', 'start', or the address of a broker, host:port.",
  ],
  ['a ground without a port', { ground: 'localhost' }, 'kafkaEventSource.ground: must be'],
  ['a ground with an impossible port', { ground: 'localhost:65536' }, 'kafkaEventSource.ground: '],
  ['a ground with a scheme', { ground: '//localhost:9092' }, 'kafkaEventSource.ground: must be'],
  ['a topic without partitions', { topics: { orders: 0 } }, 'kafkaEventSource.topics.orders: '],
  [
    'a misspelt property of a mapping',
    { mappings: { notify: { topic: 'orders', batchsize: 5 } } },
    'mappings.notify: the mapping of topic orders has no property batchsize. Its properties are: ',
  ],
  [
    'two mappings of one topic',
    { mappings: { notify: [{ topic: 'orders' }, { topic: 'bills' }, { topic: 'orders' }] } },
    'mappings.notify has two mappings of topic orders. AWS refuses the second one',
  ],
  [
    'a service that does not exist',
    { mappings: undefined, service: '/nowhere/serverless.yml' },
    'There is no file /nowhere/serverless.yml, which `service` names.',
  ],
  ['a mapping that is null', { mappings: { notify: null } }, 'mappings.notify must be an object'],
  [
    'a handler that is not exported',
    { functions: { notify: undefined } },
    'functions.notify must be a handler, or an object with handler or load; it is undefined.',
  ],
  [
    'a misspelt setting of a function',
    { functions: { notify: { handler: nothing, timeOut: 5 } } },
    '"timeOut" is not known here. There are: handler, load, timeout,',
  ],
])('%s is refused', async (_, wrong, said) => {
  await expect(start(wrong)).rejects.toThrow(said);
});

test.each<[string, unknown, string]>([
  ['a text', 'text', 'The record: '],
  [
    'a number as value',
    { value: 5 },
    'The record.value: must be a text, bytes, null, or an object',
  ],
  ['a number as key', { key: 5 }, 'The record.key: must be a text or bytes'],
  ['a number in a header', { headers: { a: 1 } }, 'The record.headers: must be an object of texts'],
  ['a timestamp that is no time', { timestamp: 'now' }, 'The record.timestamp: must be a Date'],
  [
    'a text as timestamp',
    { timestamp: '2026-11-27T09:00:00Z' },
    'The record.timestamp: must be a Date, or whole milliseconds since 1970',
  ],
  ['a part of a millisecond', { timestamp: 1.5 }, 'The record.timestamp: must be a Date, or whole'],
  [
    'a null in a header',
    { headers: { a: null } },
    'The record.headers: must be an object of texts',
  ],
  ['a misspelt property', { val: 'x' }, '"val" is not known here. There are: value, key, headers,'],
])('a record that is, or has, %s is refused', async (_, record, said) => {
  await using source = await start({});
  await expect(source.produce('orders', record as object)).rejects.toThrow(said);
  await expect(source.produce('orders', [record as object])).rejects.toThrow(said);
});

test('a record takes each form of its parts', async () => {
  await using source = await start({});
  const bytes = new Uint8Array([1]);
  await source.produce('orders', [
    {},
    { key: null, value: null, headers: {} },
    { key: bytes, value: bytes, headers: [['a', bytes]], partition: 0, timestamp: new Date(0) },
    { key: 'k', value: { id: 1 }, headers: { a: 'x' }, timestamp: 0 },
  ]);
  expect(source.records('orders')).toHaveLength(4);
});

test('a misspelt option of a fault is refused', async () => {
  await using source = await start({});
  expect(() => source.fail('notify', { time: 3 } as object)).toThrow(
    '"time" is not known here. There are: times, record, after, during, message.',
  );
});

test('produce writes the bytes of each kind of view', async () => {
  await using source = await start({});
  const bytes = new Uint8Array([1, 65, 66, 67, 68]).buffer.slice(1);
  const views = [new Uint16Array(bytes), new DataView(bytes), Buffer.from(bytes)];
  for (const view of views) {
    await source.produce('orders', { key: view as Uint8Array, value: view });
  }
  await source.produce('orders', { key: 'ABCD', value: bytes });
  const all = source.records('orders').map(({ key, value }) => [key, value]);
  expect(all).toEqual(Array.from({ length: 4 }, () => ['ABCD', 'ABCD']));
});

test('bytes that the test writes to later stay in the record as they were', async () => {
  await using source = await start({});
  const bytes = new Uint8Array([65, 66]);
  await source.produce('orders', [{ value: bytes }, { value: bytes.buffer }]);
  bytes.fill(67);
  expect(source.records('orders').map(({ value }) => value)).toEqual(['AB', 'AB']);
});

test('a batch that is too large is refused with its size and the limit', async () => {
  await using source = await start({});
  await expect(source.produce('orders', { value: 'x'.repeat(1_048_576) })).rejects.toThrow(
    'orders takes no batch of 1048646 bytes: 1048588 are the most.',
  );
});

test('a list with a wrong partition writes nothing', async () => {
  await using source = await start({});
  const list = [{ value: 'a' }, { value: 'b', partition: 9 }];
  await expect(source.produce('orders', list)).rejects.toThrow(
    'orders has 3 partitions, and no 9.',
  );
  expect(source.records('orders')).toEqual([]);
});

test.each(['commit', 'abort'] as const)(
  'a transaction takes no record after its %s',
  async (how) => {
    await using source = await start({});
    const transaction = source.transaction();
    await transaction[how]();
    await expect(transaction.produce('orders', { value: 'a' })).rejects.toThrow(
      'The transaction has ended already.',
    );
  },
);

test('a record has a whole timestamp also when the clock stands within a millisecond', async () => {
  await using source = await start({ start: 0 });
  await source.clock.advance(0.5);
  await source.produce('orders', { value: 'a' });
  expect(source.records('orders')).toMatchObject([{ timestamp: 0 }]);
});

describe('offsets that groups have committed before the start', () => {
  const records = { orders: ['a', 'b', 'c'].map((value) => ({ value, partition: 1 })) };
  const values = (source: Source, functionKey = 'notify') =>
    source.invocations(functionKey).flatMap((one) => one.records.map(({ value }) => value));

  test('are where the mappings go on, whatever their starting position', async () => {
    for (const startingPosition of ['TRIM_HORIZON', 'LATEST'] as const) {
      await using source = await start({
        functions: { notify: nothing, bill: nothing },
        mappings: {
          notify: { topic: 'orders', startingPosition },
          bill: { topic: 'orders', startingPosition: 'TRIM_HORIZON' },
        },
        records,
        committed: { notify: { 'orders-1': 2 } },
      });
      expect(source.committed('notify')).toMatchObject({ 'orders-1': 2 });
      await source.drain();
      expect(values(source)).toEqual(['c']);
      expect(values(source, 'bill')).toEqual(['a', 'b', 'c']);
      expect(source.committed('notify')).toMatchObject({ 'orders-1': 3 });
      await source.redeliverEverything();
      expect(values(source)).toEqual(['c', 'c']);
    }
  });

  test('may be the end of a partition', async () => {
    await using source = await start({ records, committed: { notify: { 'orders-1': 3 } } });
    await source.drain();
    expect(values(source)).toEqual([]);
    await source.produce('orders', { value: 'd', partition: 1 });
    await source.drain();
    expect(values(source)).toEqual(['d']);
  });

  test.each<[string, object, string]>([
    ['of an unknown function', { bill: { 'orders-1': 1 } }, 'There is no function bill.'],
    [
      'of another topic',
      { notify: { 'bills-1': 1 } },
      'committed.notify has bills-1, and no mapping of notify reads it: there are orders-0, orders-1, orders-2.',
    ],
    ['of a missing partition', { notify: { 'orders-3': 1 } }, 'has orders-3, and no mapping'],
    [
      'beyond the end',
      { notify: { 'orders-1': 4 } },
      'committed.notify.orders-1 is 4, and the partition ends at 3: `records` puts records into it.',
    ],
    ['below zero', { notify: { 'orders-1': -1 } }, 'kafkaEventSource.committed.notify.orders-1: '],
    ['as texts', { notify: { 'orders-1': '1' } }, 'kafkaEventSource.committed.notify.orders-1: '],
  ])('%s are refused', async (_, committed, said) => {
    await expect(start({ records, committed })).rejects.toThrow(said);
  });
});
