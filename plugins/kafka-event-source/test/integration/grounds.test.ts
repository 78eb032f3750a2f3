import { expect, test } from '@jest/globals';
import type { EventRecord } from '../../event.ts';
import type { Mapping } from '../../mapping.ts';
import { Journal } from '../../testing/journal.ts';
import { kafkaEventSource, type MappingProperties } from '../../testing/testing.ts';
import { SYSTEM_CLOCK } from '../../time.ts';
import { Bench, until } from './bench.ts';

const BACKOFF = { firstMs: 500, maxMs: 30_000 };
const VALUES = ['a', 'poison', 'c', 'd'];

const isPoison = (value: string | null) => value === 'poison';
const textOf = ({ value = '' }: Pick<EventRecord, 'value'>) =>
  Buffer.from(value, 'base64').toString();

/** The lives without their times and the topic's name, and without commits: Kafka may take two in one. */
const plain = (lives: readonly string[], topic: string) =>
  lives.map((life) =>
    life
      .replaceAll(topic, 'orders')
      .replaceAll(/ .* committed up to .*\n?/g, '')
      .replaceAll(/\+[\d.]+ s /g, '')
      .trim(),
  );

interface Scenario {
  readonly name: string;
  readonly mapping: Partial<Mapping>;
  readonly event: Partial<MappingProperties>;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a bisected batch',
    mapping: { bisectBatchOnFunctionError: true, maximumRetryAttempts: 2 },
    event: { bisectBatchOnFunctionError: true, maximumRetryAttempts: 2 },
  },
  {
    name: 'a batch that is retried as a whole',
    mapping: { maximumRetryAttempts: 1 },
    event: { maximumRetryAttempts: 1 },
  },
  {
    name: 'records that a filter leaves out',
    mapping: { filters: ['{"value":[{"prefix":"p"}]}'], maximumRetryAttempts: 0 },
    event: { filterPatterns: [{ value: [{ prefix: 'p' }] }], maximumRetryAttempts: 0 },
  },
];

async function onKafka({ mapping }: Scenario): Promise<string[]> {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce(VALUES.map((value) => ({ value, partition: 0 })));
  const lambda = await bench.lambda(({ records }) =>
    records.some((record) => isPoison(textOf(record)))
      ? { functionError: 'Unhandled', body: '{"errorMessage":"boom"}' }
      : {},
  );
  const journal = new Journal(SYSTEM_CLOCK);
  const settings = { windowMs: 1_000, batchSize: VALUES.length, ...mapping };
  const own = bench.mapping(settings);
  bench.poll(lambda, settings, {
    backoff: BACKOFF,
    onStep: (step) => journal.add(own, step),
  });
  await until('the commit', async () => (await bench.committed()) === VALUES.length);
  const lives = VALUES.map((_, offset) =>
    journal.life({ topic: bench.topic, partition: 0, offset }),
  );
  return plain(lives, bench.topic).map((life) => life.replaceAll('test: ', 'notify: '));
}

async function inMemory({ event }: Scenario): Promise<string[]> {
  await using source = await kafkaEventSource({
    functions: {
      notify: async ({ records }: { records: Record<string, EventRecord[]> }) => {
        const all = Object.values(records).flat();
        if (all.some((record) => isPoison(textOf(record)))) throw new Error('boom');
      },
    },
    mappings: {
      notify: {
        topic: 'orders',
        batchSize: VALUES.length,
        maximumBatchingWindowInSeconds: 1,
        provisionedPollerConfig: { minimumPollers: 1 },
        ...event,
      },
    },
    topics: { orders: 1 },
  });
  await source.produce(
    'orders',
    VALUES.map((value) => ({ value })),
  );
  await source.drain();
  const lives = VALUES.map((_, offset) => source.life({ topic: 'orders', partition: 0, offset }));
  return plain(lives, 'orders');
}

test.each(SCENARIOS)('$name has the same steps on Kafka and in the test kit', async (scenario) => {
  const [kafka, memory] = await Promise.all([onKafka(scenario), inMemory(scenario)]);
  expect(memory).toEqual(kafka);
  expect(memory[1]).toContain('dropped');
});
