/**
 * The suite: what each frontend must deliver to the function, at each endpoint. Each scenario has a
 * mapping, a topic and a consumer group of its own. The settings have CloudFormation's names; templates.ts
 * writes them for each frontend.
 */
import assert from 'node:assert/strict';
import type { EventRecord, KafkaEvent } from '../../event.ts';

export interface Settings {
  readonly BatchSize?: number;
  readonly MaximumBatchingWindowInSeconds?: number;
  readonly StartingPosition: 'TRIM_HORIZON' | 'LATEST' | 'AT_TIMESTAMP';
  readonly StartingPositionTimestamp?: number;
  readonly FilterCriteria?: { readonly Filters: readonly { readonly Pattern: string }[] };
  readonly FunctionResponseTypes?: readonly ['ReportBatchItemFailures'];
  readonly MaximumRetryAttempts?: number;
  readonly BisectBatchOnFunctionError?: boolean;
  readonly ProvisionedPollerConfig?: {
    readonly MinimumPollers: number;
    readonly MaximumPollers: number;
  };
}

export interface Message {
  readonly key?: string;
  readonly value: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  /** In milliseconds, as a text. */
  readonly timestamp?: string;
  readonly partition?: number;
}

export interface Seen {
  readonly brokers: string;
  readonly topic: string;
  /** The events of all invocations, in order. */
  readonly events: readonly KafkaEvent[];
  /** The values of the records that were written to the destination. */
  readonly letters: readonly string[];
}

export interface Scenario {
  readonly id: string;
  /** The part of the emulator's work, as the table names it. */
  readonly part: string;
  readonly title: string;
  readonly settings: Settings;
  readonly source?: 'msk';
  readonly partitions?: number;
  /** Whether failed records go to the destination. */
  readonly hasDestination?: true;
  /** Written before the start. */
  readonly before: readonly Message[];
  /** The offset that the group has committed before the start. */
  readonly committedBefore?: number;
  /** Written when the group has committed as many records as there were before. */
  readonly after?: readonly Message[];
  /** The committed offset of each partition at the end. */
  readonly committed: readonly number[];
  check(seen: Seen): void;
}

export const CLUSTER_ARN =
  'arn:aws:kafka:us-east-1:000000000000:cluster/conformance/11111111-2222-3333-4444-555555555555-1';
export const SERVERS = 'kafka.example.com:9096';

const START = { StartingPosition: 'TRIM_HORIZON' } as const;
const POLLERS = { ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 1 } } as const;
/** Longer than any test: a batch begins when it is full. */
const ENDLESS = { MaximumBatchingWindowInSeconds: 300 } as const;
const AT_ONCE = { MaximumBatchingWindowInSeconds: 0 } as const;
const SECOND_MS = 1_700_000_000_000;

const order = (value: object): Message => ({ value: JSON.stringify(value) });
const plain = (count: number): Message[] => Array.from({ length: count }, (_, n) => order({ n }));
const recordsOf = ({ records }: KafkaEvent): EventRecord[] => Object.values(records).flat();
/** The offsets of each invocation. */
const batches = ({ events }: Seen) =>
  events.map((event) => recordsOf(event).map(({ offset }) => offset));

