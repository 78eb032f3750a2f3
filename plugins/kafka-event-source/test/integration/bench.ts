/** The common means of the integration tests: a Lambda endpoint, a topic, a poller. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import kafkajs, { type Message } from 'kafkajs';
import { createClient } from '../../access/connect.ts';
import { withAdmin } from '../../commands/scan.ts';
import type { EventRecord, KafkaEvent } from '../../event.ts';
import { createInvoker } from '../../lambda/invoke.ts';
import type { Log } from '../../log.ts';
import type { Mapping } from '../../mapping.ts';
import { Poller, type PollerOptions } from '../../poller/poller.ts';
import { createLedTopics } from '../../topics.ts';
import { mappingOf } from '../support/mapping.ts';

export interface Invocation {
  readonly path: string;
  readonly event: KafkaEvent;
  readonly body: string;
  readonly records: readonly EventRecord[];
  readonly at: number;
  endedAt?: number;
  /** Whether the caller has gone away before the answer. */
  isLeft?: boolean;
}

/** An answer of the endpoint. A promise is answered when it resolves. */
export interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly functionError?: string;
  readonly requestId?: string;
}

export type Handler = (invocation: Invocation, index: number) => Answer | Promise<Answer>;

export const success: Answer = { body: 'null' };
export const failure: Answer = {
  functionError: 'Unhandled',
  body: '{"errorMessage":"thrown by the test","errorType":"Error"}',
};

export interface Lambda {
  readonly endpoint: string;
  readonly invocations: Invocation[];
  handle(handler: Handler): void;
  close(): Promise<void>;
}

