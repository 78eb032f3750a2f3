import { expect, test } from '@jest/globals';
import type { Kafka, Message, ProducerConfig } from 'kafkajs';
import type { BufferedRecord } from '../record.ts';
import type { Failure } from './failure.ts';
import { createKafkaDestination } from './kafka.ts';

/** The messages of each request, which Kafka takes as one record batch, and the producer's options. */
async function send(records: BufferedRecord[], reason: string) {
  const sent: Message[][] = [];
  const options: ProducerConfig[] = [];
  const producer = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    send: async ({ messages }: { messages: Message[] }) => {
      sent.push(messages);
    },
  };
  const client = {
    producer: (config: ProducerConfig) => {
      options.push(config);
      return producer;
    },
  };
  const kafka = async () => client as unknown as Kafka;
  const destination = createKafkaDestination({
    topic: 'dlq',
    writer: 'test',
    isWhole: false,
    kafka,
  });
  const failure: Failure = {
    functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
    source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'localhost:9092' },
    condition: 'RetriesExhausted',
    reason,
    requestId: '316aa6d0-8154-4000-9af7-85d5f4a6bc81',
    invocations: 1,
    executedVersion: '$LATEST',
    functionError: 'Unhandled',
    at: new Date(0),
    partitions: [{ key: 't-0', records }],
  };
  const taken: BufferedRecord[] = [];
  await destination.send(failure, (record) => taken.push(record));
  expect(taken).toEqual(records);
  return { sent, options };
}

const entry = (offset: number, record: object): BufferedRecord => {
  const json = JSON.stringify({ offset, ...record });
  const bytes = Buffer.byteLength(json);
  return { offset, next: offset + 1, json, bytes, arrived: 0, timestamp: 0 };
};

const bytesOf = ({ key, value, headers }: Message) =>
  [key, value, ...Object.entries(headers ?? {}).flat()].reduce<number>(
    (sum, message) => sum + (message ? Buffer.byteLength(message as string) : 0),
    0,
  );

const many = (record: object) => Array.from({ length: 400 }, (_, offset) => entry(offset, record));

test.each([
  ['text beyond ASCII', many({ value: '漢'.repeat(1_000) }), 'failed'],
  ['reasons longer than their records', many({}), '漢'.repeat(1_000)],
  ['large keys', many({ key: Buffer.alloc(3_000, 'k').toString('base64') }), 'failed'],
])('letters with %s are split into requests that a broker takes', async (_, records, reason) => {
  const { sent } = await send(records, reason);
  expect(sent.flat()).toHaveLength(records.length);
  for (const messages of sent) {
    const bytes = messages.reduce((sum, message) => sum + bytesOf(message), 0);
    expect(bytes).toBeLessThanOrEqual(512 * 1024);
  }
});

test('the producer of letters does not ask the broker to create a missing topic', async () => {
  const { options } = await send([entry(0, {})], 'failed');
  expect(options).toEqual([expect.objectContaining({ allowAutoTopicCreation: false })]);
});