export const SCENARIOS: readonly Scenario[] = [
  {
    id: 'payload',
    part: 'payload',
    title: 'the whole event of two partitions, with a tombstone, headers and binary values',
    settings: { ...START, BatchSize: 10 },
    partitions: 2,
    before: [
      { key: 'k', value: 'text', headers: { h: 'Grüße' }, timestamp: `${SECOND_MS}`, partition: 0 },
      { key: 'k', value: null, timestamp: `${SECOND_MS + 1}`, partition: 0 },
      { value: Buffer.from([0, 255]), timestamp: `${SECOND_MS + 2}`, partition: 1 },
    ],
    committed: [2, 1],
    check({ topic, events, brokers }) {
      const common = { topic, timestampType: 'CREATE_TIME' };
      for (const { records: _, ...envelope } of events) {
        assert.deepEqual(envelope, { eventSource: 'SelfManagedKafka', bootstrapServers: brokers });
      }
      const inOrder = events
        .flatMap(recordsOf)
        .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
      assert.deepEqual(inOrder, [
        {
          ...common,
          partition: 0,
          offset: 0,
          timestamp: SECOND_MS,
          key: 'aw==',
          value: 'dGV4dA==',
          headers: [{ h: [71, 114, -61, -68, -61, -97, 101] }],
        },
        { ...common, partition: 0, offset: 1, timestamp: SECOND_MS + 1, key: 'aw==', headers: [] },
        {
          ...common,
          partition: 1,
          offset: 0,
          timestamp: SECOND_MS + 2,
          value: 'AP8=',
          headers: [],
        },
      ]);
      const keys = events.flatMap(({ records }) => Object.keys(records));
      assert.deepEqual(keys.toSorted(), [`${topic}-0`, `${topic}-1`]);
    },
  },
  {
    id: 'msk',
    part: 'payload',
    title: 'the source of an msk event',
    settings: START,
    source: 'msk',
    before: plain(1),
    committed: [1],
    check({ events }) {
      assert.equal(events.length, 1);
      const { records: _, bootstrapServers: _servers, ...source } = events[0] as KafkaEvent;
      assert.deepEqual(source, { eventSource: 'aws:kafka', eventSourceArn: CLUSTER_ARN });
    },
  },
  {
    id: 'full',
    part: 'batching',
    title: 'a batch begins when it is full',
    settings: { ...START, ...ENDLESS, BatchSize: 3 },
    before: plain(6),
    committed: [6],
    check: (seen) =>
      assert.deepEqual(batches(seen), [
        [0, 1, 2],
        [3, 4, 5],
      ]),
  },
  {
    id: 'window',
    part: 'batching',
    title: "a batch begins at its window's end",
    settings: { ...START, MaximumBatchingWindowInSeconds: 1, BatchSize: 100 },
    before: plain(2),
    committed: [2],
    check: (seen) => assert.deepEqual(batches(seen), [[0, 1]]),
  },
  {
    id: 'partial',
    part: 'partial failures',
    title: 'only the reported records come again',
    settings: {
      ...START,
      ...ENDLESS,
      ...POLLERS,
      BatchSize: 5,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    },
    before: [order({}), order({}), order({ do: 'report' }), order({}), order({ do: 'report' })],
    committed: [5],
    check: (seen) =>
      assert.deepEqual(batches(seen), [
        [0, 1, 2, 3, 4],
        [2, 4],
      ]),
  },
  {
    id: 'answers',
    part: 'partial failures',
    title: 'without ReportBatchItemFailures each answer is a success',
    settings: { ...START, ...AT_ONCE, BatchSize: 1 },
    before: [null, 0, '', 'a text', { batchItemFailures: [{ itemIdentifier: 'all' }] }].map(
      (answer) => order({ do: 'answer', answer }),
    ),
    committed: [5],
    check: (seen) => assert.deepEqual(batches(seen), [[0], [1], [2], [3], [4]]),
  },
  {
    id: 'throw',
    part: 'retries',
    title: 'a batch whose function throws comes again before the next one',
    settings: { ...START, ...AT_ONCE, BatchSize: 1 },
    before: [order({ do: 'throw', times: 2 }), order({})],
    committed: [2],
    check: (seen) => assert.deepEqual(batches(seen), [[0], [0], [0], [1]]),
  },
  {
    id: 'hang',
    part: 'retries',
    title: 'so does one whose function runs into its timeout',
    settings: { ...START, ...AT_ONCE, BatchSize: 1 },
    before: [order({ do: 'hang' }), order({})],
    committed: [2],
    check: (seen) => assert.deepEqual(batches(seen), [[0], [0], [1]]),
  },
  {
    id: 'exit',
    part: 'retries',
    title: 'the end of the process is an attempt, and the last one drops the batch',
    settings: { ...START, ...AT_ONCE, ...POLLERS, BatchSize: 1, MaximumRetryAttempts: 1 },
    before: [order({ do: 'exit', times: 99 }), order({})],
    committed: [2],
    check: (seen) => assert.deepEqual(batches(seen), [[0], [0], [1]]),
  },
  {
    id: 'bisect',
    part: 'bisect',
    title: 'a failed batch is halved until the bad record is alone',
    settings: {
      ...START,
      ...ENDLESS,
      ...POLLERS,
      BatchSize: 4,
      MaximumRetryAttempts: 0,
      BisectBatchOnFunctionError: true,
    },
    before: [order({}), order({}), order({ do: 'throw', times: 99 }), order({})],
    committed: [4],
    check: (seen) => assert.deepEqual(batches(seen), [[0, 1, 2, 3], [0, 1], [2, 3], [2], [3]]),
  },
  {
    id: 'destination',
    part: 'destinations',
    title: "after the last attempt the record goes to the destination, in AWS's form",
    settings: { ...START, ...AT_ONCE, ...POLLERS, BatchSize: 1, MaximumRetryAttempts: 1 },
    hasDestination: true,
    before: [order({ do: 'throw', times: 99 }), order({})],
    committed: [2],
    check(seen) {
      assert.deepEqual(batches(seen), [[0], [0], [1]]);
      assert.equal(seen.letters.length, 1);
      const letter = JSON.parse(seen.letters[0] ?? '');
      assert.equal(letter.requestContext.condition, 'RetriesExhausted');
      assert.deepEqual(
        [letter.requestContext.approximateInvokeCount, letter.responseContext.functionError],
        [2, 'Unhandled'],
      );
      const [[record]] = Object.values(letter.payload.records) as [[EventRecord]];
      assert.deepEqual([record.topic, record.offset], [seen.topic, 0]);
    },
  },
  {
    id: 'filter',
    part: 'filters',
    title: 'records that no pattern matches are not delivered',
    settings: {
      ...START,
      FilterCriteria: { Filters: [{ Pattern: '{"value":{"kind":["order"]}}' }] },
    },
    before: [
      order({ kind: 'order' }),
      order({ kind: 'bill' }),
      order({ kind: 'order' }),
      order({ kind: 'bill' }),
    ],
    committed: [4],
    check: ({ events }) =>
      assert.deepEqual(
        events.flatMap(recordsOf).map(({ offset }) => offset),
        [0, 2],
      ),
  },
  {
    id: 'latest',
    part: 'positions',
    title: 'LATEST begins after the last record',
    settings: { StartingPosition: 'LATEST' },
    before: plain(2),
    after: plain(1),
    committed: [3],
    check: (seen) => assert.deepEqual(batches(seen), [[2]]),
  },
  {
    id: 'timestamp',
    part: 'positions',
    title: 'AT_TIMESTAMP begins at the first record from then on',
    settings: {
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: SECOND_MS / 1000 + 2,
    },
    before: plain(4).map((one, n) => ({ ...one, timestamp: `${SECOND_MS + n * 1000}` })),
    committed: [4],
    check: (seen) => assert.deepEqual(batches(seen).flat(), [2, 3]),
  },
  {
    id: 'committed',
    part: 'positions',
    title: 'a committed offset wins over the starting position',
    settings: START,
    before: plain(3),
    committedBefore: 2,
    committed: [3],
    check: (seen) => assert.deepEqual(batches(seen), [[2]]),
  },
];
