import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Consumer, ConsumerConfig, Kafka, KafkaMessage, ProducerConfig } from 'kafkajs';
import { type Row, redrive } from '../../commands/redrive.ts';
import { readSelection } from '../../commands/redrive-options.ts';
import { scan } from '../../commands/scan.ts';
import { type OmittedField, recordLetter } from '../../destination/failure.ts';
import { toEventRecord } from '../../event.ts';
import { loadClient } from '../../protocol/client.ts';
import type { Header } from '../../protocol/decode.ts';
import { orderedHeaders } from '../../protocol/headers.ts';
import { createLedTopics } from '../../topics.ts';
import { readAll } from '../support/read-all.ts';
import { until } from './bench.ts';

const servers = (process.env.KAFKA_BROKERS ?? '').split(',');
const { kafkajs } = loadClient();
const kafka: Kafka = new kafkajs.Kafka({ brokers: servers, logLevel: kafkajs.logLevel.NOTHING });
const admin = kafka.admin();
const client = { kafka, admin };
const producer = kafka.producer();

beforeAll(() => Promise.all([admin.connect(), producer.connect()]));
afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]));

type Original = {
  key?: Buffer | null;
  value?: Buffer | null;
  headers?: Header[];
  partition?: number;
  topic?: string;
};

/** The records of these tests have an old time, and Kafka deletes such records of other topics. */
const KEPT = [{ name: 'retention.ms', value: '-1' }];

/** Creates an original topic and a dead-letter topic for a test. */
async function setUp(partitions = 2) {
  const id = crypto.randomUUID();
  const [original, dead] = [`original-${id}`, `dead-${id}`];
  await createLedTopics(
    admin,
    [original, dead].map((topic) => ({ topic, numPartitions: partitions, configEntries: KEPT })),
  );
  /** A letter like those of the emulator's destination. */
  const letterOf = (
    record: Original,
    partition = 0,
    offset = 5,
    omitted: readonly OmittedField[] = [],
  ) => {
    const { topic = original, key = null, value = null, headers = [] } = record;
    const message = { key, value, headers, offset: String(offset), timestamp: '1700000000000' };
    const source = { eventSource: 'SelfManagedKafka', bootstrapServers: 'b:1' } as const;
    const json = JSON.stringify(toEventRecord(topic, record.partition ?? 0, message));
    const text = recordLetter(
      {
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:shop-local-notify',
        source,
        condition: 'RetriesExhausted',
        reason: 'thrown',
        requestId: 'r',
        invocations: 3,
        executedVersion: '$LATEST',
        functionError: 'Unhandled',
        at: new Date('2026-11-23T09:00:00Z'),
        partitions: [],
      },
      `${topic}-${record.partition ?? 0}`,
      { offset, next: offset + 1, json, bytes: json.length, arrived: 0, timestamp: 1.7e12 },
      omitted,
    );
    const about = {
      'dead-letter-reason': 'RetriesExhausted: thrown',
      ...(omitted.length > 0 && { 'dead-letter-omitted': omitted.join(',') }),
    };
    const shown = omitted.includes('key') ? null : key;
    return { partition, key: shown, value: text, headers: about };
  };
  const letters = (records: Original[]) =>
    producer.send({ topic: dead, messages: records.map((record) => letterOf(record)) });
  const letter = (...given: Parameters<typeof letterOf>) =>
    producer.send({ topic: dead, messages: [letterOf(...given)] });
  const raw = (value: string | null, partition = 0) =>
    producer.send({ topic: dead, messages: [{ partition, value }] });
  const run = async (options: Record<string, unknown>) => {
    const rows: Row[] = [];
    const report = await redrive({
      kafka,
      servers,
      topic: dead,
      selection: readSelection(options),
      found: (row) => rows.push(row),
    });
    return { rows, ...report };
  };
  const read = () => readAll(client, original);
  return { original, dead, letter, letters, raw, run, read };
}

const text = (value: unknown) => Buffer.from(String(value));
const headersOf = ({ headers }: KafkaMessage) =>
  (headers as unknown as Header[]).map(({ key, value }) => `${key}=${value}`);

test('key, value and repeated headers come back as they were, in their order, with a count', async () => {
  const { letter, run, read } = await setUp();
  const headers = [
    { key: 'b', value: text('1') },
    { key: 'a', value: text('ë') },
    { key: 'b', value: text('2') },
  ];
  const value = Buffer.from([0, 0xff, 0x80, 10]);
  await letter({ key: Buffer.from([0xff, 1]), value, headers, partition: 1 });
  await letter({ value: text('no key'), partition: 0 });
  await letter({ key: text('tombstone'), partition: 0 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 3, left: 0 });
  const found = await read();
  const [first] = found.filter(({ partition }) => partition === 1);
  expect(first).toMatchObject({ key: Buffer.from([0xff, 1]), value });
  expect(first && headersOf(first)).toEqual(['b=1', 'a=ë', 'b=2', 'redrive-count=1']);
  expect(found.filter(({ partition }) => partition === 0)).toMatchObject([
    { key: null, value: text('no key') },
    { key: text('tombstone'), value: null },
  ]);
});

