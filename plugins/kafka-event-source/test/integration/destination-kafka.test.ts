import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import kafkajs, { type KafkaMessage, type Message } from 'kafkajs';
import { createLedTopics } from '../../topics.ts';
import { Bench, counting, failure, success, until, values } from './bench.ts';

/** The dead letters of a test, from a topic of its own. */
class Letters implements AsyncDisposable {
  readonly topic: string;
  readonly received: (KafkaMessage & { readonly partition: number })[] = [];
  readonly #bench: Bench;
  readonly #consumer: kafkajs.Consumer;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.topic = `${bench.topic}-dlq`;
    const brokers = (process.env.KAFKA_BROKERS ?? '').split(',');
    const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
    this.#consumer = kafka.consumer({ groupId: `${bench.groupId}-dlq`, maxWaitTimeInMs: 100 });
  }

  async create(numPartitions = 1, maxMessageBytes = 1_048_588): Promise<void> {
    const configEntries = [{ name: 'max.message.bytes', value: String(maxMessageBytes) }];
    const topics = [{ topic: this.topic, numPartitions, configEntries }];
    await createLedTopics(this.#bench.admin, topics);
  }

  async read(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: this.topic, fromBeginning: true });
    await this.#consumer.run({
      eachMessage: async ({ message, partition }) => {
        this.received.push({ ...message, partition });
      },
    });
  }

  get bodies(): Letter[] {
    return this.received.map(({ value }) => JSON.parse(String(value)) as Letter);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.disconnect();
  }
}

interface Letter {
  readonly requestContext: { readonly condition: string; readonly approximateInvokeCount: number };
  readonly responseContext: unknown;
  readonly KafkaBatchInfo: { readonly recordInfo: { readonly offset: string } };
  readonly payload: { readonly records: Record<string, { offset: number; value?: string }[]> };
}

const offsetsOf = (letters: Letters) =>
  letters.bodies.map(({ KafkaBatchInfo }) => KafkaBatchInfo.recordInfo.offset);
const destinationOf = ({ topic }: Letters) => ({ kind: 'kafka', topic }) as const;

test('each failed record is a message of its own, under its key, after ten retries', async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic();
  await letters.create();
  await bench.produce([
    { key: 'a', value: 'first', headers: { trace: 'x' }, partition: 0 },
    { key: null, value: 'second', partition: 0 },
  ]);
  const lambda = await bench.lambda(() => failure);
  const changes = { destination: destinationOf(letters), batchSize: 2, windowMs: 2_000 };
  const poller = bench.poll(lambda, changes, { backoff: { firstMs: 5, maxMs: 5 } });
  await until('the commit', async () => (await bench.committed()) === 2, { withinMs: 30_000 });
  await letters.read();
  await until('the letters', () => letters.received.length === 2);
  expect(lambda.invocations).toHaveLength(11);
  expect(letters.received.map(({ key }) => key?.toString() ?? null)).toEqual(['a', null]);
  const [first] = letters.bodies;
  expect(first).toMatchObject({
    requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 11 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    KafkaBatchInfo: { batchSize: 1, recordInfo: { offset: '0' } },
  });
  expect(first?.payload.records).toEqual({
    [`${bench.topic}-0`]: [lambda.invocations[0]?.records[0]],
  });
  const { headers } = letters.received[0] ?? {};
  expect(String(headers?.['dead-letter-writer'])).toBe('test');
  expect(String(headers?.['dead-letter-reason'])).toBe(
    'RetriesExhausted: Unhandled: thrown by the test',
  );
  expect(poller.stats.snapshot()).toMatchObject({ sentToDestination: 2, retries: 10 });
});

test('a record larger than a payload goes to the destination, and the records after it are delivered', async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic();
  await letters.create();
  await bench.produceCount(1);
  await bench.produce([{ value: Buffer.alloc(20_000), partition: 0 }]);
  await bench.produceCount(1, { from: 2 });
  const lambda = await bench.lambda();
  const destination = destinationOf(letters);
  bench.poll(lambda, { destination }, { payloadBytes: 10_000 });
  await until('the commit', async () => (await bench.committed()) === 3);
  await letters.read();
  await until('the letter', () => letters.received.length === 1);
  expect(values(lambda)).toEqual(['0', '2']);
  expect(letters.bodies[0]).toMatchObject({
    requestContext: { condition: 'MaximumPayloadSizeExceeded', approximateInvokeCount: 0 },
    responseContext: null,
    KafkaBatchInfo: { recordInfo: { offset: '1' } },
  });
});

