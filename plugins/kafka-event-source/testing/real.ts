/** A real broker under a test's records: the time is real, and each source has topics and groups of its own. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, Kafka, Message, Producer } from 'kafkajs';
import { createClient } from '../access/connect.ts';
import { until } from '../broker/wait.ts';
import { boundsOf, readStretch } from '../commands/scan.ts';
import type { Step } from '../life.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { assignByTopic } from '../poller/assigner.ts';
import type { Poller } from '../poller/poller.ts';
import { listHeaders, orderedHeaders } from '../protocol/headers.ts';
import type { Reader } from '../protocol/reader.ts';
import { SYSTEM_CLOCK, within } from '../time.ts';
import type { Ground, GroundTransaction, Left } from './ground.ts';
import { type NewRecord, Partitioner, transactionEnded, unknownTopic } from './log.ts';
import { Names, named } from './names.ts';
import { recordOf } from './records.ts';
import type { KafkaRecord, Place, Source } from './types.ts';
import type { Work } from './work.ts';

export interface RealOptions {
  readonly servers: readonly string[];
  readonly mappings: readonly Mapping[];
  readonly work: Work;
  /** Takes a line about an action of the broker. */
  readonly say: (line: string) => void;
}

/** The most that `advance` and `drain` really wait. */
const MOST_MS = 60_000;
/** For an action of the broker, such as a rebalance. */
const BROKER_MS = 30_000;
const LOOK_MS = 20;
const SEND_MS = 15_000;
/** A client of this name gets a member id that sorts before those of pollers, so the assigner serves it first. */
const FIRST_MEMBER = '!rebalance';

/** A partition as the broker has it. */
interface Seen {
  /** The offset after the last record that consumers may read. */
  readonly high: number;
  readonly records: KafkaRecord[];
}

type Sender = Pick<Producer, 'send'>;

export class RealGround implements Ground {
  readonly clock = SYSTEM_CLOCK;
  readonly mostMs = MOST_MS;
  readonly broker: NonNullable<Source['broker']>;
  readonly #options: RealOptions;
  readonly #names = new Names();
  readonly #partitioner = new Partitioner();
  /** The number of partitions by topic. */
  readonly #topics = new Map<string, number>();
  readonly #seen = new Map<string, Map<number, Seen>>();
  readonly #committed = new Map<Mapping, ReadonlyMap<number, number>>();
  /** The partitions whose records wait for their next attempt. */
  readonly #waiting = new Map<Mapping, Set<number>>();
  readonly #transactions = new Set<() => Promise<void>>();
  #steps = 0;
  #isClosed = false;
  #clients: Promise<{ readonly admin: Reader; readonly producer: Producer }> | undefined;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(options: RealOptions) {
    this.#options = options;
    const { servers } = options;
    this.broker = { servers, topic: (name) => this.#own(name) };
  }

