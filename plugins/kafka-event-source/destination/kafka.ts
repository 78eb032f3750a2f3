/** A topic of the same cluster as destination: one message for each failed record. */
import kafkajs from 'kafkajs';
import { isTooLarge } from '../protocol/errors.ts';
import type { BufferedRecord } from '../record.ts';
import { within } from '../time.ts';
import type { Destination, DestinationOptions } from './destination.ts';
import { type Failure, keyOf, LETTER_HEADERS, type OmittedField, recordLetter } from './failure.ts';

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

  const sendOnce = async (messages: kafkajs.Message[], compression: kafkajs.CompressionTypes) => {
    connected ??= producer();
    await (await connected).send({ topic, messages, acks: -1, timeout: SEND_MS, compression });
  };

  /** @returns false if the topic takes no batch of this size */
  const isTaken = async (messages: kafkajs.Message[], compression = NONE): Promise<boolean> => {
    try {
      // kafkajs has no deadline for a send as a whole.
      await within(SEND_MS, 'an acknowledgement', sendOnce(messages, compression));
      return true;
    } catch (error) {
      if (isTooLarge(error)) return false;
      // The next attempt makes a new connection.
      void disconnect().catch(() => undefined);
      throw error;
    }
  };

  /** @returns the fields that the letter lacks */
  const sendAlone = async (failure: Failure, key: string, record: BufferedRecord) => {
    for (const { compression, omitted } of WAYS) {
      const message = messageOf(failure, writer, key, record, omitted);
      if (await isTaken([message], compression)) return omitted;
    }
    throw new Error(`${topic} takes no record of this size: raise its max.message.bytes`);
  };

  return {
    async send(failure, tell) {
      for (const { messages, records } of chunks(failure, writer, acknowledged)) {
        const isWhole = await isTaken(messages);
        for (const [key, record] of records) {
          const omitted = isWhole ? [] : await sendAlone(failure, key, record);
          acknowledged.add(record);
          if (omitted.length === 0) continue;
          const what = `the letter of ${key} ${record.offset} lacks its ${omitted.join(' and ')}`;
          tell?.(`${what}: ${topic} takes no larger record`);
        }
      }
    },
    close: disconnect,
  };
}

const { None: NONE, GZIP } = kafkajs.CompressionTypes;

interface Way {
  readonly compression: kafkajs.CompressionTypes;
  readonly omitted: readonly OmittedField[];
}

/** The ways to send one letter, the most complete one first: a topic's limit is for compressed bytes. */
const WAYS: readonly Way[] = [
  { compression: NONE, omitted: [] },
  { compression: GZIP, omitted: [] },
  { compression: GZIP, omitted: ['headers'] },
  { compression: GZIP, omitted: ['headers', 'value'] },
];

interface Chunk {
  readonly messages: kafkajs.Message[];
  /** Each with its `topic-partition`. */
  readonly records: (readonly [key: string, record: BufferedRecord])[];
}

function messageOf(
  failure: Failure,
  writer: string,
  key: string,
  record: BufferedRecord,
  omitted: readonly OmittedField[] = [],
): kafkajs.Message {
  // AWS does not document the headers of its message. The record's headers are in the payload.
  const headers = {
    'content-type': 'application/json',
    [LETTER_HEADERS.writer]: writer,
    [LETTER_HEADERS.reason]: `${failure.condition}: ${failure.reason}`.slice(0, 1_000),
    // `sls kafka redrive` reads these fields from the original record.
    ...(omitted.length > 0 && { [LETTER_HEADERS.omitted]: omitted.join(',') }),
  };
  return { key: keyOf(record), value: recordLetter(failure, key, record, omitted), headers };
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
      const message = messageOf(failure, writer, key, record);
      const size = bytesOf(message);
      if (chunk.messages.length > 0 && bytes + size > REQUEST_BYTES) {
        yield chunk;
        chunk = { messages: [], records: [] };
        bytes = 0;
      }
      chunk.messages.push(message);
      chunk.records.push([key, record]);
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
