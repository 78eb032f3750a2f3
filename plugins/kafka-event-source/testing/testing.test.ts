import { expect, test } from '@jest/globals';
import type { Expected, Handler, KitOptions, MappingProperties } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

/** A mapping of orders, in provisioned mode, which AWS wants for most settings. */
const orders = (changes: Partial<MappingProperties> = {}): MappingProperties => ({
  topic: 'orders',
  provisionedPollerConfig: { minimumPollers: 1 },
  ...changes,
});

const sourceOf = (
  handler: Handler | KitOptions['functions'][string],
  mapping: Partial<MappingProperties> = {},
  options: Partial<KitOptions> = {},
) =>
  kafkaEventSource({
    functions: { notify: handler },
    mappings: { notify: orders(mapping) },
    start: 0,
    ...options,
  });

const nothing = async () => undefined;

test('a produced record reaches the handler in the event of Lambda, and its offset is committed', async () => {
  const events: unknown[] = [];
  await using source = await sourceOf(async (event: never) => void events.push(event));
  const places = await source.produce('orders', {
    key: 'order-1',
    value: { id: 1 },
    headers: { trace: 'x' },
  });
  await source.idle();
  expect(places).toEqual([{ topic: 'orders', partition: 1, offset: 0 }]);
  const record = {
    headers: [{ trace: [120] }],
    key: Buffer.from('order-1').toString('base64'),
    offset: 0,
    partition: 1,
    timestamp: 0,
    timestampType: 'CREATE_TIME',
    topic: 'orders',
    value: Buffer.from('{"id":1}').toString('base64'),
  };
  expect(events).toEqual([
    {
      bootstrapServers: 'memory:9092',
      eventSource: 'SelfManagedKafka',
      records: { 'orders-1': [record] },
    },
  ]);
  expect(source.committed('notify')).toEqual({ 'orders-1': 1 });
  const [invocation] = source.invocations('notify');
  expect(invocation).toMatchObject({ attempt: 1, outcome: 'ok', answer: null, startedAt: 500 });
  expect(invocation?.records).toMatchObject([{ key: 'order-1', value: '{"id":1}' }]);
});

test('keys choose the partitions of Java producers, bytes stay as they are, null is a tombstone', async () => {
  await using source = await sourceOf(nothing);
  const bytes = Buffer.from([0, 255, 254]);
  await source.produce('orders', [
    { value: bytes, partition: 2 },
    {
      key: 'gone',
      value: null,
      partition: 2,
      headers: [
        ['a', '1'],
        ['a', '2'],
      ],
    },
  ]);
  await source.idle();
  const [invocation] = source.invocations('notify');
  const { records = {} } = Object(invocation?.event) as { records?: Record<string, object[]> };
  expect(records['orders-2']).toMatchObject([{ value: bytes.toString('base64') }, { offset: 1 }]);
  expect(records['orders-2']?.[1]).not.toHaveProperty('value');
  expect(source.records('orders')[1]?.headers).toEqual([
    ['a', '1'],
    ['a', '2'],
  ]);
});

test('records that no filter pattern matches are committed without an invocation', async () => {
  await using source = await sourceOf(nothing, { filterPatterns: [{ value: { type: ['A'] } }] });
  const [place] = await source.produce('orders', { value: { type: 'B' }, partition: 0 });
  await source.idle();
  expect(source.invocations('notify')).toHaveLength(0);
  expect(source.committed('notify')).toEqual({ 'orders-0': 1 });
  expect(place && source.life(place)).toContain('filtered out');
});

test('records of an open transaction wait, those of an aborted one are never seen', async () => {
  await using source = await sourceOf(nothing);
  const [open, aborted] = [source.transaction(), source.transaction()];
  await aborted.produce('orders', { value: 'never', partition: 0 });
  await open.produce('orders', { value: 'late', partition: 0 });
  await source.produce('orders', { value: 'behind', partition: 0 });
  await aborted.abort();
  await source.idle();
  expect(source.invocations('notify')).toHaveLength(0);
  await open.commit();
  await source.idle();
  const values = source.invocations('notify').flatMap(({ records }) => records.map((r) => r.value));
  expect(values).toEqual(['late', 'behind']);
  expect(source.committed('notify')).toEqual({ 'orders-0': 5 });
});

test('a batch is as large as its settings allow, and a partition has one batch at a time', async () => {
  await using source = await sourceOf(nothing, { batchSize: 2 });
  await source.produce(
    'orders',
    [1, 2, 3].map((value) => ({ value: `${value}`, partition: 0 })),
  );
  await source.idle();
  const sizes = source.invocations('notify').map(({ records }) => records.length);
  expect(sizes).toEqual([2, 1]);
});

test('mappings begin at their starting positions', async () => {
  await using source = await kafkaEventSource({
    functions: { early: nothing, late: nothing },
    mappings: {
      early: { topic: 'orders' },
      late: { topic: 'orders', startingPosition: 'LATEST' },
    },
  });
  await source.produce('orders', { value: 'x' });
  await source.idle();
  expect(source.invocations('early')).toHaveLength(1);
  expect(source.invocations('late')).toHaveLength(1);
});

