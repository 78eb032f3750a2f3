/** One round's topic: writes to it, deletes from it, makes it again, and reports all to the checker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Kafka, Producer } from 'kafkajs';
import { readNote } from '../../poller/note.ts';
import { loadClient } from '../../protocol/client.ts';
import type { Random } from '../../testing/random.ts';
import type { Checker, Delivered } from './checker.ts';

export interface TopicOptions {
  readonly brokers: readonly string[];
  readonly name: string;
  readonly groupId: string;
  readonly checker: Checker;
  readonly trace: (line: string) => void;
}

const LARGE = 30_000;
const LEADER_WAIT_MS = 15_000;

export class Topic {
  readonly #options: TopicOptions;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  #producer: Producer | undefined;
  #serial = 0;
  /** Changes of the topic, and looks at it, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: TopicOptions) {
    this.#options = options;
    // The plugin's kafkajs, because it reads the ids of topics.
    const { kafkajs } = loadClient();
    const logLevel = kafkajs.logLevel.NOTHING;
    this.#kafka = new kafkajs.Kafka({ brokers: [...options.brokers], logLevel });
    this.#admin = this.#kafka.admin();
  }

  async open(partitions: number): Promise<void> {
    await this.#admin.connect();
    await this.#inTurn(() => this.#create(partitions));
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#producer?.disconnect();
      await this.#admin.deleteTopics({ topics: [this.#options.name] });
      await this.#admin.disconnect();
    });
  }

  /** Writes records to one partition, or to the last one if there are fewer. */
  produce(random: Random, partition: number, count: number): Promise<void> {
    return this.#inTurn(() => {
      const last = this.#options.checker.partitions - 1;
      return this.#produce(random, Math.min(partition, last), count);
    });
  }

  /** Deletes the topic and makes it again; then at once writes as much as the old one had, or little. */
  makeAgain(
    random: Random,
    afterMs: number,
    partitions: number,
    filled: 'newly' | 'as before' = 'as before',
  ): Promise<void> {
    const { checker, name, trace } = this.#options;
    return this.#inTurn(async () => {
      const ends = Array.from({ length: checker.partitions }, (_, one) => checker.end(one));
      await this.#admin.deleteTopics({ topics: [name] });
      await sleep(afterMs);
      await this.#create(partitions);
      trace(`made again after ${afterMs} ms with ${partitions} partitions`);
      for (let one = 0; one < partitions; one += 1) {
        const before = Math.min(ends[one] ?? 0, filled === 'newly' ? 5 : 1_000);
        const count = before + random.pick([0, random.between(1, 30)]);
        if (count > 0) await this.#produce(random, one, count);
      }
    });
  }

  /** Deletes a partition's first records as retention does, among them some that are not done. */
  retain(random: Random): Promise<void> {
    return this.#inTurn(() => {
      const { partitions } = this.#options.checker;
      return this.#retain(random, random.between(0, partitions - 1));
    });
  }

  /** Writes records, and deletes some of them, in each partition. */
  passBy(random: Random): Promise<void> {
    return this.#inTurn(async () => {
      for (let one = 0; one < this.#options.checker.partitions; one += 1) {
        await this.#produce(random, one, random.between(10, 40));
        await this.#retain(random, one);
        await this.#produce(random, one, random.between(1, 10));
      }
    });
  }

  addPartitions(random: Random): Promise<void> {
    const { checker, name, trace } = this.#options;
    return this.#inTurn(async () => {
      const count = checker.partitions + random.between(1, 2);
      await this.#admin.createPartitions({ topicPartitions: [{ topic: name, count }] });
      await this.#leaders(count);
      const first = checker.partitions;
      checker.grown(count);
      trace(`${count} partitions`);
      for (let one = first; one < count; one += 1) await this.#produce(random, one, 3);
    });
  }

  /** Compares the committed offsets. @returns whether some of them are of an earlier topic */
  look(): Promise<boolean> {
    const { groupId, name, checker, trace } = this.#options;
    return this.#inTurn(async () => {
      // Of all topics: the client may not know yet that the topic has more partitions.
      const offsets = await this.#admin.fetchOffsets({ groupId });
      const found = offsets.find(({ topic }) => topic === name)?.partitions ?? [];
      const committed = found.map(({ partition, offset, metadata }) => ({
        partition,
        offset: Number(offset),
        topicId: readNote(Number(offset), metadata).topicId,
      }));
      const before = checker.violations.length;
      const isOld = checker.committed(committed);
      if (checker.violations.length > before) trace(`committed: ${JSON.stringify(committed)}`);
      return isOld;
    });
  }

  async #create(partitions: number): Promise<void> {
    const { name, checker } = this.#options;
    const topics = [{ topic: name, numPartitions: partitions }];
    for (const deadline = performance.now() + LEADER_WAIT_MS; ; ) {
      try {
        await this.#admin.createTopics({ topics });
        break;
      } catch (error) {
        // The broker has not deleted the old one yet.
        if (performance.now() > deadline) throw error;
        await sleep(20);
      }
    }
    checker.created(await this.#leaders(partitions), partitions);
    // A new producer, because the earlier one has the old topic's sequence numbers and partitions.
    await this.#producer?.disconnect();
    this.#producer = undefined;
  }

  async #retain(random: Random, partition: number): Promise<void> {
    const { checker, name, trace } = this.#options;
    const settled = checker.settled(partition);
    const before = random.between(settled, checker.end(partition));
    await this.#admin.fetchTopicOffsets(name); // So that this client knows the leader.
    checker.deleted(partition, before);
    const partitions = [{ partition, offset: String(before) }];
    await this.#admin.deleteTopicRecords({ topic: name, partitions });
    trace(`deleted ${partition} before ${before}; done were those before ${settled}`);
  }

  /** Waits until each partition has a leader. @returns the topic's id */
  async #leaders(partitions: number): Promise<string> {
    const { name } = this.#options;
    for (const deadline = performance.now() + LEADER_WAIT_MS; ; ) {
      try {
        const { topics } = await this.#admin.fetchTopicMetadata({ topics: [name] });
        const found = topics[0]?.partitions ?? [];
        const [first] = found as readonly { readonly topicId?: string }[];
        const isLed = found.length === partitions && found.every(({ leader }) => leader >= 0);
        if (isLed && first?.topicId) return first.topicId;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      if (performance.now() > deadline) throw new Error(`${name} has no leaders`);
      await sleep(20);
    }
  }

  async #produce(random: Random, partition: number, count: number): Promise<void> {
    const { checker, name } = this.#options;
    const producer = await this.#connected();
    const values = Array.from({ length: count }, () => {
      this.#serial += 1;
      const text = `${checker.generation}/${partition}/${this.#serial}`;
      return random.chance(0.02) ? text.padEnd(LARGE) : text;
    });
    const messages = values.map((value) => ({ value, partition }));
    const [written] = await producer.send({ topic: name, messages, acks: -1 });
    if (!written?.baseOffset) throw new Error(`no partition ${partition} to write to`);
    checker.produced(partition, Number(written.baseOffset), values);
  }

  async #connected(): Promise<Producer> {
    // The producer would silently skip a partition that it does not know yet.
    this.#producer ??= this.#kafka.producer({ metadataMaxAge: 1 });
    await this.#producer.connect();
    return this.#producer;
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** A record as the function got it, with the generation that its value names. */
export function delivered(partition: number, offset: number, value: string): Delivered {
  return { generation: Number(value.split('/')[0]), partition, offset, value };
}
