/** The test kit behaves alike in memory and on a real broker: each scenario runs on both. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { EventRecord } from '../../event.ts';
import {
  type FunctionOptions,
  type Handler,
  type KitOptions,
  kafkaEventSource,
  type MappingProperties,
  type Source,
} from '../../testing/testing.ts';

type Event = Readonly<{ records: Record<string, EventRecord[]> }>;

interface Scenario {
  readonly name: string;
  readonly mapping?: Partial<MappingProperties>;
  readonly options?: Partial<KitOptions>;
  readonly handler?: (event: Event) => unknown;
  /** In place of `handler`. @param released resolves when the test lets go of the handler */
  readonly function?: (released: Promise<void>) => FunctionOptions;
  /** Does something with the source. @returns the facts to compare */
  play(source: Source, release: () => void): Promise<unknown>;
  readonly expected: unknown;
}

const GROUNDS = ['memory', 'a broker'] as const;
const AT_A_TIME = 8;
/** Longer than any test: a batch begins when it is full. */
const ENDLESS = { maximumBatchingWindowInSeconds: 300 } as const;
const AT_ONCE = { maximumBatchingWindowInSeconds: 0 } as const;
const LETTERS = { onFailureDestination: 'kafka://dead' } as const;
const AWS = 'us-east-1:000000000000:letters';

const textOf = (base64 = '') => Buffer.from(base64, 'base64').toString();
const recordsOf = ({ records }: Event) => Object.values(records).flat();
const orders = (...values: string[]) => values.map((value) => ({ value, partition: 0 }));
const fails = () => {
  throw new Error('boom');
};
const failsAtPoison = (event: Event) => {
  if (recordsOf(event).some(({ value }) => textOf(value) === 'poison')) fails();
};

const attempts = (source: Source) =>
  source.invocations('notify').map(({ outcome, attempt, records }) => {
    return `${outcome} ${attempt}: ${records.map(({ value }) => value)}`;
  });
const lettersOf = async (source: Source, destination = 'dead') =>
  (await source.letters(destination)).map(({ condition, invocations, key }) => {
    return { condition, invocations, key };
  });
