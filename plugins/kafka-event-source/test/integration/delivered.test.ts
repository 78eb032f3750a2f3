/** Compares delivered events with the types and schemas of others. */
import { kafkaConsumer } from '@aws-lambda-powertools/kafka';
import {
  KafkaMskEventSchema,
  KafkaSelfManagedEventSchema,
} from '@aws-lambda-powertools/parser/schemas/kafka';
import { expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import type { EventSource, KafkaEvent } from '../../event.ts';
import { typeErrors } from '../support/typescript.ts';
import { Bench, ENDLESS_MS, type Invocation, until, values } from './bench.ts';

const bootstrapServers = 'b-1.example.com:9092,b-2.example.com:9092';
const SOURCES: Record<'self-managed' | 'MSK', EventSource> = {
  'self-managed': { eventSource: 'SelfManagedKafka', bootstrapServers },
  MSK: {
    eventSource: 'aws:kafka',
    eventSourceArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/c/751d2973-a626-2',
    bootstrapServers,
  },
};
const TYPES = { 'self-managed': 'SelfManagedKafkaEvent', MSK: 'MSKEvent' } as const;
const kinds = ['self-managed', 'MSK'] as const;
type Kind = (typeof kinds)[number];

const PLAIN = [
  { partition: 0, key: 'k0', value: '{"id":0}', headers: { h: 'v', i: 'w' } },
  { partition: 0, key: null, value: '{"id":1}' },
  { partition: 1, key: 'k1', value: '{"id":2}', headers: { h: 'v' } },
];
const ODD = [
  { partition: 0, key: 'k2', value: null },
  { partition: 1, key: 'k3', value: '{"id":3}', headers: { trace: Buffer.from([0x76, 0xdc]) } },
];

/** Delivers records in one event, and returns the event. */
async function delivered(kind: Kind, messages: typeof PLAIN | typeof ODD): Promise<KafkaEvent> {
  await using bench = new Bench();
  await bench.createTopic(2);
  const lambda = await bench.lambda();
  await bench.produce(messages);
  const changes = { source: SOURCES[kind], batchSize: messages.length, windowMs: ENDLESS_MS };
  bench.poll(lambda, changes);
  await until('the records', () => values(lambda).length === messages.length);
  expect(lambda.invocations).toHaveLength(1);
  return (lambda.invocations[0] as Invocation).event;
}

const parse = (kind: Kind, event: KafkaEvent) =>
  kind === 'MSK'
    ? KafkaMskEventSchema.safeParse(event)
    : KafkaSelfManagedEventSchema.safeParse(event);

/** The compiler's errors if a handler takes AWS's type for the event. */
const typed = (kind: Kind, event: KafkaEvent) =>
  typeErrors({
    'event.ts':
      `import type { ${TYPES[kind]} } from 'aws-lambda';\n` +
      `export const event = ${JSON.stringify(event, null, 1)} satisfies ${TYPES[kind]};\n`,
  });

test.each(kinds)(
  "a %s event of two partitions fits Powertools' schema and the types",
  async (kind) => {
    const event = await delivered(kind, PLAIN);
    const { success, data } = parse(kind, event);
    expect(success).toBe(true);
    expect(data?.bootstrapServers).toEqual(bootstrapServers.split(','));
    // An event's partitions stand in no order that a function could rely on.
    const partitions = Object.values(data?.records ?? {});
    const read = partitions
      .toSorted(([a], [b]) => Number(a?.partition) - Number(b?.partition))
      .flat();
    expect(
      read.map(({ partition, offset, key, value, headers }) => [
        partition,
        offset,
        key,
        value,
        headers,
      ]),
    ).toEqual([
      [0, 0, 'k0', '{"id":0}', [{ h: 'v' }, { i: 'w' }]],
      [0, 1, undefined, '{"id":1}', []],
      [1, 0, 'k1', '{"id":2}', [{ h: 'v' }]],
    ]);
    // The types have no records without a key; the rest of the event fits them.
    const errors = await typed(kind, event);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain("Property 'key' is missing");
  },
);

test.each(kinds)(
  "Powertools' consumer reads a %s event with a tombstone and signed header bytes",
  async (kind) => {
    const event = await delivered(kind, ODD);
    const found: unknown[][] = [];
    const handler = kafkaConsumer<string, unknown>(
      async ({ records }) => {
        for (const { key, value, headers, originalHeaders } of records) {
          found.push([key, value, headers?.length, originalHeaders]);
        }
      },
      { value: { type: 'json' } },
    );
    await handler(event as unknown as Parameters<typeof handler>[0], {} as Context);
    expect(found.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))).toEqual([
      ['k2', undefined, 0, []],
      ['k3', { id: 3 }, 1, [{ trace: [0x76, -36] }]],
    ]);
  },
);

test.each(kinds)(
  'of a %s event the types and the schema refuse the tombstone, and nothing else',
  async (kind) => {
    const event = await delivered(kind, ODD);
    const [tombstone = ''] = Object.keys(event.records).filter((key) => key.endsWith('-0'));
    const refused = () => parse(kind, event).error?.issues.map(({ path }) => path.join('.'));
    // Powertools' schema cannot decode the signed bytes, and throws before it can refuse the event.
    expect(refused).toThrow(RangeError);
    for (const record of Object.values(event.records).flat()) record.headers.length = 0;
    expect(refused()).toEqual([`records.${tombstone}.0.value`]);
    const errors = await typed(kind, event);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain("Property 'value' is missing");
  },
);