test('a single record that the endpoint refuses as too large goes to the destination', async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic();
  await letters.create();
  await bench.produceCount(3);
  const lambda = await bench.lambda(({ records }) =>
    records.some(({ offset }) => offset === 1) ? { status: 413 } : success,
  );
  bench.poll(lambda, { destination: destinationOf(letters), batchSize: 3, windowMs: 2_000 });
  await until('the commit', async () => (await bench.committed()) === 3);
  await letters.read();
  await until('the letter', () => letters.received.length === 1);
  expect(offsetsOf(letters)).toEqual(['1']);
});

test('a destination that does not exist holds the partition until it does; it is not created', async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic();
  await bench.produceCount(1);
  const lambda = await bench.lambda(() => failure);
  const destination = destinationOf(letters);
  bench.poll(lambda, { destination, maximumRetryAttempts: 0 });
  await until('the error', () => bench.log.some((line) => line.includes('did not take')), {
    withinMs: 40_000,
  });
  expect(await bench.committed()).toBe(-1);
  expect(await bench.admin.listTopics()).not.toContain(letters.topic);
  await letters.create();
  await until('the commit', async () => (await bench.committed()) === 1, {
    withinMs: 40_000,
    seen: () => bench.log.slice(-3),
  });
  await letters.read();
  await until('the letter', () => letters.received.length === 1);
}, 120_000);

test("a key decides a letter's partition as for its producer; letters without a key go to each in turn", async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic(3);
  await letters.create(3);
  const keys = counting(0, 9);
  await bench.produce(keys.map((key) => ({ key, value: key })));
  await bench.produce(counting(0, 6).map((value) => ({ key: null, value, partition: 0 })));
  const lambda = await bench.lambda(() => failure);
  bench.poll(lambda, { destination: destinationOf(letters), maximumRetryAttempts: 0 });
  await letters.read();
  await until('the letters', () => letters.received.length === 15, { withinMs: 30_000 });
  const records = lambda.invocations.flatMap((one) => one.records);
  const partitionOf = (key: string) =>
    records.find((record) => Buffer.from(record.key ?? '', 'base64').toString() === key)?.partition;
  const keyed = letters.received.filter(({ key }) => key !== null);
  expect(keyed.map(({ key, partition }) => [String(key), partition]).sort()).toEqual(
    keys.map((key) => [key, partitionOf(key)]),
  );
  expect(new Set(keys.map(partitionOf)).size).toBe(3);
  const others = letters.received.filter(({ key }) => key === null);
  expect(others.map(({ partition }) => partition).sort()).toEqual([0, 0, 1, 1, 2, 2]);
});

test('no letter is written for a record that is filtered out, done, or throttled', async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic();
  await letters.create();
  const kinds = ['other', 'done', 'bad', 'other', 'throttled'];
  await bench.produce(kinds.map((kind) => ({ value: JSON.stringify({ kind }), partition: 0 })));
  let throttles = 0;
  const lambda = await bench.lambda(({ records: [record] }) => {
    const { kind } = JSON.parse(Buffer.from(record?.value ?? '', 'base64').toString());
    if (kind === 'bad') return failure;
    if (kind === 'throttled' && throttles++ < 12) return { status: 429 };
    return success;
  });
  const poller = bench.poll(
    lambda,
    {
      destination: destinationOf(letters),
      filters: [JSON.stringify({ value: { kind: [{ 'anything-but': ['other'] }] } })],
      batchSize: 1,
      maximumRetryAttempts: 1,
    },
    { backoff: { firstMs: 5, maxMs: 5 } },
  );
  await until('the commit', async () => (await bench.committed()) === 5, { withinMs: 30_000 });
  await letters.read();
  await until('the letter', () => letters.received.length > 0);
  expect(poller.stats.snapshot()).toMatchObject({
    filtered: 2,
    sentToDestination: 1,
    throttles: 12,
  });
  const [end] = await bench.admin.fetchTopicOffsets(letters.topic);
  expect(end?.high).toBe('1');
  expect(offsetsOf(letters)).toEqual(['2']);
});

