import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { type Row, redrive } from '../../../plugins/kafka-event-source/commands/redrive.ts';
import { readSelection } from '../../../plugins/kafka-event-source/commands/redrive-options.ts';
import { toEventRecord } from '../../../plugins/kafka-event-source/event.ts';
import { loadClient } from '../../../plugins/kafka-event-source/protocol/client.ts';
import type { Header } from '../../../plugins/kafka-event-source/protocol/decode.ts';
import {
  listHeaders,
  orderedHeaders,
} from '../../../plugins/kafka-event-source/protocol/headers.ts';
import { readAll } from '../../../plugins/kafka-event-source/test/support/read-all.ts';
import { createLedTopics } from '../../../plugins/kafka-event-source/topics.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

const { kafkajs } = loadClient();

let bench: NotifyBench;
let kafka: Kafka;
let admin: ReturnType<Kafka['admin']>;
let producer: ReturnType<Kafka['producer']>;

beforeAll(async () => {
  bench = await createNotifyBench();
  kafka = new kafkajs.Kafka({ brokers: bench.brokers, logLevel: kafkajs.logLevel.NOTHING });
  admin = kafka.admin();
  producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await producer.send({ topic: bench.topic, messages: [{ partition: 1, value: 'first' }] });
  const ready = () => readFrom(bench.topic).catch(() => undefined);
  await until('the broker to lead groups', ready);
});

afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  await bench.close();
});

type Content = { key?: Buffer | null; value?: Buffer | null; headers?: Header[] };

/** Writes a record, and reads it as the event source does. */
async function produce({ key = null, value = null, headers = [] }: Content, gzip = false) {
  const [{ baseOffset = '' } = {}] = await producer.send({
    topic: bench.topic,
    compression: gzip ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None,
    messages: [{ partition: 1, key, value, headers: orderedHeaders(headers) }],
  });
  const [message] = await readFrom(bench.topic, Number(baseOffset));
  if (!message) throw new Error('the record is not on the topic');
  return { message, record: toEventRecord(bench.topic, 1, message) };
}

const readFrom = (topic: string, offset = 0) => readAll({ kafka, admin }, topic, offset);

/** A topic for letters that takes records of this size, Kafka's own 1 MB if none is given. */
async function letterTopic(settings: Record<string, string> = {}): Promise<string> {
  const topic = `letters-${crypto.randomUUID()}`;
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await createLedTopics(admin, [{ topic, numPartitions: 1, configEntries }]);
  return topic;
}

async function redriveAll(topic: string, options: Record<string, unknown> = { all: true }) {
  const rows: Row[] = [];
  const found = (row: Row) => rows.push(row);
  await redrive({ kafka, servers: bench.brokers, topic, selection: readSelection(options), found });
  return rows;
}

const headersOf = ({ headers = {} }: KafkaMessage) =>
  listHeaders(headers)
    .filter(({ key }) => key !== 'redrive-count')
    .map(({ key, value }) => [key, String(value ?? '')]);

/** Key, value and headers by their hash: a difference of megabytes takes minutes to print. */
function hashOf(message: KafkaMessage | undefined): string {
  const { key, value, headers } = message ?? {};
  const list = listHeaders(headers ?? {}).filter((one) => one.key !== 'redrive-count');
  const parts = [key, value, ...list.flatMap((one) => [one.key, one.value])];
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(part == null ? 'none' : `${part.length}:`).update(part ?? '');
  }
  return hash.digest('hex');
}

function whenAway(error: unknown): undefined {
  if (Object(error).code !== 'KAFKA_AWAY') throw error;
}

const MB = 1024 * 1024;
const bytes = (length: number, byte: number) => Buffer.alloc(length, byte);
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: `h${i % 7}`, value: randomBytes(i % 5) }));
const notJson = Buffer.from('not json');

/** Records that fit into Kafka's 1 MB, but that no function can read. */
const records: Record<string, () => Content> = {
  'one header of 700 000 bytes 0xC8': () => ({
    key: Buffer.from('k'),
    value: notJson,
    headers: [{ key: 'stacktrace', value: bytes(700_000, 0xc8) }],
  }),
  'a header of 1 MB of 0x80': () => ({
    value: notJson,
    headers: [{ key: 'h', value: bytes(MB - 200, 0x80) }],
  }),
  'a header of 1 MB of random bytes': () => ({
    key: Buffer.from('k'),
    value: notJson,
    headers: [{ key: 'h', value: randomBytes(MB - 200) }],
  }),
  'a value of 1 MB of random bytes': () => ({ value: randomBytes(MB - 200) }),
  'half value and half header, both random': () => ({
    value: randomBytes(MB / 2 - 200),
    headers: [{ key: 'h', value: randomBytes(MB / 2) }],
  }),
  'a key of 1 MB of random bytes': () => ({ key: randomBytes(MB - 200), value: notJson }),
  'many small headers': () => ({ value: randomBytes(MB - 200_000), headers: many(20_000) }),
  'a tombstone with a large header': () => ({
    key: Buffer.from('k'),
    headers: [{ key: 'h', value: randomBytes(MB - 200) }],
  }),
};