  async createTopics(topics: ReadonlyMap<string, number>): Promise<void> {
    const { admin } = await this.#connected();
    const configEntries = [{ name: 'retention.ms', value: '-1' }]; // Records may have old timestamps.
    const own = [...topics].map(([topic, numPartitions]) => {
      return { topic: this.#names.of(topic), numPartitions, configEntries };
    });
    await within(
      BROKER_MS,
      'making topics',
      admin.createTopics({ topics: own, waitForLeaders: false }),
    );
    for (const [topic, partitions] of topics) this.#topics.set(topic, partitions);
    // For a moment the broker does not know the new topics.
    await until('the topics to be there', BROKER_MS, async () => {
      await this.refresh();
      const isThere = [...topics].every(([topic, count]) => this.#seen.get(topic)?.size === count);
      return isThere || undefined;
    });
  }

  async client(mapping?: Mapping): Promise<Kafka> {
    const log = { debug: this.#options.say };
    const real = mapping ? await createClient(mapping, log) : await this.#kafka('kit');
    return named(real, this.#names);
  }

  note(mapping: Mapping, step: Step): void {
    this.#steps += 1;
    const waiting = this.#waiting.get(mapping) ?? new Set();
    this.#waiting.set(mapping, waiting);
    if (step.kind === 'revoked') waiting.delete(step.partition);
    if (!('batch' in step)) return;
    for (const { partition } of step.batch) {
      if (WAITING.has(step.kind)) waiting.add(partition);
      else waiting.delete(partition);
    }
  }

  async begun(pollers: readonly Poller[]): Promise<void> {
    const { mappings } = this.#options;
    const groups = Map.groupBy(mappings.keys(), (index) => {
      const { groupId = '', topic = '' } = mappings[index] ?? {};
      return JSON.stringify([groupId, topic]);
    });
    for (const indexes of groups.values()) {
      const { topic = '', name } = mappings[indexes[0] ?? 0] ?? {};
      const own = indexes.flatMap((index) => pollers[index] ?? []);
      const hasAll = () =>
        own.every(({ condition }) => condition.partitions) &&
        own.flatMap(({ condition }) => condition.partitions ?? []).length ===
          this.#topics.get(topic);
      await until(`${name} to poll`, BROKER_MS, async () => {
        if (hasAll()) return true;
        throw new Error(own.flatMap(({ condition }) => condition.problem ?? []).join('; '));
      });
    }
  }

  async append(topic: string, records: readonly NewRecord[]): Promise<Place[]> {
    const { producer } = await this.#connected();
    return this.#send(producer, topic, records);
  }

  transaction(): GroundTransaction {
    let begun: Promise<{ producer: Producer; open: Awaited<ReturnType<Producer['transaction']>> }>;
    let isOver = false;
    const places: Place[] = [];
    const begin = async () => {
      const kafka = await this.#kafka('transaction');
      const transactionalId = `${this.#names.of('transaction')}-${randomUUID()}`;
      const options = { transactionalId, idempotent: true, maxInFlightRequests: 1 };
      const producer = kafka.producer(options);
      await producer.connect();
      return { producer, open: await producer.transaction() };
    };
    const end = async (how: 'commit' | 'abort') => {
      if (isOver) throw transactionEnded();
      isOver = true;
      this.#transactions.delete(abandon);
      if (!begun) return;
      const { producer, open } = await begun;
      await open[how]();
      await producer.disconnect();
      await this.#marked(places);
    };
    const abandon = () => end('abort');
    this.#transactions.add(abandon);
    return {
      append: async (topic, records) => {
        this.#partitions(topic);
        if (isOver) throw transactionEnded();
        begun ??= begin();
        const written = await this.#send((await begun).open, topic, records);
        places.push(...written);
        return written;
      },
      commit: () => end('commit'),
      abort: () => end('abort'),
    };
  }

  /** One at a time: two would read the same records. After the end it does nothing: nobody would end its clients. */
  async refresh(): Promise<void> {
    if (this.#isClosed) return;
    this.#refreshing = this.#refreshing.then(
      () => this.#refresh(),
      () => this.#refresh(),
    );
    await this.#refreshing;
  }

  records(topic: string): readonly KafkaRecord[] {
    this.#partitions(topic);
    const partitions = [...(this.#seen.get(topic) ?? [])].sort(([a], [b]) => a - b);
    return partitions.flatMap(([, { records }]) => records);
  }

  ends(topic: string): readonly number[] {
    const seen = this.#seen.get(topic);
    return Array.from({ length: this.#partitions(topic) }, (_, at) => seen?.get(at)?.high ?? 0);
  }

  committed(mapping: Mapping): ReadonlyMap<number, number> {
    return this.#committed.get(mapping) ?? new Map();
  }

  async idle(): Promise<void> {
    const { work } = this.#options;
    const watch = work.watch();
    let [steps, since] = [this.#steps, performance.now()];
    for (;;) {
      await work.settle(true, watch);
      const busy = (await this.left()).filter(({ mapping, place }) => {
        return !this.#waiting.get(mapping)?.has(place.partition);
      });
      if (busy.length === 0 && !work.isRunning) return;
      if (steps !== this.#steps) [steps, since] = [this.#steps, performance.now()];
      const waited = performance.now() - since;
      if (waited > work.patienceMs) throw new NotIdle(work.patienceMs, busy);
      await sleep(LOOK_MS);
    }
  }

  async advance(ms: number, isPatient: boolean): Promise<void> {
    if (ms > this.mostMs) {
      throw new Error(
        `The time on a broker is real, and clock.advance waits for ${this.mostMs / 1000} s at most. Run this test ` +
          "with ground: 'memory', or give the records an older timestamp.",
      );
    }
    await sleep(ms);
    await this.#options.work.settle(isPatient);
    await this.refresh();
  }

  async goOn(end: number): Promise<boolean> {
    if (this.clock.monotonic() > end) return false;
    await sleep(LOOK_MS);
    return true;
  }

  async left(): Promise<readonly Left[]> {
    await this.refresh();
    return this.#options.mappings.flatMap((mapping) => {
      const { topic } = mapping;
      const committed = this.committed(mapping);
      return [...(this.#seen.get(topic) ?? [])].flatMap(([partition, { high }]) => {
        const offset = committed.get(partition) ?? 0;
        return offset < high ? [{ mapping, place: { topic, partition, offset } }] : [];
      });
    });
  }

  /** Members join until none of the partitions is left for the pollers, and leave again. */
  async rebalance(pollers: readonly Poller[]): Promise<void> {
    const { mappings } = this.#options;
    const kafka = await this.#kafka(FIRST_MEMBER);
    const members: Consumer[] = [];
    try {
      for (const [groupId, list] of Map.groupBy(mappings, (one) => one.groupId)) {
        const topics = [...new Set(list.map(({ topic }) => topic))];
        const most = Math.max(...topics.map((topic) => this.#partitions(topic)));
        for (let index = 0; index < most; index += 1) {
          const member = kafka.consumer({
            groupId: this.#names.of(groupId),
            partitionAssigners: [assignByTopic],
            maxWaitTimeInMs: 250,
            heartbeatInterval: 500,
          });
          members.push(member);
          await member.connect();
          await member.subscribe({ topics: topics.map((one) => this.#own(one)) });
          await member.run({
            autoCommit: false,
            eachBatchAutoResolve: false,
            eachBatch: async () => undefined,
          });
        }
      }
      const isTaken = () => pollers.every(({ condition }) => condition.partitions?.length === 0);
      await until('the pollers to lose their partitions', BROKER_MS, async () => {
        return isTaken() || undefined;
      });
    } finally {
      await Promise.all(members.map((member) => member.disconnect()));
    }
    await this.begun(pollers);
  }

  async rewind(firstOf: Parameters<Ground['rewind']>[0]): Promise<void> {
    const { admin } = await this.#connected();
    for (const mapping of this.#options.mappings) {
      const { groupId, topic } = mapping;
      const offsets = [...firstOf(mapping)].map(([partition, offset]) => {
        return { partition, offset: String(offset), metadata: '' };
      });
      if (offsets.length === 0) continue;
      // The group still has its member for a moment.
      await until(`${groupId} to be rewound`, BROKER_MS, async () => {
        await admin.commitOffsets(this.#names.of(groupId), this.#own(topic), offsets);
        return true;
      });
    }
    await this.refresh();
  }

  /** Removes the topics and groups from the broker, as far as it answers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (!this.#clients) return;
    const { say, mappings } = this.#options;
    const told = (error: unknown) =>
      say(`the broker keeps something of this source: ${messageOf(error)}`);
    await Promise.all([...this.#transactions].map((abandon) => abandon().catch(told)));
    const clients = await this.#clients.catch(() => undefined);
    this.#clients = undefined;
    if (!clients) return;
    const { admin, producer } = clients;
    const groups = new Set(mappings.map(({ groupId }) => this.#names.of(groupId)));
    const topics = [...this.#topics.keys()].map((one) => this.#own(one));
    const remove = Promise.all([
      groups.size > 0 && admin.deleteGroups([...groups]).catch(told),
      topics.length > 0 && admin.deleteTopics({ topics }).catch(told),
    ]);
    await within(SEND_MS, 'removing its topics', remove).catch(told);
    await Promise.all([admin.disconnect(), producer.disconnect()]);
  }

  async #connected() {
    this.#clients ??= this.#connect();
    return this.#clients;
  }

  async #connect() {
    const kafka = await this.#kafka('kit');
    const admin = kafka.admin() as Reader;
    // kafkajs would skip a partition that it does not know yet.
    const producer = kafka.producer({ allowAutoTopicCreation: false, metadataMaxAge: 1 });
    try {
      await within(BROKER_MS, 'connecting', Promise.all([admin.connect(), producer.connect()]));
    } catch (cause) {
      await Promise.allSettled([admin.disconnect(), producer.disconnect()]);
      const { servers } = this.#options;
      throw new Error(
        `Kafka at ${servers} does not answer: ${messageOf(cause)}. Start it, or use ground: 'start' or 'memory'. ` +
          'For a Kafka with a login or TLS, give `settings: { sasl, ssl }` beside mappings or a template.',
        { cause },
      );
    }
    return { admin, producer };
  }

  #kafka(name: string): Promise<Kafka> {
    const { mappings, servers, say } = this.#options;
    const [first] = mappings;
    const plain = { useDeployedAccess: false, secrets: {} };
    const client = {
      name,
      bootstrapServers: servers,
      access: [],
      connection: first?.connection ?? plain,
      endpoints: first?.endpoints ?? { region: 'us-east-1' },
      source: first?.source ?? { eventSource: 'SelfManagedKafka', bootstrapServers: '' },
    } as const;
    return createClient(client, { debug: say });
  }

  /** @throws Error that names the known topics */
  #partitions(topic: string): number {
    const partitions = this.#topics.get(topic);
    if (partitions !== undefined) return partitions;
    throw unknownTopic(topic, [...this.#topics.keys()]);
  }

  #own(topic: string): string {
    this.#partitions(topic);
    return this.#names.of(topic);
  }

  async #send(to: Sender, topic: string, records: readonly NewRecord[]): Promise<Place[]> {
    const count = this.#partitions(topic);
    const placed = records.map((record) => ({
      record,
      partition: this.#partitioner.choose(topic, record, count),
    }));
    const offsets = new Map<NewRecord, number>();
    // One request a partition: if one partition of a request fails, kafkajs writes all of them again.
    for (const [partition, list] of Map.groupBy(placed, (one) => one.partition)) {
      const messages = list.map(({ record }) => toMessage(record, partition));
      const [written] = await to.send({
        topic: this.#own(topic),
        messages,
        acks: -1,
        timeout: SEND_MS,
      });
      const base = Number(written?.baseOffset ?? written?.offset);
      for (const [index, { record }] of list.entries()) offsets.set(record, base + index);
    }
    return placed.map(({ record, partition }) => {
      return { topic, partition, offset: offsets.get(record) ?? -1 };
    });
  }

  async #refresh(): Promise<void> {
    const { admin } = await this.#connected();
    for (const topic of this.#topics.keys()) {
      const own = this.#own(topic);
      const partitions = this.#seen.get(topic) ?? new Map<number, Seen>();
      this.#seen.set(topic, partitions);
      for (const { partition, low, high } of (await boundsOf(admin, own)) ?? []) {
        const { records, high: from } = partitions.get(partition) ?? { records: [], high: low };
        const stretch = { partition, from: Math.max(low, from), to: high };
        await readStretch(admin, own, stretch, async ({ messages }) => {
          for (const message of messages) {
            const { offset, headers = {}, timestamp, key, value } = message;
            const list = listHeaders(headers) as NewRecord['headers'];
            const times = { offset: Number(offset), timestamp: Number(timestamp) };
            records.push(recordOf(topic, { ...times, partition, key, value, headers: list }));
          }
        });
        partitions.set(partition, { records, high });
      }
    }
    for (const mapping of this.#options.mappings) {
      const { groupId, topic } = mapping;
      const wanted = { groupId: this.#names.of(groupId), topics: [this.#own(topic)] };
      const [found] = await admin.fetchOffsets(wanted);
      const known = (found?.partitions ?? []).map(
        ({ partition, offset }) => [partition, Number(offset)] as const,
      );
      this.#committed.set(mapping, new Map(known.filter(([, offset]) => offset >= 0)));
    }
  }

  /** Kafka answers the end of a transaction before readers see it: waits until they get past these records. */
  async #marked(places: readonly Place[]): Promise<void> {
    const { admin } = await this.#connected();
    for (const { topic, partition, offset } of places) {
      await until('the end of the transaction', BROKER_MS, async () => {
        if (this.#transactions.size > 0) return true; // An open one may hold readers back.
        const bounds = await boundsOf(admin, this.#own(topic));
        const high = bounds?.find((one) => one.partition === partition)?.high ?? 0;
        // Kafka's mark of the transaction's end takes the offset after its last record.
        return high > offset + 1 || undefined;
      });
    }
  }
}

/** After these steps records wait for their next attempt. */
const WAITING: ReadonlySet<Step['kind']> = new Set([
  'retried',
  'bisected',
  'throttled',
  'stoodStill',
  'refused',
]);

/** There are records for which nothing happens. */
export class NotIdle extends Error {
  readonly left: readonly Left[];

  constructor(ms: number, left: readonly Left[]) {
    super(`Nothing has happened for ${ms} ms`);
    this.left = left;
  }
}

function toMessage({ key, value, headers, timestamp }: NewRecord, partition: number): Message {
  return {
    key,
    value,
    headers: orderedHeaders(headers),
    timestamp: String(timestamp),
    partition,
  };
}
