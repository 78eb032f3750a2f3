import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { until } from './until.ts';

export type Read = {
  key: string;
  value: string;
  headers: Record<string, string>;
  partition: number;
};

/** Reads a topic from its start with a client of the test. */
export async function readTopic(brokers: string[], topic: string) {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `reader-${crypto.randomUUID()}` });
  const records: Read[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      records.push(readable(message, partition));
    },
  });
  return {
    records,
    /** Waits for this many records, and returns them. */
    atLeast: (count: number, deadlineMs?: number) =>
      until(
        `${count} records on ${topic}`,
        () => (records.length >= count ? records : undefined),
        deadlineMs,
      ),
    close: () => consumer.disconnect(),
  };
}

function readable({ key, value, headers = {} }: KafkaMessage, partition: number): Read {
  const texts = Object.entries(headers).map(([name, bytes]) => [name, String(bytes)]);
  return {
    key: String(key),
    value: String(value),
    headers: Object.fromEntries(texts),
    partition,
  };
}