test('headers without a value, empty ones and one named __proto__ come back as they were', async () => {
  const { original, letter, run, read } = await setUp(1);
  const headers: Header[] = [
    { key: 'none', value: null },
    { key: 'empty', value: text('') },
    { key: '__proto__', value: text('x') },
    { key: 'none', value: null },
  ];
  const value = text('v');
  const message = { value, headers: orderedHeaders(headers), timestamp: '1700000000000' };
  await producer.send({ topic: original, messages: [message] });
  await letter({ value, headers }, 0, 0);
  // Another record is there: the letter's own headers are all that is known.
  await letter({ value: text('w'), headers: [{ key: 'none', value: null }] }, 0, 0);
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 2, left: 0 });
  const found = (await read()).slice(1).map(({ headers: all }) => all as unknown as Header[]);
  expect(found).toEqual([
    [...headers, { key: 'redrive-count', value: text('1') }],
    [
      { key: 'none', value: text('') },
      { key: 'redrive-count', value: text('1') },
    ],
  ]);
});

test('without a choice it is a dry run, which changes nothing', async () => {
  const { letter, run, read } = await setUp();
  await letter({ value: text('a') });
  for (const options of [{}, { 'dry-run': true, all: true }]) {
    const { counts, rows } = await run(options);
    expect(counts).toMatchObject({ 'would be redriven': 1, redriven: 0 });
    expect(rows[0]).toMatchObject({ condition: 'RetriesExhausted', reason: /thrown/ as never });
  }
  expect(await read()).toEqual([]);
});

test('a second run repeats nothing, unless asked to', async () => {
  const { letter, run, read } = await setUp();
  await letter({ value: text('a') });
  await run({ all: true });
  await letter({ value: text('b') });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 1 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 0 });
  expect((await read()).map(({ value }) => String(value))).toEqual(['a', 'b']);
  expect((await run({ all: true, again: true })).counts).toMatchObject({ redriven: 2 });
});

test('one letter, or those with a key, are put back and remembered; the others are left', async () => {
  const { letter, run, read } = await setUp();
  for (const key of ['x', 'y', 'x', 'z']) await letter({ key: text(key), value: text(key) });
  expect((await run({ letter: '0:1' })).rows).toMatchObject([{ offset: 1, outcome: 'redriven' }]);
  expect((await run({ key: 'x' })).counts).toMatchObject({ redriven: 2, 'not chosen': 2 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 1 });
  expect((await read()).map(({ key }) => String(key))).toEqual(['y', 'x', 'x', 'z']);
});

test('only the named letters are read, and what is known of the others stays', async () => {
  const { letter, raw, run, read } = await setUp();
  for (const key of ['a', 'b', 'c']) await letter({ value: text(key) });
  await raw('not JSON');
  for (const key of ['d', 'e', 'f']) await letter({ value: text(key) });
  await letter({ value: text('g') }, 1);
  const outcomes = async (options: Record<string, unknown>) =>
    (await run(options)).rows.map((one) => `${one.partition}:${one.offset} ${one.outcome}`);
  expect(await outcomes({ letter: '0:0,0:1,1:0' })).toHaveLength(3);
  // The first two are known by the offset that the group has committed, the third one by its metadata.
  expect(await outcomes({ letter: '0:4,0:4' })).toEqual(['0:4 redriven']);
  expect(await outcomes({ letter: '0:1' })).toEqual(['0:1 done before']);
  expect(await outcomes({ letter: '0:0,0:6' })).toEqual([
    '0:0 done before',
    ...['0:2', '0:3', '0:4', '0:5'].map((one) => `${one} not chosen`),
    '0:6 redriven',
  ]);
  expect((await run({ letter: '0:0,7:0,0:7,0:07', again: true, 'dry-run': true })).missing).toEqual(
    ['7:0', '0:7'],
  );
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 2, left: 1 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 0, left: 1 });
  const found = (await read()).map(({ value }) => String(value));
  expect(found.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

test('letters that cannot be read or have no topic are reported and left; the others are put back', async () => {
  const { dead, letter, raw, run, read } = await setUp();
  await raw('not JSON');
  await raw(null);
  await raw('{"requestContext":{}}');
  await letter({ topic: 'never-made', value: text('a') });
  await letter({ topic: dead, value: text('b') });
  await letter({ value: text('good') });
  const { rows, counts } = await run({ all: true });
  expect(counts).toMatchObject({ redriven: 1, left: 5 });
  expect(rows.filter(({ outcome }) => outcome === 'left').map(({ why }) => why)).toEqual([
    expect.stringContaining('it is not JSON'),
    expect.stringContaining('it has no value'),
    expect.stringContaining('Kafka on-failure destination'),
    'there is no topic never-made',
    'its record was on the dead-letter topic itself',
  ]);
  expect(await admin.listTopics()).not.toContain('never-made');
  expect(await read()).toHaveLength(1);
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 0, left: 5 });
});

