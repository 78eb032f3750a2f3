import {
  type IHeaders,
  Kafka,
  KafkaJSError,
  type Producer as KafkaProducer,
  Partitioners,
} from 'kafkajs';
import { AppError } from '../errors.ts';
import { kafkaLog } from './log.ts';

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

const REQUEST_TIMEOUT_MS = 3_000;

/** A producer that connects on its first send and again after a failure. */
export function createProducer(brokers: string[]): Producer {
  let connected: Promise<KafkaProducer> | undefined;

  const connection = () => {
    connected ??= connect(brokers);
    return connected;
  };
  // A connection that failed or hangs is not waited for again: the next send makes a new one.
  const drop = (failed: Promise<KafkaProducer> | undefined) => {
    if (connected === failed) connected = undefined;
    failed?.then((producer) => producer.disconnect()).catch(kafkaLog.ignored);
  };

  return {
    async send(topic, records, timeoutMs) {
      const messages = records.map(({ key, value, headers }) => ({ key, value, headers }));
      const current = connection();
      const sent = current.then((producer) =>
        producer.send({ topic, acks: -1, timeout: REQUEST_TIMEOUT_MS, messages }),
      );
      try {
        await withinTime(sent, timeoutMs);
      } catch (error) {
        const failure = asSendError(error);
        if (failure.retriable) drop(current);
        throw failure;
      }
    },
    async disconnect() {
      const current = connected;
      connected = undefined;
      await (await current)?.disconnect();
    },
  };
}

async function connect(brokers: string[]): Promise<KafkaProducer> {
  const kafka = new Kafka({
    clientId: 'orders',
    brokers,
    connectionTimeout: 1_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 500 },
    logCreator: kafkaLog.creator,
  });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return producer;
}

async function withinTime(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error(`no acknowledgement within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
    // A send that outlives its time limit may still fail: nobody waits for it any more.
    work.catch(kafkaLog.ignored);
  }
}

function asSendError(error: unknown): AppError {
  const reason = error instanceof Error ? error.message : String(error);
  const cause = error instanceof KafkaJSError && error.cause ? error.cause : error;
  const type = cause instanceof Error && 'type' in cause ? String(cause.type) : '';
  return FINAL.has(type)
    ? new AppError('KAFKA_REFUSED', `Kafka refused the record: ${reason}`, {}, error)
    : new AppError('KAFKA_AWAY', `Kafka did not acknowledge: ${reason}`, {}, error);
}
