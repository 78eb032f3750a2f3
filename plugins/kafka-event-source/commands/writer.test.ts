import { expect, test } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { loadClient } from '../protocol/client.ts';
import { Writer } from './writer.ts';

/** A cluster that answers a transaction with the error, and takes what comes without one. */
function clusterWith(error: object) {
  const plain: object[] = [];
  const producer = ({ transactionalId }: { transactionalId?: string } = {}) => ({
    connect: async () => undefined,
    disconnect: async () => undefined,
    transaction: async () => {
      throw error;
    },
    sendBatch: async (request: object) => {
      expect(transactionalId).toBeUndefined();
      plain.push(request);
    },
  });
  return { kafka: { producer } as unknown as Kafka, plain };
}

const errors = loadClient().kafkajs as unknown as Record<
  string,
  new (
    message: string,
    about?: object,
  ) => Error
>;
const { KafkaJSServerDoesNotSupportApiKey: Unsupported = Error } = errors;
const ofKafka = (type: string) => Object.assign(new Error('refused'), { type });

test.each([
  ['a cluster that does not know them', new Unsupported('no key', { apiName: 'InitProducerId' })],
  ['a user without the right', ofKafka('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')],
  [
    'the right that an error has as its cause',
    new Error('retries', { cause: ofKafka('CLUSTER_AUTHORIZATION_FAILED') }),
  ],
])(
  'without transactions the records are written alone, and the reason is reported: %s',
  async (_, error) => {
    const { kafka, plain } = clusterWith(error);
    const writer = await Writer.connect(kafka, 'kafka-redrive.dlq');
    expect(writer.withoutTransactions).toMatch(
      /^\w+: the (cluster is too old|user needs the right)/,
    );
    const memory = { topic: 'dlq', partition: 0, offset: '1', metadata: '' };
    expect(await writer.write({ topicMessages: [], gzip: false }, memory)).toBe(true);
    expect(plain).toHaveLength(1);
  },
);

test('a cluster that has just made its first coordinator of transactions is asked again', async () => {
  const { KafkaJSGroupCoordinatorNotFound: NotFound = Error } = errors;
  let asked = 0;
  const transaction = async () => {
    asked += 1;
    if (asked < 3) throw new NotFound('Failed to find group coordinator');
    return { abort: async () => undefined };
  };
  const producer = { connect: async () => undefined, transaction };
  const writer = await Writer.connect(
    { producer: () => producer } as unknown as Kafka,
    'kafka-redrive.dlq',
  );
  expect([writer.withoutTransactions, asked]).toEqual([undefined, 3]);
});

test('another error ends the run', async () => {
  const { kafka } = clusterWith(ofKafka('NOT_LEADER_FOR_PARTITION'));
  await expect(Writer.connect(kafka, 'kafka-redrive.dlq')).rejects.toThrow('refused');
});