test.each(Object.keys(records))(
  'a record with %s goes to the dead letters on both kinds of topic, and is put back as it was',
  async (name) => {
    const { message, record } = await produce(records[name]?.() ?? {});
    const topics = [
      await letterTopic({ 'max.message.bytes': '2097152' }),
      await letterTopic(),
      await letterTopic({ 'compression.type': 'uncompressed' }),
    ];
    for (const deadLetterTopic of topics) {
      const inbox = createInbox();
      // A busy Kafka may not answer in time, and have the letter: then it comes twice.
      const answer = await until('the letter', () =>
        bench.deliver([record], { sender: inbox, deadLetterTopic }).catch(whenAway),
      );
      expect(answer).toEqual(bench.failed());
      const outcomes = (await redriveAll(deadLetterTopic)).map(({ outcome }) => outcome);
      expect(new Set(outcomes)).toEqual(new Set(['redriven']));
    }
    const back = await readFrom(bench.topic, record.offset + 1);
    expect(new Set(back.map(hashOf))).toEqual(new Set([hashOf(message)]));
    expect(back.length).toBeGreaterThanOrEqual(topics.length);
  },
  120_000,
);

test('the event after such a record is sent, and the letter says that headers are left out', async () => {
  const deadLetterTopic = await letterTopic();
  const large = { value: notJson, headers: [{ key: 'h', value: randomBytes(900_000) }] };
  const { record } = await produce({ key: Buffer.from('k'), ...large });
  const event = newEvent();
  const good = await produce({
    key: Buffer.from(event.data.orderId),
    value: Buffer.from(JSON.stringify(event)),
  });
  const inbox = createInbox();
  const batch = [record, good.record];
  expect(await bench.deliver(batch, { sender: inbox, deadLetterTopic })).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
  const [letter] = await readFrom(deadLetterTopic);
  expect(letter?.key).toEqual(Buffer.from('k'));
  expect(headersOf(letter as KafkaMessage)).toContainEqual(['dead-letter-omitted', 'headers']);
  const { payload } = JSON.parse(String(letter?.value));
  const { value, headers: _, ...place } = record;
  expect(payload.records[`${bench.topic}-1`]).toEqual([{ ...place, value, headers: [] }]);
});

test('a record that compresses well is complete in its letter', async () => {
  const { record } = await produce(records['one header of 700 000 bytes 0xC8']?.() ?? {});
  const deadLetterTopic = await letterTopic();
  await bench.deliver([record], { deadLetterTopic });
  const [letter] = await readFrom(deadLetterTopic);
  expect(headersOf(letter as KafkaMessage).map(([name]) => name)).not.toContain(
    'dead-letter-omitted',
  );
});

test('a letter whose original is gone is left, with the reason, and the others go on', async () => {
  const deadLetterTopic = await letterTopic();
  const lost = await produce({ value: randomBytes(MB - 200) });
  await bench.deliver([lost.record], { deadLetterTopic });
  const whole = await produce({ value: notJson });
  await bench.deliver([whole.record], { deadLetterTopic });
  const partitions = [{ partition: 1, offset: String(whole.record.offset) }];
  await admin.deleteTopicRecords({ topic: bench.topic, partitions });
  expect(await redriveAll(deadLetterTopic)).toMatchObject([
    {
      outcome: 'left',
      why: 'its value did not fit into the letter, and the original is gone',
    },
    { outcome: 'redriven' },
  ]);
});

test('a record that is another one by now is not taken for the original', async () => {
  const deadLetterTopic = await letterTopic();
  const { record } = await produce({ value: randomBytes(MB - 200) });
  // As after the topic was made anew: the place is the same, the record is not.
  await bench.deliver([{ ...record, timestamp: record.timestamp - 1 }], { deadLetterTopic });
  expect(await redriveAll(deadLetterTopic)).toMatchObject([
    { outcome: 'left', why: expect.stringContaining('the original is gone') },
  ]);
});

test('a record that only compressed fits its topic is put back', async () => {
  const deadLetterTopic = await letterTopic();
  const { message, record } = await produce({ value: bytes(3 * MB, 0x61) }, true);
  await bench.deliver([record], { deadLetterTopic });
  expect(await redriveAll(deadLetterTopic)).toMatchObject([{ outcome: 'redriven' }]);
  const [back] = await readFrom(bench.topic, record.offset + 1);
  expect(hashOf(back)).toBe(hashOf(message));
});
