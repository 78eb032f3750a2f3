import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { until } from './until.ts';

export type Read = {
  key: string;
  value: string;
  headers: Record<string, string>;
  partition: number;
};

/** Reads a topic from its start with a client that is not the system's own. */
export async function readTopic(brokers: string[], topic: string) {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: `reader-${crypto.randomUUID()}`,
    // A partition that has no leader at the join is read soon after it gets one, instead of after five minutes.
    metadataMaxAge: 1_000,
  });
  const records: Read[] = [];
  let crash = '';
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    crash = `, and the reader failed${restart ? ' and began again' : ''}: ${error.message}`;
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      records.push(readable(message, partition));
    },
  });
  const described = () => `${records.length} were read${crash}`;
  return {
    records,
    /** For a failure's message: how much was read, and why no more. */
    described,
    /** Waits until there are this many records, and answers them. */
    atLeast: (count: number, deadlineMs?: number) =>
      until(
        () => `${count} records on ${topic} (${described()})`,
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