test('a record that fails again after each redrive is left at the limit', async () => {
  const { letter, run } = await setUp();
  const count = (value: string) => [{ key: 'redrive-count', value: text(value) }];
  await letter({ value: text('a'), headers: count('2') });
  await letter({ value: text('b'), headers: count('3') });
  const { rows } = await run({ all: true });
  expect(rows).toMatchObject([
    { outcome: 'redriven' },
    { outcome: 'left', why: 'put back 3 times already; --limit 4 puts it back once more' },
  ]);
  expect((await run({ all: true, limit: '4' })).counts).toMatchObject({ redriven: 1 });
});

test('a value that a schema decoded is read from its topic again', async () => {
  const { original, dead, letter, run, read } = await setUp();
  const framed = Buffer.from([0, 0, 0, 0, 1, 2, 3]);
  const source = { partition: 0, value: framed, timestamp: '1700000000000' };
  await producer.send({ topic: original, messages: [source] });
  await letter({ value: text('{"decoded":true}') }, 0, 0);
  const [message] = await readAll(client, dead);
  const decoded = JSON.parse(String(message?.value));
  decoded.payload.records[`${original}-0`][0].valueSchemaMetadata = { dataFormat: 'AVRO' };
  await producer.send({
    topic: dead,
    messages: [{ partition: 1, value: JSON.stringify(decoded) }],
  });
  expect((await run({ letter: '1:0' })).counts).toMatchObject({ redriven: 1 });
  expect((await read()).map(({ value }) => value)).toEqual([framed, framed]);
});

test('many letters are put back in their order', async () => {
  const { dead, letter, run, read } = await setUp(1);
  await letter({ value: text('0') });
  const [message] = await readAll(client, dead);
  const values = Array.from({ length: 1_000 }, (_, index) => {
    const one = JSON.parse(String(message?.value));
    const [records] = Object.values(one.payload.records) as [{ value: string }][];
    if (records) records[0].value = text(index + 1).toString('base64');
    return { value: JSON.stringify(one), headers: orderedHeaders([]) };
  });
  await producer.send({ topic: dead, messages: values });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 1_001 });
  const back = (await read()).map(({ value }) => Number(String(value)));
  expect(back).toEqual(Array.from({ length: 1_001 }, (_, index) => index));
});

/** A cluster that gives no transactions, and a function that ends the consumer of the run. */
function withoutTransactions() {
  let consumer: Consumer | undefined;
  const refused = Object.assign(new Error('no right'), {
    type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  });
  const transaction = () => Promise.reject(refused);
  const own = Object.assign(Object.create(kafka) as Kafka, {
    producer: (config: ProducerConfig) => {
      const made = kafka.producer(config);
      return config.transactionalId ? { ...made, transaction } : made;
    },
    consumer: (config: ConsumerConfig) => {
      consumer = kafka.consumer(config);
      return consumer;
    },
  });
  return { kafka: own, endConsumer: () => void consumer?.stop() };
}

test('without transactions at most 100 letters come again after a run whose consumer has ended', async () => {
  const { dead, letters, read } = await setUp(1);
  await letters(Array.from({ length: 350 }, (_, index) => ({ value: text(index) })));
  const { kafka: cluster, endConsumer } = withoutTransactions();
  const selection = readSelection({ all: true });
  const run = (found: () => void) =>
    redrive({ kafka: cluster, servers, topic: dead, selection, found });
  await expect(run(endConsumer)).rejects.toThrow('The group has not taken the commit');
  expect(await read()).toHaveLength(100);
  expect((await run(() => undefined)).counts).toMatchObject({ redriven: 350 });
  expect((await run(() => undefined)).counts).toMatchObject({ redriven: 0 });
  const values = (await read()).map(({ value }) => String(value));
  expect(values).toHaveLength(450);
  expect(new Set(values).size).toBe(350);
});

