/** Writes records together with the note that they were put back: Kafka takes both, or neither. */
import kafkajs, { type Kafka, type Message, type Producer, type Transaction } from 'kafkajs';
import { isTooLarge, kafkaErrorOf } from '../protocol/errors.ts';
import { stopwatch, within } from '../time.ts';

const { CompressionTypes } = kafkajs;
const SEND_MS = 15_000;
/** After a kill, readers of the topics wait at most so long for the end of its transaction. */
const TRANSACTION_MS = 30_000;
/** The name of kafkajs' error for a request that a cluster does not know. */
const TOO_OLD = 'KafkaJSServerDoesNotSupportApiKey';
/** The name of kafkajs' error when no broker names the coordinator. */
const COORDINATOR_AWAY = 'KafkaJSGroupCoordinatorNotFound';
/** The errors of clusters, and of users, that can have no transactions, each with its remedy. */
const NO_TRANSACTIONS: Readonly<Record<string, (transactionalId: string) => string>> = {
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: (id) =>
    `the user needs the rights Describe and Write of the transactional id ${id}`,
  CLUSTER_AUTHORIZATION_FAILED: () => 'the user needs the right IdempotentWrite of the cluster',
  GROUP_COORDINATOR_NOT_AVAILABLE: () => 'the cluster has no coordinator of transactions',
  UNSUPPORTED_VERSION: () => 'the cluster is too old',
  [TOO_OLD]: () => 'the cluster is too old',
};

interface Records {
  readonly topicMessages: readonly { topic: string; messages: Message[] }[];
  readonly gzip: boolean;
}

/** The offset that the group commits, with its text. */
interface Memory {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

export class Writer {
  readonly #kafka: Kafka;
  readonly #groupId: string;
  #producer: Producer;
  /** The reason why the cluster gives no transactions; then the memory is not written here. */
  readonly withoutTransactions: string | undefined;

  private constructor(kafka: Kafka, groupId: string, producer: Producer, reason?: string) {
    this.#kafka = kafka;
    this.#groupId = groupId;
    this.#producer = producer;
    this.withoutTransactions = reason;
  }

  /**
   * Ends the transaction of an earlier run, so that the group's offsets are settled after it.
   *
   * @throws Error if the servers do not answer
   */
  static async connect(kafka: Kafka, groupId: string): Promise<Writer> {
    try {
      return new Writer(kafka, groupId, await connectTransactional(kafka, groupId));
    } catch (error) {
      const reason = whyNoTransactions(error, groupId);
      if (!reason) throw error;
      return new Writer(kafka, groupId, await connect(kafka.producer(OPTIONS)), reason);
    }
  }

  /**
   * @returns false if Kafka finds the records too large; then none of them is written
   * @throws Error if Kafka does not acknowledge them
   */
  async write({ topicMessages, gzip }: Records, memory: Memory): Promise<boolean> {
    const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None;
    const request = { topicMessages: [...topicMessages], compression, acks: -1 };
    try {
      if (this.withoutTransactions === undefined) {
        await within(SEND_MS, 'a transaction', this.#transact(request, memory));
      } else {
        await within(SEND_MS, 'an acknowledgement', this.#producer.sendBatch(request));
      }
      return true;
    } catch (error) {
      const isRefused = isTooLarge(error);
      if (this.withoutTransactions === undefined) {
        const renewed = this.#renew();
        if (isRefused) await renewed;
        // If this fails, the next run ends the transaction.
        else await renewed.catch(() => undefined);
      }
      if (isRefused) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await within(SEND_MS, 'disconnecting', this.#producer.disconnect()).catch(() => undefined);
  }

  async #transact(request: Parameters<Transaction['sendBatch']>[0], memory: Memory) {
    const transaction = await this.#producer.transaction();
    await transaction.sendBatch(request);
    const { topic, ...partition } = memory;
    const topics = [{ topic, partitions: [partition] }];
    await transaction.sendOffsets({ consumerGroupId: this.#groupId, topics });
    await transaction.commit();
  }

  /**
   * Aborts the transaction through a new producer: after a refusal, kafkajs' numbers of the batches
   * no longer fit those that other partitions have taken.
   */
  async #renew(): Promise<void> {
    await this.close();
    this.#producer = await connectTransactional(this.#kafka, this.#groupId);
  }
}

function whyNoTransactions(error: unknown, transactionalId: string): string | undefined {
  const name = kafkaErrorOf(error) ?? Object(error).name;
  const remedy = Object.hasOwn(NO_TRANSACTIONS, name) && NO_TRANSACTIONS[name];
  return remedy ? `${name}: ${remedy(transactionalId)}` : undefined;
}

const OPTIONS = { allowAutoTopicCreation: false, retry: { retries: 2, maxRetryTime: 2_000 } };

async function connect(producer: Producer): Promise<Producer> {
  await within(SEND_MS, 'connecting', producer.connect());
  return producer;
}

async function connectTransactional(kafka: Kafka, transactionalId: string): Promise<Producer> {
  const producer = await connect(
    kafka.producer({ ...OPTIONS, transactionalId, transactionTimeout: TRANSACTION_MS }),
  );
  try {
    // kafkajs asks for the producer's id, which ends an earlier transaction, with the first one.
    const first = await within(SEND_MS, 'the first transaction', beginFirst(producer));
    await first.abort();
    return producer;
  } catch (error) {
    await producer.disconnect().catch(() => undefined);
    throw error;
  }
}

/** A cluster makes the topic of its transactions for the first one. Until then it has no coordinator. */
async function beginFirst(producer: Producer): Promise<Transaction> {
  const time = stopwatch();
  for (;;) {
    try {
      return await producer.transaction();
    } catch (error) {
      if (Object(error).name !== COORDINATOR_AWAY || time.monotonic() > SEND_MS) throw error;
    }
  }
}
