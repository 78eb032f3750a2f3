/** A topic of the same cluster as destination: one message for each failed record. */
import kafkajs from 'kafkajs';
import type { BufferedRecord } from '../record.ts';
import { within } from '../time.ts';
import type { Destination, DestinationOptions } from './destination.ts';
import { type Failure, keyOf, recordLetter } from './failure.ts';

export interface KafkaDestinationOptions {
  readonly topic: string;
  /** The writer's name in the headers of a letter. */
  readonly writer: string;
  readonly kafka: DestinationOptions['kafka'];
}

/** kafkajs makes one record batch of a partition's messages; brokers take 1 MB by default. */
const REQUEST_BYTES = 512 * 1024;
const SEND_MS = 15_000;

export function createKafkaDestination({
  topic,
  writer,
  kafka,
}: KafkaDestinationOptions): Omit<Destination, 'name'> {
  const acknowledged = new WeakSet<BufferedRecord>();
  let connected: Promise<kafkajs.Producer> | undefined;

  const producer = async () => {
    const client = (await kafka()).producer({
      allowAutoTopicCreation: false,
      // AWS: the record's key decides the partition; records without a key go to each in turn.
      // https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: { retries: 2, maxRetryTime: 2_000 },
    });
    await client.connect();
    return client;
  };

  const disconnect = async () => {
    const client = connected;
    connected = undefined;
    await (await client?.catch(() => undefined))?.disconnect();
  };

  const sendOnce = async (messages: kafkajs.Message[]) => {
    connected ??= producer();
    await (await connected).send({ topic, messages, acks: -1, timeout: SEND_MS });
  };

  return {
    async send(failure) {
      for (const chunk of chunks(failure, writer, acknowledged)) {
        try {
          // kafkajs has no deadline for a send as a whole.
          await within(SEND_MS, 'an acknowledgement', sendOnce(chunk.messages));
        } catch (error) {
          // The next attempt makes a new connection.
          void disconnect().catch(() => undefined);
          throw error;
        }
        for (const record of chunk.records) acknowledged.add(record);
      }
    },
    close: disconnect,
  };
}

interface Chunk {
  readonly messages: kafkajs.Message[];
  readonly records: BufferedRecord[];
}

function* chunks(
  failure: Failure,
  writer: string,
  sent: WeakSet<BufferedRecord>,
): Generator<Chunk, void, void> {
  let chunk: Chunk = { messages: [], records: [] };
  let bytes = 0;
  for (const { key, records } of failure.partitions) {
    for (const record of records) {
      if (sent.has(record)) continue;
      const value = recordLetter(failure, key, record);
      // AWS does not document the headers of its message. The record's headers are in the payload.
      const headers = {
        'content-type': 'application/json',
        'dead-letter-writer': writer,
        'dead-letter-reason': `${failure.condition}: ${failure.reason}`.slice(0, 1_000),
      };
      const message = { key: keyOf(record), value, headers };
      const size = bytesOf(message);
      if (chunk.messages.length > 0 && bytes + size > REQUEST_BYTES) {
        yield chunk;
        chunk = { messages: [], records: [] };
        bytes = 0;
      }
      chunk.messages.push(message);
      chunk.records.push(record);
      bytes += size;
    }
  }
  if (chunk.messages.length > 0) yield chunk;
}

/** The most bytes that a message can take in a record batch. */
function bytesOf({ key, value, headers }: Chunk['messages'][number]): number {
  const texts = [key ?? '', value ?? '', ...Object.entries(headers ?? {}).flat()];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(String(text)) + 5, 25);
}