test('an error names the missing topic, or the server that does not answer', async () => {
  const { dead } = await setUp();
  const run = (topic: string, at: string[]) =>
    redrive({
      kafka: new kafkajs.Kafka({
        brokers: at,
        logLevel: kafkajs.logLevel.NOTHING,
        retry: { retries: 0 },
      }),
      servers: at,
      topic,
      selection: readSelection({ all: true }),
      found: () => undefined,
    });
  await expect(run(`${dead}-not`, servers)).rejects.toThrow(/There is no topic dead-.*-not at/);
  await expect(run(dead, ['localhost:1'])).rejects.toThrow(/Kafka at localhost:1 does not answer/);
});

test('if every second of many letters is left, all others are put back and remembered', async () => {
  const { letters, run, read } = await setUp(1);
  const spent = { key: 'redrive-count', value: text(3) };
  for (let begin = 0; begin < 3_000; begin += 200) {
    await letters(
      Array.from({ length: 200 }, (_, index) => ({
        value: text(begin + index),
        headers: index % 2 === 0 ? [spent] : [],
      })),
    );
  }
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 1_500, left: 1_500 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 0, left: 1_500 });
  expect(await read()).toHaveLength(1_500);
}, 120_000);

test('work on records that were read does not count as silence of Kafka', async () => {
  const { dead, raw } = await setUp(1);
  await raw('a');
  const read = () => new Promise<void>((resolve) => setTimeout(resolve, 3_500));
  const stretches = [{ partition: 0, from: 0, to: 1 }];
  const groupId = `test-${crypto.randomUUID()}`;
  // Long enough to join the group, and shorter than the work.
  await scan({ kafka, groupId, topic: dead, stretches, read, idleMs: 3_000 });
  const missing = [{ partition: 0, from: 0, to: 2 }];
  await expect(
    scan({
      kafka,
      groupId,
      topic: dead,
      stretches: missing,
      read: async () => undefined,
      idleMs: 1_000,
    }),
  ).rejects.toThrow('no record came within 1000 ms');
});

/** Three originals, and their letters with a decoded value; `change` makes the topic another one. */
async function withDecodedLetters(change: (original: string) => Promise<unknown>) {
  const { original, dead, letter, run, read } = await setUp(1);
  const records = [0, 1, 2].map((index) => ({
    key: text(`k${index}`),
    value: text(`v${index}`),
    timestamp: '1700000000000',
  }));
  await producer.send({ topic: original, messages: records });
  for (const [offset, { key, value }] of records.entries()) await letter({ key, value }, 0, offset);
  const letters = (await readAll(client, dead)).map(({ key, value }) => {
    const decoded = JSON.parse(String(value));
    decoded.payload.records[`${original}-0`][0].valueSchemaMetadata = { dataFormat: 'AVRO' };
    return { key, value: JSON.stringify(decoded) };
  });
  await admin.deleteTopicRecords({ topic: dead, partitions: [{ partition: 0, offset: '3' }] });
  await producer.send({ topic: dead, messages: letters });
  await change(original);
  return { original, run, read };
}

async function createAgain(topic: string) {
  await admin.deleteTopics({ topics: [topic] });
  // A client that knew the old topic may ask for it once more.
  const fresh = kafka.admin();
  await fresh.connect();
  try {
    await until('the new topic', () =>
      createLedTopics(fresh, [{ topic, configEntries: KEPT }]).then(
        // For a moment the broker may still take records for the old one.
        async () => (await fresh.fetchTopicOffsets(topic)).every(({ high }) => high === '0'),
        async () => (await fresh.listTopics()).includes(topic),
      ),
    );
  } finally {
    await fresh.disconnect();
  }
}

const gone = 'its value was decoded, and the original is gone';

test.each([
  ['other records', 'other-key', '1700000000000'],
  ['the same keys at another time', 'k', '1700000000001'],
])(
  'a topic that was made again with %s keeps its letters: their originals are gone',
  async (_, key, timestamp) => {
    const { original, run, read } = await withDecodedLetters(async (topic) => {
      await createAgain(topic);
      const messages = [0, 1, 2].map((index) => ({
        key: `${key}${index}`,
        value: `other-value-${index}`,
        timestamp,
      }));
      const fresh = kafka.producer();
      await fresh.connect();
      await fresh.send({ topic, messages }).finally(() => fresh.disconnect());
    });
    const { rows } = await run({ all: true });
    expect(rows.map(({ outcome, why }) => ({ outcome, why }))).toEqual(
      [0, 1, 2].map(() => ({ outcome: 'left', why: gone })),
    );
    expect((await read()).map(({ value }) => String(value))).toEqual([
      'other-value-0',
      'other-value-1',
      'other-value-2',
    ]);
    expect(original).toBeDefined();
  },
);