const lifeOf = (source: Source, offset: number) =>
  source
    .life({ topic: 'orders', partition: 0, offset })
    .replaceAll(/\+[\d.]+ s /g, '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    // One commit may cover two batches.
    .filter((line) => !line.includes('committed'));

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'batches are as large as their size, one after the other for a partition',
    mapping: { batchSize: 2 },
    async play(source) {
      await source.produce('orders', orders('a', 'b', 'c'));
      await source.idle();
      return [attempts(source), source.committed('notify')];
    },
    expected: [['ok 1: a,b', 'ok 1: c'], { 'orders-0': 3 }],
  },
  {
    name: 'records that come within a window share a batch',
    mapping: { maximumBatchingWindowInSeconds: 1 },
    async play(source) {
      await source.produce('orders', orders('a'));
      await source.produce('orders', orders('b'));
      await source.idle();
      return attempts(source);
    },
    expected: ['ok 1: a,b'],
  },
  {
    name: 'records of several partitions share a batch, with their places',
    mapping: { ...ENDLESS, batchSize: 3 },
    async play(source) {
      const places = await source.produce('orders', [
        { key: 'order-1', value: 'a' },
        { value: 'b', partition: 2 },
        { key: 'order-1', value: 'c' },
      ]);
      await source.idle();
      const [one] = source.invocations('notify');
      const keys = Object.keys(Object(one?.event).records);
      return [places.map(({ partition, offset }) => `${partition} ${offset}`), keys.toSorted()];
    },
    expected: [
      ['1 0', '2 0', '1 1'],
      ['orders-1', 'orders-2'],
    ],
  },
  {
    name: 'bytes stay as they are, headers keep their order, null is a tombstone',
    async play(source) {
      await source.produce('orders', [
        { value: Buffer.from([0, 255]), partition: 0, timestamp: 1_700_000_000_000 },
        {
          key: 'k',
          value: null,
          partition: 0,
          timestamp: new Date(1_700_000_000_001),
          headers: [
            ['a', '1'],
            ['b', 'ü'],
            ['a', '2'],
          ],
        },
      ]);
      await source.idle();
      const events = source.invocations('notify').map(({ event }) => event as Event);
      const { headers } = source.records('orders')[1] ?? {};
      return [events.flatMap(recordsOf), headers];
    },
    expected: [
      [
        {
          topic: 'orders',
          partition: 0,
          offset: 0,
          timestamp: 1_700_000_000_000,
          timestampType: 'CREATE_TIME',
          value: 'AP8=',
          headers: [],
        },
        {
          topic: 'orders',
          partition: 0,
          offset: 1,
          timestamp: 1_700_000_000_001,
          timestampType: 'CREATE_TIME',
          key: 'aw==',
          headers: [{ a: [49] }, { b: [-61, -68] }, { a: [50] }],
        },
      ],
      [
        ['a', '1'],
        ['b', 'ü'],
        ['a', '2'],
      ],
    ],
  },
  {
    name: 'a failed batch comes again before the next one',
    mapping: { batchSize: 1 },
    async play(source) {
      source.fail('notify', { times: 2, message: 'no database' });
      await source.produce('orders', orders('a', 'b'));
      await source.drain();
      return [attempts(source), source.invocations('notify')[0]?.error];
    },
    expected: [
      ['functionError 1: a', 'functionError 2: a', 'ok 3: a', 'ok 1: b'],
      'Unhandled: no database',
    ],
  },
  {
    name: 'after the last attempt a record becomes a letter',
    mapping: { ...LETTERS, maximumRetryAttempts: 1 },
    handler: fails,
    async play(source) {
      await source.produce('orders', { key: 'order-1', value: 'a', headers: { trace: 'x' } });
      await source.drain();
      const [letter] = await source.letters('dead');
      const { requestContext, payload } = Object(letter?.message);
      source.expectRecord({ key: 'order-1' }, { end: 'sent', attempts: 2 });
      const names = Object.keys(letter?.headers ?? {}).toSorted();
      const [record] = recordsOf(payload);
      return [await lettersOf(source), requestContext.condition, names, record?.topic];
    },
    expected: [
      [{ condition: 'RetriesExhausted', invocations: 2, key: 'order-1' }],
      'RetriesExhausted',
      expect.arrayContaining(['content-type']),
      'orders',
    ],
  },
  ...(['sqs', 'sns', 's3'] as const).map((kind): Scenario => {
    const arn = kind === 's3' ? 'arn:aws:s3:::letters' : `arn:aws:${kind}:${AWS}`;
    return {
      name: `a letter for ${kind} stays in memory`,
      mapping: { onFailureDestination: arn, maximumRetryAttempts: 0 },
      handler: fails,
      async play(source) {
        await source.produce('orders', orders('a'));
        await source.drain();
        const [letter] = await source.letters(arn);
        const { KafkaBatchInfo } = Object(letter?.message);
        return [await lettersOf(source, arn), KafkaBatchInfo.batchSize];
      },
      expected: [[{ condition: 'RetryAttemptsExhausted', invocations: 1, key: null }], 1],
    };
  }),
  {
    name: 'a failed batch is halved until the bad record is alone',
    mapping: {
      ...ENDLESS,
      batchSize: 4,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 1,
    },
    handler: failsAtPoison,
    async play(source) {
      await source.produce('orders', orders('a', 'poison', 'c', 'd'));
      await source.drain();
      source.expectRecord({ value: 'poison' }, { end: 'dropped', attempts: 4 });
      source.expectRecord(({ value }) => value !== 'poison', { end: 'done' });
      return [attempts(source), lifeOf(source, 1)];
    },
    expected: [
      [
        'functionError 1: a,poison,c,d',
        'functionError 2: a,poison',
        'ok 3: a',
        'functionError 3: poison',
        'functionError 4: poison',
        'ok 2: c,d',
      ],
      expect.arrayContaining(['notify: bisected after 500 ms: Unhandled: boom']),
    ],
  },
  {
    name: 'a batch without bisect is retried as a whole, and dropped',
    mapping: { ...ENDLESS, batchSize: 2, maximumRetryAttempts: 1 },
    handler: failsAtPoison,
    async play(source) {
      await source.produce('orders', orders('a', 'poison'));
      await source.drain();
      return [attempts(source), lifeOf(source, 0)];
    },
    expected: [
      ['functionError 1: a,poison', 'functionError 2: a,poison'],
      [
        'notify: read',
        'notify: invoked with 2 records, attempt 1',
        'notify: failed: Unhandled: boom',
        'notify: retried after 500 ms: Unhandled: boom',
        'notify: invoked with 2 records, attempt 2',
        'notify: failed: Unhandled: boom',
        'notify: dropped, RetriesExhausted: Unhandled: boom',
      ],
    ],
  },
  {
    name: 'only the reported records come again',
    mapping: {
      ...ENDLESS,
      batchSize: 3,
      functionResponseType: 'ReportBatchItemFailures',
      maximumRetryAttempts: 1,
    },
    handler: (event) => ({
      batchItemFailures: recordsOf(event)
        .filter(({ value }) => textOf(value) === 'poison')
        .map(({ offset }) => ({ itemIdentifier: { partition: 'orders-0', offset } })),
    }),
    async play(source) {
      await source.produce('orders', orders('a', 'poison', 'c'));
      await source.drain();
      return [attempts(source), source.invocations('notify')[0]?.failed];
    },
    expected: [
      ['ok 1: a,poison,c', 'ok 2: poison'],
      [{ topic: 'orders', partition: 0, offset: 1 }],
    ],
  },
  {
    name: 'a record that is too old becomes a letter without an attempt',
    mapping: { ...LETTERS, maximumRecordAge: 60 },
    async play(source) {
      const timestamp = source.clock.now - 61_000;
      await source.produce('orders', [{ value: 'old', partition: 0, timestamp }, ...orders('new')]);
      await source.drain();
      source.expectRecord({ value: 'old' }, { end: 'sent', attempts: 0 });
      return [attempts(source), await lettersOf(source)];
    },
    expected: [['ok 1: new'], [{ condition: 'RecordAgeExceeded', invocations: 0, key: null }]],
  },
  {
    name: 'records that no filter pattern matches are committed without an invocation',
    mapping: { filterPatterns: [{ value: [{ prefix: 'p' }] }] },
    async play(source) {
      await source.produce('orders', orders('a', 'poison', 'c'));
      await source.drain();
      source.expectRecord({ value: 'a' }, { end: 'filtered out', attempts: 0 });
      return [attempts(source), source.committed('notify'), lifeOf(source, 0)];
    },
    expected: [['ok 1: poison'], { 'orders-0': 3 }, ['notify: filtered out: no pattern matches']],
  },
  {
    name: 'records of an open transaction wait, those of an aborted one are never seen',
    async play(source) {
      const [open, aborted] = [source.transaction(), source.transaction()];
      await aborted.produce('orders', orders('never'));
      await open.produce('orders', orders('late'));
      await source.produce('orders', orders('behind'));
      await aborted.abort();
      await source.idle();
      const before = attempts(source);
      await open.commit();
      await source.idle();
      const seen = source.records('orders').map(({ value }) => value);
      return [before, attempts(source), source.committed('notify'), seen];
    },
    expected: [[], ['ok 1: late,behind'], { 'orders-0': 5 }, ['late', 'behind']],
  },
  {
    name: 'a throttle is no attempt, and a timeout is one',
    async play(source) {
      source.throttle('notify');
      source.timeout('notify');
      await source.produce('orders', orders('a'));
      await source.drain();
      return attempts(source);
    },
    expected: ['throttled 1: a', 'functionError 1: a', 'ok 2: a'],
  },
  {
    name: 'a handler that hangs is timed out at its limit',
    function: () => ({
      timeout: 1,
      handler: (async (event: Event, context: { getRemainingTimeInMillis(): number }) => {
        const isFirst = textOf(recordsOf(event)[0]?.value) === 'hang';
        const left = context.getRemainingTimeInMillis();
        if (left > 1_000 || left < 500) throw new Error(`${left} ms remain`);
        if (isFirst) await new Promise(() => undefined);
      }) as Handler,
    }),
    mapping: { ...AT_ONCE, batchSize: 1, maximumRetryAttempts: 0 },
    async play(source) {
      await source.produce('orders', orders('hang', 'a'));
      await source.clock.advance('1200 ms', { whileRunning: true });
      await source.drain();
      const [first] = source.invocations('notify');
      return [attempts(source), first?.error?.replace(/.*Error: /, '')];
    },
    expected: [['functionError 1: hang', 'ok 1: a'], 'Task timed out after 1.00 seconds'],
  },
  {
    name: 'a crash loses the answer after the work, and makes a new instance',
    function: countingInstances,
    async play(source) {
      await source.produce('orders', orders('a'));
      await source.drain();
      source.crash('notify');
      await source.produce('orders', orders('b'));
      await source.drain();
      return source.invocations('notify').map(({ outcome, answer }) => [outcome, answer]);
    },
    expected: [
      ['ok', 1],
      ['functionError', undefined],
      ['ok', 2],
    ],
  },
  {
    name: 'records in flight at a rebalance are delivered again',
    mapping: AT_ONCE,
    options: { topics: { orders: 1 } },
    function: (released) => ({ timeout: 60, handler: () => released }),
    async play(source, release) {
      await source.produce('orders', orders('a'));
      while (source.invocations('notify').length === 0) {
        await source.clock.advance('20 ms', { whileRunning: true });
      }
      await source.rebalance();
      release();
      await source.drain();
      return [attempts(source), source.committed('notify')];
    },
    expected: [['ok 1: a', 'ok 1: a'], { 'orders-0': 1 }],
  },
  {
    name: 'a restart goes on at the committed offsets, with a new instance',
    function: countingInstances,
    async play(source) {
      await source.produce('orders', orders('a'));
      await source.idle();
      await source.restart();
      await source.produce('orders', orders('b'));
      await source.idle();
      return [attempts(source), source.invocations('notify').map(({ answer }) => answer)];
    },
    expected: [
      ['ok 1: a', 'ok 1: b'],
      [1, 2],
    ],
  },
  {
    name: 'redeliverEverything delivers all records once more',
    async play(source) {
      await source.produce('orders', orders('a'));
      await source.idle();
      await source.redeliverEverything();
      return [attempts(source), source.committed('notify')];
    },
    expected: [['ok 1: a', 'ok 1: a'], { 'orders-0': 1 }],
  },
  ...(
    [
      ['TRIM_HORIZON', {}, ['a', 'b', 'c']],
      ['LATEST', {}, ['c']],
      ['AT_TIMESTAMP', { startingPositionTimestamp: 1_700_000_001 }, ['b', 'c']],
    ] as const
  ).map(
    ([startingPosition, own, values]): Scenario => ({
      name: `${startingPosition} is where a mapping begins in a topic with records`,
      mapping: { startingPosition, ...own },
      options: {
        records: {
          orders: [
            { value: 'a', partition: 0, timestamp: 1_700_000_000_000 },
            { value: 'b', partition: 0, timestamp: 1_700_000_001_000 },
          ],
        },
      },
      async play(source) {
        await source.produce('orders', orders('c'));
        await source.drain();
        return [
          source.invocations('notify').flatMap(({ records }) => records.map((one) => one.value)),
        ];
      },
      expected: [values],
    }),
  ),
  {
    name: 'a record is decoded by its schema',
    mapping: {
      schemaRegistry: {
        uri: 'https://registry.example.com',
        eventRecordFormat: 'JSON',
        validate: ['value'],
      },
    },
    async play(source) {
      const id = source.registry.register({ type: 'object' }, { type: 'JSON' });
      const value = await source.registry.encode(id, { a: 1 });
      await source.produce('orders', { value, partition: 0 });
      await source.drain();
      return attempts(source);
    },
    expected: ['ok 1: {"a":1}'],
  },
  {
    name: 'a letter is put back on the topic of its record',
    mapping: { ...LETTERS, maximumRetryAttempts: 0 },
    async play(source) {
      source.fail('notify');
      await source.produce('orders', { key: 'order-1', value: 'a' });
      await source.drain();
      const [redriven] = await source.redrive('dead');
      await source.drain();
      const [again] = await source.redrive('dead');
      return [redriven, again, attempts(source), source.committed('notify')];
    },
    expected: [
      {
        letter: { topic: 'dead', partition: 1, offset: 0 },
        outcome: 'redriven',
        why: undefined,
        key: 'order-1',
        record: expect.objectContaining({ topic: 'orders', partition: 1, offset: 0 }),
      },
      undefined,
      ['functionError 1: a', 'ok 1: a'],
      { 'orders-1': 3 },
    ],
  },
  {
    name: 'an error names the wrong value, and the known ones',
    mapping: LETTERS,
    async play(source) {
      const said = (work: () => unknown) =>
        Promise.resolve()
          .then(work)
          .catch((error: Error) => error.message);
      return [
        await said(() => source.produce('order', { value: 'x' })),
        await said(() => source.produce('orders', { value: 'x', partition: 3 })),
        await said(() => source.records('other')),
        await said(() => source.expectRecord({ key: 'none' }, { end: 'done' })),
      ];
    },
    expected: [
      'There is no topic order. There are: orders, dead. More can be named by `topics`.',
      'orders has 3 partitions, and no 3.',
      expect.stringContaining('There is no topic other.'),
      'There is no such record in orders. records(topic) has all that are there.',
    ],
  },
];