/** An HTTP server in the place of the Lambda Invoke endpoint. */
export async function startLambda(port = 0): Promise<Lambda> {
  const invocations: Invocation[] = [];
  let handler: Handler = () => success;
  const server = http.createServer(async (request, response) => {
    const body = await text(request);
    const event = JSON.parse(body) as KafkaEvent;
    const records = Object.values(event.records).flat();
    const { url: path = '' } = request;
    const invocation: Invocation = { path, event, body, records, at: Date.now() };
    const index = invocations.push(invocation) - 1;
    response.once('close', () => {
      invocation.isLeft = !response.writableEnded;
    });
    const answer = await handler(invocation, index);
    invocation.endedAt = Date.now();
    if (answer.functionError) response.setHeader('x-amz-function-error', answer.functionError);
    if (answer.requestId) response.setHeader('x-amzn-requestid', answer.requestId);
    response.statusCode = answer.status ?? 200;
    response.end(answer.body ?? '');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    invocations,
    handle: (next) => {
      handler = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const brokers = () => {
  const given = process.env.KAFKA_BROKERS;
  if (!given) throw new Error('KAFKA_BROKERS is not set: run the tests by npm test.');
  return given.split(',');
};

/** A window that is longer than any test: a batch begins when it is full. */
export const ENDLESS_MS = 300_000;

/** The settings of a topic that keeps records with an old time, which Kafka would delete by and by. */
export const KEPT = { 'retention.ms': '-1' };

/** A topic, a group and clients for one test alone. */
export class Bench implements AsyncDisposable {
  readonly topic = `kes-${randomUUID()}`;
  readonly groupId = `kes-${randomUUID()}`;
  readonly log: string[] = [];
  readonly #kafka: kafkajs.Kafka;
  readonly admin: kafkajs.Admin;
  readonly #producer: kafkajs.Producer;
  readonly #pollers = new Set<Poller>();
  readonly #lambdas = new Set<Lambda>();
  readonly #brokers: readonly string[];

  constructor(servers: readonly string[] = brokers()) {
    this.#brokers = servers;
    this.#kafka = new kafkajs.Kafka({ brokers: [...servers], logLevel: kafkajs.logLevel.NOTHING });
    this.admin = this.#kafka.admin();
    // The producer would silently skip a partition that it does not know yet.
    this.#producer = this.#kafka.producer({ metadataMaxAge: 1 });
  }

  async createTopic(numPartitions = 1, config: Record<string, string> = {}): Promise<void> {
    await this.admin.connect();
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const topics = [{ topic: this.topic, numPartitions, configEntries }];
    await createLedTopics(this.admin, topics);
  }

  /** Adds partitions, and waits until the broker knows them: a producer would skip those that it does not know. */
  async addPartitions(count: number): Promise<void> {
    const { topic } = this;
    await this.admin.createPartitions({ topicPartitions: [{ topic, count }] });
    await until(`${count} partitions`, async () => {
      const { topics } = await retried(() => this.admin.fetchTopicMetadata({ topics: [topic] }));
      return topics[0]?.partitions.length === count;
    });
  }

  async produce(messages: Message[], topic = this.topic): Promise<void> {
    await this.#producer.connect();
    await this.#producer.send({ topic, messages, acks: -1 });
  }

  /** Records whose values count from `from`, on one partition. */
  async produceCount(count: number, { from = 0, partition = 0 } = {}): Promise<void> {
    const messages = Array.from({ length: count }, (_, index) => ({
      value: String(from + index),
      partition,
    }));
    await this.produce(messages);
  }

  /** A producer of transactions, and an open one. By default the broker would end it after a minute. */
  async transaction() {
    const producer = this.#kafka.producer({
      transactionalId: this.topic,
      transactionTimeout: 600_000,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    return { producer, transaction: await producer.transaction() };
  }

  async lambda(handler?: Handler): Promise<Lambda> {
    const lambda = await startLambda();
    if (handler) lambda.handle(handler);
    this.#lambdas.add(lambda);
    return lambda;
  }

  mapping(changes: Partial<Mapping> = {}): Mapping {
    return mappingOf(this.topic, this.#brokers, { groupId: this.groupId, ...changes });
  }

  poll(
    lambda: Pick<Lambda, 'endpoint'>,
    changes: Partial<Mapping> = {},
    options: Partial<PollerOptions> = {},
  ): Poller {
    const mapping = this.mapping(changes);
    const { invoke } = createInvoker({
      endpoint: lambda.endpoint,
      functionName: mapping.functionName,
      timeoutMs: mapping.timeoutMs,
    });
    const poller = new Poller({
      mapping,
      invoke,
      log: recordingLog(this.log),
      backoff: { firstMs: 50, maxMs: 400 },
      ...options,
    });
    this.#pollers.add(poller);
    poller.start();
    return poller;
  }

  async committed(partition = 0): Promise<number> {
    const found = (await this.commits()).find((one) => one.partition === partition);
    return Number(found?.offset ?? -1);
  }

  /** Deletes the records of partition 0 before the offset, as retention does. */
  async deleteUpTo(offset: number): Promise<void> {
    await this.admin.fetchTopicOffsets(this.topic); // So that this client knows the leader.
    const partitions = [{ partition: 0, offset: String(offset) }];
    await this.admin.deleteTopicRecords({ topic: this.topic, partitions });
  }

  /** The group's committed offsets, with their metadata. */
  async commits() {
    const { groupId } = this;
    // Of all topics: the client may not know yet that the topic has more partitions.
    const offsets = await retried(() => this.admin.fetchOffsets({ groupId }));
    return offsets.find(({ topic }) => topic === this.topic)?.partitions ?? [];
  }

  /** Commits for the group while it has no member. kafkajs' consumer may skip a commit, and say nothing. */
  async commit(
    offsets: readonly { partition: number; offset: string; metadata?: string | null }[],
  ) {
    const { groupId, topic } = this;
    const commits = offsets.map(({ metadata, ...one }) => ({ ...one, metadata: metadata ?? '' }));
    const kafka = await createClient(this.mapping(), { debug: () => undefined });
    await withAdmin(kafka, this.#brokers, (admin) => admin.commitOffsets(groupId, topic, commits));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pollers].map((poller) => poller.stop()));
    await Promise.all([...this.#lambdas].map((lambda) => lambda.close()));
    await Promise.all([this.admin.disconnect(), this.#producer.disconnect()]);
  }
}

/** Repeats a call, because a new broker answers for a moment that its coordinator is loading. */
async function retried<T>(action: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + 10_000; ; ) {
    try {
      return await action();
    } catch (error) {
      const isRetriable = error instanceof kafkajs.KafkaJSProtocolError && error.retriable;
      if (!isRetriable || Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function recordingLog(lines: string[]): Log {
  const at = (level: string) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return { error: at('error'), warning: at('warning'), notice: at('notice'), debug: at('debug') };
}

/** Waits until the condition holds. @throws Error at the deadline, with the given details */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { withinMs = 60_000, seen = () => '' as unknown } = {},
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${what}; ${JSON.stringify(seen())}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The values that the function received, in order. */
export function values({ invocations }: Lambda, partition?: number): string[] {
  return invocations
    .flatMap(({ records }) => records)
    .filter((record) => partition === undefined || record.partition === partition)
    .map(({ value }) => Buffer.from(value ?? '', 'base64').toString());
}

/** The numbers from `from` up to and without `to`, as the values that `produceCount` sends. */
export function counting(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}