test("AWS's refusal of a mapping is the error", async () => {
  const refused = kafkaEventSource({
    functions: { notify: nothing },
    mappings: { notify: { topic: 'orders', maximumRetryAttempts: 3 } },
  });
  await expect(refused).rejects.toThrow(
    'AWS refuses it: MaximumRetryAttempts is for provisioned mode',
  );
});

test('an unknown function, topic or duration is refused with the known ones', async () => {
  await expect(
    kafkaEventSource({ functions: { other: nothing }, mappings: { notify: { topic: 'orders' } } }),
  ).rejects.toThrow('There is no function other with a Kafka event source. There are: notify.');
  await using source = await sourceOf(nothing, { onFailureDestination: 'kafka://dead' });
  await expect(source.produce('order', { value: 'x' })).rejects.toThrow('There are: orders, dead');
  expect(() => source.invocations('other')).toThrow('There are: notify');
  await expect(source.clock.advance('6 moons')).rejects.toThrow("'6 days'");
});

test('a letter on AWS stays in memory', async () => {
  const arn = 'arn:aws:sqs:us-east-1:000000000000:letters';
  await using source = await sourceOf(
    async () => {
      throw new Error('poison');
    },
    { onFailureDestination: arn, maximumRetryAttempts: 0 },
  );
  await source.produce('orders', { value: 'x', partition: 0 });
  await source.idle();
  expect(await source.letters(arn)).toMatchObject([
    {
      condition: 'RetryAttemptsExhausted',
      invocations: 1,
      message: { KafkaBatchInfo: { batchSize: 1 } },
    },
  ]);
});

test('a record is too large for its dead letter topic as on Kafka: its letter lacks the value', async () => {
  await using source = await sourceOf(
    async () => {
      throw new Error('poison');
    },
    { onFailureDestination: 'kafka://dead', maximumRetryAttempts: 0 },
  );
  const value = Buffer.from(Array.from({ length: 900_000 }, (_, index) => (index * 7919) % 251));
  await source.produce('orders', { key: 'k', value, partition: 0 });
  await source.idle();
  expect(await source.letters('dead')).toMatchObject([{ key: 'k', condition: 'RetriesExhausted' }]);
});

test('letters of a topic with other records are refused by the record', async () => {
  await using source = await sourceOf(nothing);
  await source.produce('orders', { value: 'plain', partition: 2 });
  await expect(source.letters('orders')).rejects.toThrow('orders-2 0 is no letter');
});

test('after stop the source says so', async () => {
  const source = await sourceOf(nothing);
  await source.stop();
  const works = [
    source.produce('orders', { value: 'x' }),
    source.idle(),
    source.drain(),
    source.clock.advance(1),
    source.restart(),
    source.rebalance(),
    source.redrive('orders'),
    source.redeliverEverything(),
  ];
  for (const work of await Promise.allSettled(works)) {
    expect(work).toMatchObject({
      reason: { message: expect.stringMatching(/^The source has been stopped/) },
    });
  }
  for (const kind of ['fail', 'timeout', 'throttle', 'crash'] as const) {
    expect(() => source[kind]('notify')).toThrow('The source has been stopped');
  }
  await source.stop();
});

test('a disabled mapping does not run, and has its topic', async () => {
  await using source = await sourceOf(nothing, { enabled: false });
  await source.produce('orders', { value: 'x' });
  await source.idle();
  expect(source.invocations('notify')).toHaveLength(0);
  expect(source.records('orders')).toHaveLength(1);
  const expecting = (expected: Expected) => () => source.expectRecord({ value: 'x' }, expected);
  expect(expecting({ end: 'waiting' })).toThrow('No mapping is enabled: no record is read.');
  expect(expecting({ end: 'waiting', functionKey: 'notify' })).toThrow(
    'No mapping of notify is enabled: no record is read.',
  );
});

test('the life of a record of an unknown topic is an error with the known ones', async () => {
  await using source = await sourceOf(nothing);
  const place = { partition: 0, offset: 0 };
  expect(source.life({ topic: 'orders', ...place })).toBe('orders-0 0\n  not read');
  expect(() => source.life({ topic: 'order', ...place })).toThrow(
    'There is no topic order. There are: orders.',
  );
});

test('a mapping with AT_TIMESTAMP reads the records that were there at its start', async () => {
  await using source = await sourceOf(
    nothing,
    { startingPosition: 'AT_TIMESTAMP', startingPositionTimestamp: 10 },
    {
      start: 20_000,
      topics: { orders: 1 },
      records: {
        orders: [
          { value: 'old', timestamp: 9_999 },
          { value: 'new', timestamp: 10_000 },
        ],
      },
    },
  );
  await source.drain();
  const values = source.invocations('notify').flatMap(({ records }) => records);
  expect(values).toMatchObject([{ value: 'new' }]);
});