/** Its answers are the number of the instance. */
function countingInstances(): FunctionOptions {
  let made = 0;
  return {
    load: () => {
      made += 1;
      const own = made;
      return async () => own;
    },
  };
}

function optionsOf(
  scenario: Pick<Scenario, 'mapping' | 'handler' | 'options' | 'function'>,
  ground: (typeof GROUNDS)[number],
  released: Promise<void> = Promise.resolve(),
): KitOptions {
  const { mapping, handler = () => undefined, options, function: given } = scenario;
  return {
    ...(ground === 'a broker' && { ground: process.env.KAFKA_BROKERS ?? '' }),
    functions: {
      notify: given?.(released) ?? ((async (event: Event) => handler(event)) as Handler),
    },
    mappings: {
      notify: { topic: 'orders', provisionedPollerConfig: { minimumPollers: 1 }, ...mapping },
    },
    ...options,
  };
}

async function played(scenario: Scenario, ground: (typeof GROUNDS)[number]): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using source = await kafkaEventSource(optionsOf(scenario, ground, promise));
  return await scenario.play(source, resolve);
}

describe.each(GROUNDS)('on %s', (ground) => {
  const results = new Map<Scenario, Promise<unknown>>();

  // Several at a time, because most of them wait. Jest's own concurrent tests may not import modules.
  beforeAll(async () => {
    const waiting = [...SCENARIOS];
    const playAll = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const result = played(next, ground);
        results.set(next, result);
        await result.catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, playAll));
  });

  test.each(SCENARIOS)('$name', async (scenario) => {
    expect(await results.get(scenario)).toEqual(scenario.expected);
  });
});

test("retries come no earlier on a broker than at the times of the test kit's clock", async () => {
  const gaps = async (ground: (typeof GROUNDS)[number]) => {
    const options = optionsOf({ handler: fails, mapping: { maximumRetryAttempts: 3 } }, ground);
    await using source = await kafkaEventSource(options);
    await source.produce('orders', orders('a'));
    await source.drain();
    const times = source
      .invocations('notify')
      .map(({ startedAt, endedAt = 0 }) => [startedAt, endedAt] as const);
    return times.slice(1).map(([startedAt], index) => startedAt - (times[index]?.[1] ?? 0));
  };
  const [memory, broker] = await Promise.all([gaps('memory'), gaps('a broker')]);
  expect(memory).toEqual([500, 1_000, 2_000]);
  for (const [index, gap] of memory.entries()) {
    // The times of invocations are whole milliseconds.
    expect(broker[index]).toBeGreaterThanOrEqual(gap - 2);
  }
});
