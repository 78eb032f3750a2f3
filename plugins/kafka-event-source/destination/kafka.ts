/** A topic of the same cluster as destination: one message for each failed record. */
import type kafkajs from 'kafkajs';
import { loadClient } from '../protocol/client.ts';
import { isTooLarge } from '../protocol/errors.ts';
import type { BufferedRecord } from '../record.ts';
import { within } from '../time.ts';
import type { Destination, DestinationOptions } from './destination.ts';
import {
  type Failure,
  fieldsBySize,
  keyOf,
  LETTER_HEADERS,
  type OmittedField,
  recordLetter,
} from './failure.ts';

export interface KafkaDestinationOptions {
  readonly topic: string;
  /** The writer's name in the headers of a letter. */
  readonly writer: string;
  /** Whether each letter is sent as it is, as on AWS, even if the topic does not take it. */
  readonly isWhole: boolean;
  readonly kafka: DestinationOptions['kafka'];
}

/** kafkajs makes one record batch of a partition's messages; brokers take 1 MB by default. */
const REQUEST_BYTES = 512 * 1024;
const SEND_MS = 15_000;

export function createKafkaDestination({
  topic,
  writer,
  isWhole,
  kafka,
}: KafkaDestinationOptions): Omit<Destination, 'name'> {
  let connected: Promise<kafkajs.Producer> | undefined;

  const producer = async () => {
    const client = (await kafka()).producer({
      allowAutoTopicCreation: false,
      // AWS: the record's key decides the partition; records without a key go to each in turn.
      // https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
      createPartitioner: loadClient().kafkajs.Partitioners.DefaultPartitioner,
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

  /** @returns the fields that the letter lacks; undefined if the topic takes no letter of the record */
  const sendAlone = async (failure: Failure, key: string, record: BufferedRecord) => {
    for (const { compression, omitted } of isWhole ? AS_IT_IS : waysOf(record)) {
      const message = messageOf(failure, writer, key, record, omitted);
      if (await isTaken([message], compression)) return omitted;
    }
    return undefined;
  };

  return {
    async send(failure, taken) {
      let isRefused = false;
      for (const { messages, records } of chunks(failure, writer)) {
        const areTaken = await isTaken(messages);
        for (const [key, record] of records) {
          const omitted = areTaken ? [] : await sendAlone(failure, key, record);
          if (omitted) taken(record, omitted);
          else isRefused = true;
        }
      }
      if (isRefused) {
        throw new Error(`${topic} takes no letter of this size: raise its max.message.bytes`);
      }
    },

    close: disconnect,
  };
}

const { None: NONE, GZIP } = loadClient().kafkajs.CompressionTypes;

interface Way {
  readonly compression: kafkajs.CompressionTypes;
  readonly omitted: readonly OmittedField[];
}

const AS_IT_IS: readonly Way[] = [{ compression: NONE, omitted: [] }];

/** The ways to send one letter, the most complete one first: a topic's limit is for compressed bytes. */
function waysOf(record: BufferedRecord): Way[] {
  const fields = fieldsBySize(record);
  const lacks = [[], ...fields.map((_, index) => fields.slice(0, index + 1))];
  return [...AS_IT_IS, ...lacks.map((omitted) => ({ compression: GZIP, omitted }))];
}

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
  const value = recordLetter(failure, key, record, omitted);
  return { key: omitted.includes('key') ? null : keyOf(record), value, headers };
}

function* chunks(failure: Failure, writer: string): Generator<Chunk, void, void> {
  let chunk: Chunk = { messages: [], records: [] };
  let bytes = 0;
  for (const { key, records } of failure.partitions) {
    for (const record of records) {
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
