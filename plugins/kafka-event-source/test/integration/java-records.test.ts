import { expect, test } from '@jest/globals';
import { type JavaRecord, produceByJava } from '../support/java.ts';
import { Bench, until, values } from './bench.ts';

const brokers = () => process.env.KAFKA_BROKERS ?? '';
const bytes = (text: string) => [...Buffer.from(text)].map((byte) => (byte << 24) >> 24);

test("Java's headers keep their order, and a repeated key keeps each place", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const headers = [
    ['b', '1'],
    ['a', 'ë'],
    ['b', '2'],
    ['7', 'a number'],
    ['a', ''],
    ['b', '1'],
  ] as const;
  await produceByJava(brokers(), bench.topic, [{ headers, key: 'k', value: 'v' }]);
  const lambda = await bench.lambda();
  bench.poll(lambda);
  await until('the record', () => lambda.invocations.length === 1);
  const [record] = lambda.invocations[0]?.records ?? [];
  expect(record?.headers).toEqual(headers.map(([key, value]) => ({ [key]: bytes(value) })));
  expect(lambda.invocations[0]?.body).toContain('{"b":[49]},{"a":[-61,-85]},{"b":[50]},{"7":');
});

test("Java's null key, value and header differ from empty ones", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await produceByJava(brokers(), bench.topic, [
    { headers: [['none', null]], key: null, value: null },
    { headers: [['empty', '']], key: '', value: '' },
    { key: 'tombstone', value: null },
  ]);
  const lambda = await bench.lambda();
  bench.poll(lambda);
  await until('all', () => values(lambda).length === 3);
  const [nulls, empties, tombstone] = lambda.invocations.flatMap(({ records }) => records);
  expect(nulls).not.toHaveProperty('key');
  expect(nulls).not.toHaveProperty('value');
  expect(nulls?.headers).toEqual([{ none: [] }]);
  expect(empties).toMatchObject({ key: '', value: '', headers: [{ empty: [] }] });
  expect(tombstone).toMatchObject({ headers: [] });
  expect(tombstone).not.toHaveProperty('value');
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'batches that Java compressed by %s are read in full, in order',
  async (codec) => {
    await using bench = new Bench();
    await bench.createTopic();
    // Values that compress well and badly, over more than one of snappy's 32 kB blocks.
    const noise = Array.from({ length: 3_000 }, () => crypto.randomUUID()).join('');
    const records: JavaRecord[] = Array.from({ length: 500 }, (_, index) => ({
      headers: [['n', String(index)]],
      key: `key-${index}`,
      value: index % 100 === 0 ? `${index} ${noise}` : `${index} ${'again and '.repeat(20)}`,
    }));
    const properties = { 'batch.size': 500_000, 'linger.ms': 200 };
    await produceByJava(brokers(), bench.topic, records, { codec, properties });
    const lambda = await bench.lambda();
    bench.poll(lambda);
    await until('all', () => values(lambda).length >= 500, { seen: () => bench.log });
    expect(values(lambda)).toEqual(records.map(({ value }) => value));
    const received = lambda.invocations.flatMap((invocation) => invocation.records);
    expect(received.map(({ headers }) => headers)).toEqual(
      records.map((_, index) => [{ n: bytes(String(index)) }]),
    );
    await until('the commit', async () => (await bench.committed()) === 500);
  },
);
