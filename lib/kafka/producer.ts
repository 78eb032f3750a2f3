import { type IHeaders, type Producer as KafkaProducer, Partitioners } from 'kafkajs';
import type { SignIn } from '../config.ts';
import { AppError } from '../errors.ts';
import { tracePart } from '../tracer.ts';
import { createKafka, keepWarm, REQUEST_TIMEOUT_MS } from './client.ts';

/** A record to be written. Records with the same key stay in order in one partition. */
export type OutgoingRecord = {
  key: string | Buffer | null;
  value: string | Buffer | null;
  headers?: IHeaders;
};

/** Writes records with acknowledgement from all in-sync replicas; kept between invocations. */
export type Producer = {
  /**
   * Resolves when all records are acknowledged.
   *
   * The time limit ends the waiting, not the send: kafkajs cannot cancel one, so the records may
   * still arrive later. Whoever sends must be able to bear that.
   *
   * @throws AppError `KAFKA_AWAY` when they were not acknowledged within `timeoutMs`, or
   * `KAFKA_REFUSED` when the broker will not take them at any time
   */
  send(topic: string, records: OutgoingRecord[], timeoutMs: number): Promise<void>;
  disconnect(): Promise<void>;
};

/** The broker's answers that another try does not change. */
const FINAL = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/** A producer that connects on its first send, and again after a failure. */
export function createProducer(brokers: string[], signIn: SignIn = { way: 'none' }): Producer {
  const connection = keepWarm(async () =>
    (await createKafka(brokers, signIn)).producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    }),
  );
  return {
    async send(topic, records, timeoutMs) {
      const messages = records.map(({ key, value, headers }) => ({ key, value, headers }));
      const request = { topic, acks: -1, timeout: REQUEST_TIMEOUT_MS, messages };
      const sent = (producer: KafkaProducer) =>
        producer.send(request).then(() => undefined, refusalIn);
      await tracePart('Kafka', {}, async () => {
        const refusal = await connection.use(sent, timeoutMs).catch((error: unknown) => {
          throw asSendError(error);
        });
        if (refusal) throw refusal;
      });
    },
    disconnect: () => connection.disconnect(),
  };
}

/**
 * A refusal of the records, which says nothing against the connection that others are using.
 *
 * @throws every other failure
 */
function refusalIn(error: unknown): AppError {
  const sendError = asSendError(error);
  if (sendError.code !== 'KAFKA_REFUSED') throw error;
  return sendError;
}

function asSendError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const type = cause instanceof Error && 'type' in cause ? String(cause.type) : '';
  return FINAL.has(type)
    ? new AppError('KAFKA_REFUSED', `Kafka refused the record: ${reason}`, {}, error)
    : new AppError('KAFKA_AWAY', `Kafka did not acknowledge: ${reason}`, {}, error);
}
