import {
  CompressionTypes,
  type ICustomPartitioner,
  type IHeaders,
  type Producer as KafkaProducer,
  Partitioners,
} from 'kafkajs';
import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { traceCall } from '../tracer.ts';
import { createKafka, keepWarm, REQUEST_TIMEOUT_MS } from './client.ts';

/** A record to be written. Records with the same key stay in order in one partition. */
export type OutgoingRecord = {
  key: string | Buffer | null;
  value: string | Buffer | null;
  headers?: IHeaders;
  /** The partition to write to; without it the key decides. */
  partition?: number;
};

/** Writes records with acknowledgement from all in-sync replicas; kept between invocations. */
export type Producer = {
  /**
   * Resolves when all records are acknowledged.
   *
   * The time limit ends the waiting, not the send: kafkajs cannot cancel a send, so the records may
   * still arrive later. Callers must allow for that.
   *
   * With `gzip` the broker holds the compressed size against the topic's `max.message.bytes`.
   *
   * @throws AppError `KAFKA_AWAY` when Kafka did not acknowledge within `timeoutMs`, or
   * `KAFKA_REFUSED` when the broker will not take them at any time
   */
  send(
    topic: string,
    records: OutgoingRecord[],
    timeoutMs: number,
    options?: { gzip?: boolean },
  ): Promise<void>;
  /** The partition of records with this key; undefined until the number of partitions is known. */
  partitionOf(topic: string, key: string): number | undefined;
  disconnect(): Promise<void>;
};

const SEND = { name: 'Kafka', attributes: { 'messaging.system': 'kafka' } };

/** The broker's answers that another try does not change. */
const FINAL = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/** Faults of a single partition: the same connection still serves the other partitions. */
const OF_A_PARTITION = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'KAFKA_STORAGE_ERROR',
  'KafkaJSBrokerNotFound',
]);

/** A producer that connects on its first send, and again after a failure. */
export function createProducer(brokers: string[], signIn: SignIn = { way: 'none' }): Producer {
  const counts = new Map<string, number>();
  const choose = Partitioners.DefaultPartitioner();
  const counting: ICustomPartitioner = () => (args) => {
    counts.set(args.topic, args.partitionMetadata.length);
    return choose(args);
  };
  const connection = keepWarm(async ({ sockets, answered }) => {
    const producer = (await createKafka(brokers, signIn, sockets)).producer({
      allowAutoTopicCreation: false,
      createPartitioner: counting,
    });
    producer.on(producer.events.REQUEST, answered);
    return producer;
  });
  return {
    async send(topic, records, timeoutMs, { gzip = false } = {}) {
      const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None;
      const request = {
        ...{ topic, compression, acks: -1, timeout: REQUEST_TIMEOUT_MS },
        messages: records.map((record) => ({ ...record })),
      };
      const sent = (producer: KafkaProducer) =>
        producer.send(request).then(() => undefined, answerIn);
      await traceCall(SEND, async () => {
        const answer = await connection.use(sent, timeoutMs).catch((error: unknown) => {
          throw asSendError(error);
        });
        if (answer) throw answer;
      });
    },
    partitionOf(topic, key) {
      const count = counts.get(topic);
      if (count === undefined) return undefined;
      return choose({ topic, partitionMetadata: Array(count), message: { key, value: null } });
    },
    disconnect: () => connection.disconnect(),
  };
}

/**
 * Kafka's own answer about the records or their partition. The connection itself works, so other
 * sends go on using it.
 *
 * @throws every other failure
 */
function answerIn(error: unknown): AppError {
  const sendError = asSendError(error);
  if (sendError.code !== 'KAFKA_REFUSED' && !OF_A_PARTITION.has(kindOf(error))) throw error;
  return sendError;
}

function asSendError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return FINAL.has(kindOf(error))
    ? new AppError('KAFKA_REFUSED', `Kafka refused the record: ${reason}`, {}, error)
    : new AppError('KAFKA_AWAY', `Kafka did not acknowledge: ${reason}`, {}, error);
}

/** The broker's error code, or kafkajs' own name of the error. */
function kindOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return '';
  return 'type' in cause ? String(cause.type) : cause.name;
}