const LACKS: readonly (readonly OmittedField[])[] = [
  ['headers'],
  ['value'],
  ['key'],
  ['value', 'key'],
  ['headers', 'value', 'key'],
];

test('the fields that a letter lacks are read from its original; without it the letter is left', async () => {
  const { original, dead, letter, run, read } = await setUp(1);
  const headers = [{ key: 'h', value: text('1') }];
  const timestamp = '1700000000000';
  const records = LACKS.map((_, index) => ({ key: text(`k${index}`), value: text(`v${index}`) }));
  const messages = records.map((one) => ({ ...one, headers: orderedHeaders(headers), timestamp }));
  await producer.send({ topic: original, messages });
  for (const [offset, lacks] of LACKS.entries()) {
    await letter({ ...records[offset], headers }, 0, offset, lacks);
    await letter({ ...records[offset], headers }, 0, 99, lacks);
  }
  const known = await groupsOf(dead);
  expect((await run({})).counts).toMatchObject({ 'would be redriven': 5, left: 5 });
  expect(await groupsOf(dead)).toEqual(known);
  const { rows } = await run({ all: true });
  expect(rows.filter(({ outcome }) => outcome === 'left').map(({ why }) => why)).toEqual(
    LACKS.map((lacks) => {
      const fields = ['key', 'value', 'headers'].filter((one) => lacks.includes(one as never));
      return `its ${fields.join(' and ')} did not fit into the letter, and the original is gone`;
    }),
  );
  const back = (await read()).slice(LACKS.length);
  expect(back.map(({ key, value }) => ({ key, value }))).toEqual(records);
  expect(back.map(headersOf)).toEqual(LACKS.map(() => ['h=1', 'redrive-count=1']));
  expect(await groupsOf(dead)).toEqual([`kafka-redrive.${dead}`]);
});

/** The groups that commands of this plugin may leave behind for a topic. */
async function groupsOf(topic: string): Promise<string[]> {
  const { groups } = await admin.listGroups();
  const names = groups.map(({ groupId }) => groupId);
  return names.filter((name) => name.includes(topic) || name.startsWith('kafka-event-'));
}

test('when the original topic is empty, letters are left at once', async () => {
  const { run } = await withDecodedLetters(createAgain);
  const { rows } = await run({ all: true });
  expect(rows.map(({ why }) => why)).toEqual([gone, gone, gone]);
}, 45_000); // Less than the silence of three scans.

// Reading that many originals takes longer than a session of the group.
test('700 letters with a decoded value are put back by one run, each once', async () => {
  const { original, dead, letter, run, read } = await setUp(1);
  const numbers = Array.from({ length: 700 }, (_, index) => index);
  const timestamp = Date.now(); // Retention deletes older records while redrive runs.
  const records = numbers.map((index) => ({ value: `v${index}`, timestamp: `${timestamp}` }));
  await producer.send({ topic: original, messages: records });
  await letter({ value: text('decoded') }, 0, 0);
  const [message] = await readAll(client, dead);
  const messages = numbers.map((offset) => {
    const one = JSON.parse(String(message?.value));
    const key = `${original}-0`;
    Object.assign(one.payload.records[key][0], { offset, timestamp, valueSchemaMetadata: {} });
    return { value: JSON.stringify(one) };
  });
  await admin.deleteTopicRecords({ topic: dead, partitions: [{ partition: 0, offset: '1' }] });
  await producer.send({ topic: dead, messages });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 700 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 0 });
  expect((await read()).slice(700).map(({ value }) => String(value))).toEqual(
    numbers.map((index) => `v${index}`),
  );
}, 180_000);

test('records too large for their topic are left, and all others are put back once', async () => {
  const { original, letter, run, read } = await setUp(2);
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: original,
        configEntries: [{ name: 'max.message.bytes', value: '10000' }],
      },
    ],
  });
  const large = Buffer.from(Array.from({ length: 20_000 }, () => Math.floor(Math.random() * 256)));
  for (let index = 0; index < 40; index += 1) {
    const isLarge = index % 10 === 5;
    const value = isLarge ? large : text(index);
    await letter({ key: text(index), value, partition: index % 2 }, 0, index);
  }
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 36, left: 4 });
  expect((await run({ all: true })).counts).toMatchObject({ redriven: 0, left: 4 });
  const back = (await read()).map(({ key }) => Number(String(key)));
  expect(back.toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 40 }, (_, index) => index).filter((index) => index % 10 !== 5),
  );
});
