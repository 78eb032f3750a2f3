/** A Kafka client whose topics and groups have a source's own names on the broker. */
import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, EachBatchPayload, Kafka, Producer, Transaction } from 'kafkajs';
import type { Joined } from '../protocol/membership.ts';
import type { Reader } from '../protocol/reader.ts';

/** Kafka's limit for the name of a topic. */
const LONGEST = 249;

/** The names of one source: two sources on a broker share no topic and no group. */
export class Names {
  readonly #mark = `-kit-${randomUUID().slice(0, 8)}`;
  /** The names in the test by those on the broker. */
  readonly #given = new Map<string, string>();

  /** The name of a topic or group on the broker. */
  of(given: string): string {
    const own = given.slice(0, LONGEST - this.#mark.length) + this.#mark;
    this.#given.set(own, given);
    return own;
  }

  /** The name in the test; undefined for a topic of others. */
  given(own: string): string | undefined {
    return this.#given.get(own);
  }
}

/** The client in the terms of the test; it has as much of kafkajs as the poller, the destination and a redrive use. */
export function named(kafka: Kafka, names: Names): Kafka {
  return {
    admin: (options: object) => namedAdmin(kafka.admin(options) as Reader, names),
    producer: ({ transactionalId: id, ...options }: { readonly transactionalId?: string } = {}) =>
      namedProducer(
        kafka.producer({ ...options, ...(id !== undefined && { transactionalId: names.of(id) }) }),
        names,
      ),
    consumer: ({ groupId, ...options }: Parameters<Kafka['consumer']>[0]) =>
      namedConsumer(kafka.consumer({ groupId: names.of(groupId), ...options }), names),
  } as unknown as Kafka;
}

function namedAdmin(admin: Reader, names: Names): Admin {
  const given = <T extends { readonly topic: string }>(one: T) => ({
    ...one,
    topic: names.given(one.topic) ?? one.topic,
  });
  return {
    ...admin,
    listTopics: async () => (await admin.listTopics()).flatMap((topic) => names.given(topic) ?? []),
    fetchTopicMetadata: async ({ topics = [] }: { readonly topics?: readonly string[] }) => {
      const found = await admin.fetchTopicMetadata({ topics: topics.map((one) => names.of(one)) });
      return {
        topics: found.topics.map((one) => ({ ...one, name: names.given(one.name) ?? one.name })),
      };
    },
    fetchTopicOffsets: (topic: string) => admin.fetchTopicOffsets(names.of(topic)),
    fetchTopicOffsetsByTimestamp: (topic: string, timestamp?: number) =>
      admin.fetchTopicOffsetsByTimestamp(names.of(topic), timestamp),
    fetchOffsets: async ({ groupId, topics = [] }: { groupId: string; topics?: string[] }) => {
      const wanted = { groupId: names.of(groupId), topics: topics.map((one) => names.of(one)) };
      return (await admin.fetchOffsets(wanted)).map(given);
    },
    describeGroups: async (groupIds: readonly string[]) => {
      const { groups } = await admin.describeGroups(groupIds.map((one) => names.of(one)));
      return {
        groups: groups.map((one) => ({ ...one, groupId: names.given(one.groupId) ?? one.groupId })),
      };
    },
    fetchRecords: ({ topic, ...place }: Parameters<Reader['fetchRecords']>[0]) =>
      admin.fetchRecords({ topic: names.of(topic), ...place }),
    topicIdOf: (topic: string) => admin.topicIdOf(names.of(topic)),
  } as unknown as Admin;
}

function namedProducer(producer: Producer, names: Names): Producer {
  return {
    connect: () => producer.connect(),
    disconnect: () => producer.disconnect(),
    ...namedSender(producer, names),
    transaction: async () => {
      const transaction = await producer.transaction();
      return {
        ...namedSender(transaction, names),
        sendOffsets: ({ consumerGroupId, topics }: Parameters<Transaction['sendOffsets']>[0]) =>
          transaction.sendOffsets({
            consumerGroupId: names.of(consumerGroupId),
            topics: topics.map((one) => ({ ...one, topic: names.of(one.topic) })),
          }),
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
      };
    },
  } as unknown as Producer;
}

function namedSender(sender: Pick<Producer, 'send' | 'sendBatch'>, names: Names) {
  return {
    send: ({ topic, ...rest }: Parameters<Producer['send']>[0]) =>
      sender.send({ topic: names.of(topic), ...rest }),
    sendBatch: ({ topicMessages = [], ...rest }: Parameters<Producer['sendBatch']>[0]) =>
      sender.sendBatch({
        ...rest,
        topicMessages: topicMessages.map((one) => ({ ...one, topic: names.of(one.topic) })),
      }),
  };
}

type Targets = readonly { readonly topic: string; readonly partitions?: number[] }[];

function namedConsumer(consumer: Consumer, names: Names): Consumer {
  const own = <T extends { readonly topic: string }>(one: T) => ({
    ...one,
    topic: names.of(one.topic),
  });
  return {
    events: consumer.events,
    connect: () => consumer.connect(),
    disconnect: () => consumer.disconnect(),
    subscribe: ({ topics, ...rest }: { readonly topics: readonly string[] }) =>
      consumer.subscribe({ ...rest, topics: topics.map((one) => names.of(one)) }),
    run: ({ eachBatch, ...options }: Parameters<Consumer['run']>[0] & object) =>
      consumer.run({
        ...options,
        eachBatch: async (payload) => {
          await eachBatch?.(inTest(payload, names));
        },
      }),
    pause: (targets: Targets) => consumer.pause(targets.map(own)),
    resume: (targets: Targets) => consumer.resume(targets.map(own)),
    seek: (place: Parameters<Consumer['seek']>[0]) => consumer.seek(own(place)),
    commitOffsets: (offsets: Parameters<Consumer['commitOffsets']>[0]) =>
      consumer.commitOffsets(offsets.map(own)),
    on: (event: string, listener: (event: { payload: object }) => void) =>
      consumer.on(event as never, (one: { payload: object }) =>
        listener({
          ...one,
          payload:
            event === consumer.events.GROUP_JOIN ? joinedInTest(one.payload, names) : one.payload,
        }),
      ),
  } as unknown as Consumer;
}

function inTest(payload: EachBatchPayload, names: Names): EachBatchPayload {
  const { batch } = payload;
  const topic = names.given(batch.topic) ?? batch.topic;
  // The batch has methods, which need its other properties.
  return { ...payload, batch: Object.create(batch, { topic: { value: topic } }) };
}

interface Join extends Partial<Joined> {
  readonly memberAssignment: Readonly<Record<string, number[]>>;
}

function joinedInTest(payload: object, names: Names): object {
  const { memberAssignment, topicIds, commit, ...rest } = payload as Join;
  const given = (topic: string) => names.given(topic) ?? topic;
  return {
    ...rest,
    memberAssignment: Object.fromEntries(
      Object.entries(memberAssignment).map(([topic, partitions]) => [given(topic), partitions]),
    ),
    ...(topicIds && { topicIds: new Map([...topicIds].map(([topic, id]) => [given(topic), id])) }),
    ...(commit && {
      commit: (topics: Parameters<Joined['commit']>[0]) =>
        commit(topics.map((one) => ({ ...one, topic: names.of(one.topic) }))),
    }),
  };
}
