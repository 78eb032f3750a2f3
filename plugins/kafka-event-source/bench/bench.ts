import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { createInvoker, type Invoker } from '../lambda/invoke.ts';
import type { Mapping } from '../mapping.ts';
import { Poller } from '../poller/poller.ts';
import type { Recording } from '../recorder/recording.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { until } from '../test/support/until.ts';
import { createLedTopics } from '../topics.ts';

export const PARTITIONS = 4;
const DEADLINE_MS = 600_000;

const noop = () => undefined;
export const silent = { error: console.error, warning: console.error, notice: noop, debug: noop };

/** Topics of records on a broker, drained by a plain consumer or by the emulator with a function that does nothing. */
export class Bench {
  readonly broker: string;
  readonly endpoint: string;
  readonly kafka: kafkajs.Kafka;

  constructor(broker: string, endpoint: string) {
    this.broker = broker;
    this.endpoint = endpoint;
    this.kafka = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING });
  }

  async topicOf(records: number, bytes: number): Promise<string> {
    const topic = `bench-${bytes}-${randomUUID()}`;
    const admin = this.kafka.admin();
    await admin.connect();
    const topics = [{ topic, numPartitions: PARTITIONS }];
    await createLedTopics(admin, topics);
    await admin.disconnect();
    const producer = this.kafka.producer();
    await producer.connect();
    const value = Buffer.alloc(bytes, 'x');
    for (let sent = 0; sent < records; sent += 2_000) {
      const messages = Array.from({ length: Math.min(2_000, records - sent) }, (_, index) => ({
        value,
        partition: index % PARTITIONS,
      }));
      await producer.send({ topic, messages });
    }
    await producer.disconnect();
    return topic;
  }

  /** Records per second of a consumer that ignores them. */
  async plain(topic: string, records: number): Promise<number> {
    const consumer = this.kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 250 });
    const end = Promise.withResolvers<number>();
    let count = 0;
    let start = 0;
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      eachBatch: async ({ batch }) => {
        start ||= performance.now();
        count += batch.messages.length;
        if (count >= records) end.resolve((count / (performance.now() - start)) * 1000);
      },
    });
    const rate = await end.promise;
    await consumer.disconnect();
    return rate;
  }

  /** An invoker of a function of the endpoint. */
  invoker(functionName = 'noop'): Invoker {
    return createInvoker({ endpoint: this.endpoint, functionName, timeoutMs: 30_000 });
  }

  poll(
    topic: string,
    changes: Partial<Mapping>,
    { invoke }: Invoker,
    recording?: Recording,
  ): Poller {
    const mapping = this.mapping(topic, changes);
    const onStep = recording?.observe(mapping);
    const poller = new Poller({ mapping, log: silent, invoke, onStep });
    poller.start();
    return poller;
  }

  /** Records per second from the first invocation on. */
  async emulated(
    topic: string,
    records: number,
    batchSize: number,
    {
      invoker = this.invoker(),
      recording,
    }: { readonly invoker?: Invoker; readonly recording?: Recording } = {},
  ): Promise<number> {
    const poller = this.poll(topic, { batchSize }, invoker, recording);
    const succeeded = () => poller.stats.snapshot().succeeded;
    await until('the first', () => succeeded() > 0 || undefined, DEADLINE_MS);
    const [start, before] = [performance.now(), succeeded()];
    await until('all', () => succeeded() >= records || undefined, DEADLINE_MS);
    const rate = ((succeeded() - before) / (performance.now() - start)) * 1000;
    await poller.stop();
    return rate;
  }

  mapping(topic: string, changes: Partial<Mapping>): Mapping {
    const own = { name: 'bench', functionName: 'bench', groupId: randomUUID(), timeoutMs: 30_000 };
    return mappingOf(topic, [this.broker], { ...own, ...changes });
  }
}

/** Starts a Lambda endpoint that does nothing. It ends when its process is disconnected. */
export async function startEndpoint(): Promise<{ endpoint: ChildProcess; address: string }> {
  const endpoint = fork(fileURLToPath(new URL('lambda-endpoint.ts', import.meta.url)));
  const [{ port }] = (await once(endpoint, 'message')) as [AddressInfo];
  return { endpoint, address: `http://127.0.0.1:${port}` };
}