test('many failed records are sent in several requests, each record once and in order', async () => {
  await using bench = new Bench();
  await using letters = new Letters(bench);
  await bench.createTopic();
  await letters.create();
  for (let i = 0; i < 3; i += 1) {
    const value = Buffer.alloc(4_000, i);
    await bench.produce(Array.from({ length: 100 }, () => ({ value, partition: 0 })));
  }
  const lambda = await bench.lambda(() => failure);
  const changes = { destination: destinationOf(letters), batchSize: 300, windowMs: 2_000 };
  bench.poll(lambda, { ...changes, maximumRetryAttempts: 0 });
  await until('the commit', async () => (await bench.committed()) === 300, { withinMs: 30_000 });
  await letters.read();
  await until('the letters', () => letters.received.length === 300);
  expect(offsetsOf(letters)).toEqual(Array.from({ length: 300 }, (_, offset) => String(offset)));
});

test.each([
  ['700 000 header bytes', undefined, { headers: { stacktrace: Buffer.alloc(700_000, 0xc8) } }, []],
  ['random header bytes', 300_000, { headers: { noise: randomBytes(700_000) } }, ['headers']],
  ['a random value', 300_000, { value: randomBytes(1_000_000) }, ['value']],
  ['a random key', 300_000, { key: randomBytes(600_000) }, ['key']],
  [
    'a random key beside random headers',
    300_000,
    { key: randomBytes(400_000), headers: { noise: randomBytes(300_000) } },
    ['headers', 'key'],
  ],
  [
    'a random key beside a random value',
    300_000,
    { key: randomBytes(400_000), value: randomBytes(500_000) },
    ['value', 'key'],
  ],
])(
  'a letter too large for its topic is written compressed, or without fields, which the log says: %s',
  async (_, maxMessageBytes, large, omitted) => {
    await using bench = new Bench();
    await using letters = new Letters(bench);
    await bench.createTopic();
    await letters.create(1, maxMessageBytes);
    // With its partition: the test's own producer would hash a key of this size for minutes.
    await bench.produce([{ value: 'not JSON', partition: 0, ...large } as Message]);
    await bench.produceCount(3, { from: 1 });
    const lambda = await bench.lambda(({ records }) =>
      records.some(({ offset }) => offset === 0) ? failure : success,
    );
    const poller = bench.poll(lambda, {
      destination: destinationOf(letters),
      maximumRetryAttempts: 0,
      batchSize: 1,
    });
    await until('the records behind it', async () => (await bench.committed()) === 4, {
      seen: () => bench.log.slice(-3),
    });
    await letters.read();
    await until('the letter', () => letters.received.length === 1);
    expect(offsetsOf(letters)).toEqual(['0']);
    const [letter] = letters.received;
    const said = letter?.headers?.['dead-letter-omitted']?.toString() ?? '';
    expect(said.split(',').filter(Boolean)).toEqual(omitted);
    const lacks = bench.log.filter((line) => line.includes('lacks its'));
    expect(lacks).toHaveLength(omitted.length > 0 ? 1 : 0);
    expect(poller.stats.snapshot()).toMatchObject({
      sentToDestination: 1,
      shortened: lacks.length,
      dropped: 0,
      destinationFailures: 0,
    });
  },
  60_000,
);

test.each([
  ['headers', { headers: { stacktrace: Buffer.alloc(30_000, 0xc8) } }],
  ['a key', { key: randomBytes(30_000) }],
  ['a value', { value: randomBytes(30_000) }],
])(
  'with dropWhenDestinationFails a letter too large by %s is dropped, as on AWS, and the others of its batch are taken',
  async (_, large) => {
    await using bench = new Bench();
    await using letters = new Letters(bench);
    await bench.createTopic();
    await letters.create(1, 20_000);
    const records: Message[] = [{ value: '0' }, { value: '1', ...large }, { value: '2' }];
    await bench.produce(records.map((one) => ({ ...one, partition: 0 })));
    const lambda = await bench.lambda(() => failure);
    const changes = { destination: destinationOf(letters), batchSize: 3, windowMs: 2_000 };
    const poller = bench.poll(
      lambda,
      { ...changes, dropWhenDestinationFails: true, maximumRetryAttempts: 0 },
      { backoff: { firstMs: 5, maxMs: 5 } },
    );
    await until('the commit', async () => (await bench.committed()) === 3, {
      seen: () => bench.log.slice(-3),
    });
    await letters.read();
    await until('the letters', () => letters.received.length === 2);
    expect(offsetsOf(letters)).toEqual(['0', '2']);
    const dropped = bench.log.filter((line) => line.includes('DROPPED'));
    expect(dropped).toEqual([expect.stringContaining(`1 record (${bench.topic}-0 1)`)]);
    expect(poller.stats.snapshot()).toMatchObject({
      sentToDestination: 2,
      shortened: 0,
      dropped: 1,
      destinationFailures: 3,
    });
  },
);
