/** The test kit: runs mappings and their functions in this process, in memory or on a broker. */
// Imported first: under an older Node the other modules fail without naming Node.
import '../node-check.ts';
import { Slots } from '../delivery/slots.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import { Poller } from '../poller/poller.ts';
import { millisecondsOf, replaceDate, VirtualClock } from './clock.ts';
import { type Opened, shareProcess } from './environment.ts';
import { type Fault, FaultPlans } from './faults.ts';
import { checkExpected, checkOptions } from './given.ts';
import type { Ground, GroundTransaction, Left } from './ground.ts';
import { type Call, exitOf, failedWith, Instances, timeoutOf } from './instances.ts';
import { Journal } from './journal.ts';
import { describeLeaks } from './leaks.ts';
import { letterOf, Mailbox } from './letters.ts';
import { mappingsOf, type Wanted } from './mappings.ts';
import { MemoryGround } from './memory.ts';
import { Random } from './random.ts';
import { NotIdle, RealGround } from './real.ts';
import { matcherOf, newRecordOf } from './records.ts';
import { redriveLetters } from './redrive.ts';
import { MemoryRegistry } from './registry.ts';
import { startedBroker } from './start.ts';
import type {
  Duration,
  Expected,
  Faulty,
  KafkaRecord,
  KitClock,
  KitOptions,
  Letter,
  LettersToRedrive,
  Place,
  Produce,
  ProducedRecord,
  Source,
  Transaction,
} from './types.ts';
import { turn, Work } from './work.ts';

export type * from './types.ts';

/** The servers in the events; nothing connects to them. */
const MEMORY = ['memory:9092'];
const PATIENCE_MS = { memory: 4_000, broker: 30_000 } as const;
/** The partitions of a topic that `topics` does not name. */
const PARTITIONS = 3;
/** The lives in a message, and the lines of each. */
const MANY_LIVES = 10;
const MANY_LINES = 20;
const DRAIN_WITHIN = '7 days';
/** Metrics are not part of the kit, so that the clock is not woken for them. */
const OBSERVE_MS = 2 ** 31 - 1;

/** See types.ts. */
export const kafkaEventSource: typeof import('./types.ts').kafkaEventSource = async (options) => {
  checkOptions(options);
  const servers = await serversOf(options);
  const wanted = await mappingsOf(options, servers ?? MEMORY);
  const kit = new Kit(options, wanted, servers);
  try {
    await kit.start(options);
  } catch (error) {
    await kit.stop();
    throw error;
  }
  return kit;
};

/** The servers of the broker; undefined in memory. @throws Error for options that a broker cannot have */
async function serversOf({ ground = 'memory', start, virtualDate }: KitOptions) {
  if (ground === 'memory') return undefined;
  if (start !== undefined || virtualDate) {
    const option = start === undefined ? 'virtualDate' : 'start';
    throw new Error(`The time on a broker is real: leave out ${option}, or use ground: 'memory'.`);
  }
  const servers = ground === 'start' ? await startedBroker() : ground;
  return servers.split(',').map((one) => one.trim());
}

class Kit implements Source {
  readonly #options: KitOptions;
  readonly #servers: readonly string[];
  readonly #mappings: readonly Mapping[];
  readonly #topics: readonly string[];
  readonly #ground: Ground;
  readonly #work: Work;
  readonly registry = new MemoryRegistry();
  readonly produce = this.#producer();
  readonly #journal: Journal;
  readonly #mailbox: Mailbox;
  readonly #faults: FaultPlans;
  readonly #instances: ReadonlyMap<string, Instances>;
  readonly #opened: Opened[] = [];
  readonly #restore: readonly (() => void)[];
  #isStopped = false;
  #pollers: Poller[] = [];
  #calls = 0;
  #openTransactions = 0;

  constructor(
    options: KitOptions,
    { mappings, topics, environments }: Wanted,
    broker: readonly string[] | undefined,
  ) {
    const { start = Date.now(), seed, functions, log = () => undefined } = options;
    const random = seed === undefined ? undefined : new Random(seed);
    const clock = new VirtualClock(new Date(start).getTime());
    const { patienceMs = PATIENCE_MS[broker ? 'broker' : 'memory'] } = options;
    this.#options = options;
    this.#servers = broker ?? MEMORY;
    this.#mappings = mappings;
    this.#topics = topics;
    this.#work = new Work(() => !broker && clock.fire(), patienceMs);
    this.#ground = broker
      ? new RealGround({ servers: broker, mappings, work: this.#work, say: log })
      : new MemoryGround({ mappings, clock, work: this.#work, random });
    const time = this.#ground.clock;
    this.#journal = new Journal(time);
    this.#mailbox = new Mailbox(time);
    this.#faults = new FaultPlans(random);
    this.#instances = new Map(
      Object.entries(functions).map(([key, given]) => {
        return [key, new Instances(given, time, environments.get(key) ?? {}, this.#opened)];
      }),
    );
    this.#restore = [shareProcess(), ...(options.virtualDate ? [replaceDate(clock)] : [])];
  }

  get clock(): KitClock {
    const { clock } = this.#ground;
    return {
      get now() {
        return clock.date();
      },
      advance: async (duration, { whileRunning = false } = {}) => {
        this.#refuseIfStopped();
        await this.#ground.advance(millisecondsOf(duration), !whileRunning);
      },
    };
  }

  get broker() {
    return this.#ground.broker;
  }

  async start({ records = {}, committed = {} }: KitOptions): Promise<void> {
    await this.#createTopics();
    for (const [topic, list] of Object.entries(records)) await this.produce(topic, list);
    await this.#commit(committed);
    await this.#poll();
  }

  /** @throws Error for a partition that no mapping of the function reads, and for an offset beyond its end */
  async #commit(committed: NonNullable<KitOptions['committed']>): Promise<void> {
    const all = new Map<Mapping, Map<number, number>>();
    for (const [functionKey, offsets] of Object.entries(committed)) {
      this.#known(functionKey);
      const own = this.#mappings.filter((mapping) => mapping.functionKey === functionKey);
      const places = new Map<string, { mapping: Mapping; partition: number; end: number }>();
      for (const mapping of own) {
        for (const [partition, end] of this.#ground.ends(mapping.topic).entries()) {
          places.set(`${mapping.topic}-${partition}`, { mapping, partition, end });
        }
      }
      for (const [name, offset] of Object.entries(offsets)) {
        const place = places.get(name);
        if (!place) {
          throw new Error(
            `committed.${functionKey} has ${name}, and no mapping of ${functionKey} reads it: there are ` +
              `${[...places.keys()].join(', ') || 'none'}.`,
          );
        }
        const { mapping, partition, end } = place;
        if (offset > end) {
          throw new Error(
            `committed.${functionKey}.${name} is ${offset}, and the partition ends at ${end}: \`records\` puts ` +
              'records into it.',
          );
        }
        all.set(mapping, (all.get(mapping) ?? new Map()).set(partition, offset));
      }
    }
    if (all.size > 0) await this.#ground.rewind((mapping) => all.get(mapping) ?? new Map());
  }

  async #createTopics(): Promise<void> {
    const topics = new Map(Object.entries(this.#options.topics ?? {}));
    for (const topic of this.#topics) if (!topics.has(topic)) topics.set(topic, PARTITIONS);
    if (topics.size > 0) await this.#ground.createTopics(topics);
  }

  async #poll(): Promise<void> {
    const concurrency = new Map<string, Slots>();
    this.#pollers = this.#mappings.map((mapping) => {
      const { functionKey, reservedConcurrency: limit } = mapping;
      if (limit !== undefined && !concurrency.has(functionKey)) {
        concurrency.set(functionKey, new Slots(limit));
      }
      return this.#poller(mapping, concurrency.get(functionKey));
    });
    for (const poller of this.#pollers) poller.start();
    await this.#ground.begun(this.#pollers);
  }

  transaction(): Transaction {
    const transaction = this.#ground.transaction();
    this.#openTransactions += 1;
    const end = async (kind: 'commit' | 'abort') => {
      await transaction[kind]();
      this.#openTransactions -= 1;
      await this.#ground.refresh();
    };
    return {
      produce: this.#producer(transaction),
      commit: () => end('commit'),
      abort: () => end('abort'),
    };
  }

  async idle(): Promise<void> {
    this.#refuseIfStopped();
    try {
      await this.#ground.idle();
      this.#refuseIfStopped();
    } catch (error) {
      if (!(error instanceof NotIdle)) throw error;
      throw new Error(`${error.message}. Not done:\n${this.#lives(placesOf(error.left))}`);
    }
  }

  async drain(within: Duration = DRAIN_WITHIN): Promise<void> {
    const ms = millisecondsOf(within);
    const { mostMs, clock } = this.#ground;
    const end = clock.monotonic() + Math.min(ms, mostMs);
    for (;;) {
      await this.idle();
      const left = await this.#ground.left();
      if (left.length === 0) return;
      if (await this.#ground.goOn(end)) continue;
      const time = ms > mostMs ? `${mostMs / 1000} s, the most on a broker` : within;
      throw new Error(`Not done within ${time}:\n${this.#lives(placesOf(left))}`);
    }
  }

  invocations(functionKey: string) {
    this.#known(functionKey);
    return this.#journal.invocations(functionKey);
  }

  async letters(destination: string): Promise<readonly Letter[]> {
    const inMemory = this.#mailbox.of(destination);
    if (inMemory) return inMemory;
    await this.#ground.refresh();
    return this.records(destination).map(letterOf);
  }

  async redrive(topic: string, letters: LettersToRedrive = {}) {
    this.#refuseIfStopped();
    if (this.#mailbox.of(topic)) {
      throw new Error(`${topic} is no topic of Kafka: only letters in Kafka can be put back.`);
    }
    this.records(topic);
    const kafka = await this.#ground.client();
    const redriven = await redriveLetters(kafka, this.#servers, topic, letters);
    await this.#ground.refresh();
    return redriven;
  }

  records(topic: string) {
    return this.#ground.records(topic);
  }

  committed(functionKey: string) {
    this.#known(functionKey);
    const places = this.#mappings
      .filter((mapping) => mapping.functionKey === functionKey)
      .flatMap((mapping) =>
        [...this.#ground.committed(mapping)].map(
          ([partition, offset]) => [`${mapping.topic}-${partition}`, offset] as const,
        ),
      );
    return Object.fromEntries(places);
  }

  fail(functionKey: string, faulty: Faulty = {}): void {
    this.#plan(functionKey, 'fail', faulty);
  }

  timeout(functionKey: string, faulty: Faulty = {}): void {
    this.#plan(functionKey, 'timeout', faulty);
  }

  throttle(functionKey: string, faulty: Faulty = {}): void {
    this.#plan(functionKey, 'throttle', faulty);
  }

  crash(functionKey: string, faulty: Faulty = {}): void {
    this.#plan(functionKey, 'crash', faulty);
  }

  async rebalance(): Promise<void> {
    this.#refuseIfStopped();
    await this.#ground.rebalance(this.#pollers);
    await this.#work.settle(false);
    await this.#ground.refresh();
  }

  async restart(): Promise<void> {
    this.#refuseIfStopped();
    await this.#end();
    await this.#poll();
  }

  async redeliverEverything(): Promise<void> {
    this.#refuseIfStopped();
    await this.#end();
    await this.#ground.rewind((mapping) => this.#journal.firstOffsets(mapping));
    await this.#poll();
    await this.drain();
  }

  life(record: Place): string {
    this.records(record.topic); // Throws for an unknown topic.
    return this.#journal.life(record);
  }

  expectRecord(
    record: Partial<KafkaRecord> | ((record: KafkaRecord) => boolean),
    expected: Expected,
  ): void {
    const isOne = matcherOf(record);
    checkExpected(expected);
    const { functionKey = '' } = expected;
    if (functionKey !== '') this.#known(functionKey);
    const own = this.#mappings.filter((one) => !functionKey || one.functionKey === functionKey);
    if (own.length === 0) {
      throw new Error(
        `No mapping${functionKey && ` of ${functionKey}`} is enabled: no record is read.`,
      );
    }
    const topics = [...new Set(own.map(({ topic }) => topic))];
    const found = topics.flatMap((topic) => this.records(topic).filter(isOne));
    if (found.length === 0) {
      throw new Error(
        `There is no such record in ${topics.join(', ')}. records(topic) has all that are there.` +
          (this.#openTransactions > 0
            ? ' A transaction is open: nobody sees its records, and those behind them, before it ends.'
            : ''),
      );
    }
    const { end, attempts } = expected;
    const others = new Set<KafkaRecord>();
    for (const mapping of own) {
      const endingOf = this.#journal.endings(mapping);
      const committed = this.#ground.committed(mapping);
      for (const one of found) {
        if (one.topic !== mapping.topic) continue;
        const seen = endingOf(one);
        const isDone = (committed.get(one.partition) ?? 0) > one.offset;
        const isOther = attempts !== undefined && seen.attempts !== attempts;
        if ((seen.end ?? (isDone ? 'done' : 'waiting')) !== end || isOther) others.add(one);
      }
    }
    if (others.size === 0) return;
    const times = attempts === undefined ? '' : ` after ${plural(attempts, 'attempt')}`;
    throw new Error(`Expected: ${end}${times}. What has happened:\n${this.#lives([...others])}`);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#end();
    await this.#ground.close();
    for (const restore of this.#restore) restore();
    await this.#tellLeaks();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #refuseIfStopped(): void {
    if (!this.#isStopped) return;
    throw new Error(
      'The source has been stopped. Does the test await all its work? With `await using`, write `return await`.',
    );
  }

  #producer(transaction?: GroundTransaction): Produce {
    const produce = async (
      topic: string,
      records: ProducedRecord | readonly ProducedRecord[],
    ): Promise<Place[]> => {
      this.#refuseIfStopped();
      const list = [records].flat() as ProducedRecord[];
      const now = this.#ground.clock.date();
      const places = await (transaction ?? this.#ground).append(
        topic,
        list.map((record) => newRecordOf(record, now)),
      );
      await this.#ground.refresh();
      return places;
    };
    return produce as Produce;
  }

  #lives(places: readonly Place[]): string {
    const lives = places.slice(0, MANY_LIVES).map((one) => shortened(this.#journal.life(one)));
    const more = places.length - MANY_LIVES;
    return [...lives, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
  }

  /** @throws Error if `leaks` is `error` */
  async #tellLeaks(): Promise<void> {
    const { leaks = 'warn' } = this.#options;
    await turn(); // Only now a handle that a handler has closed counts as closed.
    const found = describeLeaks(this.#opened.splice(0));
    if (found.length === 0 || leaks === 'ignore') return;
    const text = `${found.join('; ')}. It keeps the process alive: close it in the handler, or in the test before stop().`;
    if (leaks === 'error') throw new Error(text);
    process.emitWarning(text, 'KafkaEventSourceLeak');
  }

  #poller(mapping: Mapping, concurrency: Slots | undefined): Poller {
    const { log = () => undefined } = this.#options;
    return new Poller({
      mapping,
      concurrency,
      log: { error: log, warning: log, notice: log, debug: log },
      invoke: (payload, id) => this.#invoke(mapping, payload.toString(), id),
      onStep: (step) => {
        this.#journal.add(mapping, step);
        this.#ground.note(mapping, step);
      },
      connect: () => this.#ground.client(mapping),
      clock: this.#ground.clock,
      observeMs: OBSERVE_MS,
      wrapRegistry: (real) => {
        const registry = mapping.endpoints.schemaRegistry === undefined ? this.registry : real;
        return {
          find: (id) =>
            this.#work.do(
              () => `schema ${id} of ${mapping.name}`,
              () => registry.find(id),
            ),
          close: () => real.close(),
        };
      },
      wrapDestination: (real) => {
        const wrapped = this.#mailbox.wrap(mapping, real);
        const what = () => `a letter of ${mapping.name} is on its way to ${wrapped.name}`;
        return {
          ...wrapped,
          send: (failure, taken) => this.#work.do(what, () => wrapped.send(failure, taken)),
        };
      },
    });
  }

  async #invoke(mapping: Mapping, payload: string, id: string): Promise<InvocationResult> {
    const run = this.#journal.running(id);
    if (!run) throw new Error(`The invocation ${id} has not begun.`);
    this.#calls += 1;
    const requestId = `00000000-0000-4000-8000-${String(this.#calls).padStart(12, '0')}`;
    run.call(requestId);
    const { functionKey } = mapping;
    const fault = this.#faults.take(functionKey, run);
    const what = () => {
      const places = run.places.map(
        ({ topic, partition, offset }) => `${topic}-${partition} ${offset}`,
      );
      return `${functionKey}, attempt ${run.attempt}, with ${places.join(', ')}`;
    };
    const result = await this.#work.do(what, () =>
      this.#call(mapping, { payload, requestId }, fault),
    );
    run.end(this.#ground.clock.date(), result);
    return result;
  }

  async #call(mapping: Mapping, call: Call, fault: Fault | undefined): Promise<InvocationResult> {
    const instances = this.#instances.get(mapping.functionKey);
    if (!instances) throw new Error(`There is no handler of ${mapping.functionKey}.`);
    if (!fault) return instances.call(mapping, call);
    const { kind, after, during, message } = fault;
    const isOver = kind === 'crash' || kind === 'timeout';
    const working = after ? instances.call(mapping, call, isOver) : undefined;
    const result = await (during ? Promise.race([working, during.then(() => undefined)]) : working);
    switch (kind) {
      case 'throttle':
        // AWS: TooManyRequestsException. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
        return { kind: 'notReached', message: message ?? 'status 429: Rate Exceeded.' };
      case 'timeout':
        return timeoutOf(call.requestId, mapping.timeoutMs);
      case 'crash':
        return message === undefined
          ? exitOf(call.requestId, 1)
          : failedWith(call.requestId, message);
      case 'rebalance':
        await this.#ground.rebalance(this.#pollers);
        return result ?? failedWith(call.requestId, 'no result');
      default:
        return failedWith(call.requestId, message ?? 'failed, as the test wants it');
    }
  }

  /** Gives up the records in flight. */
  async #end(): Promise<void> {
    const pollers = this.#pollers;
    this.#pollers = [];
    this.#work.abandon();
    await Promise.all(pollers.map((poller) => poller.stop(0)));
    for (const instances of this.#instances.values()) instances.end();
  }

  #plan(functionKey: string, kind: Parameters<FaultPlans['plan']>[1], faulty: Faulty): void {
    this.#refuseIfStopped();
    this.#faults.plan(this.#known(functionKey), kind, faulty);
  }

  #known(functionKey: string): string {
    if (this.#instances.has(functionKey)) return functionKey;
    const known = [...this.#instances.keys()].join(', ');
    throw new Error(`There is no function ${functionKey}. There are: ${known}.`);
  }
}

const placesOf = (left: readonly Left[]) => left.map(({ place }) => place);

/** A life for a message: of many lines the first and the last ones. */
function shortened(life: string): string {
  const lines = life.split('\n');
  if (lines.length <= MANY_LINES) return life;
  const half = MANY_LINES / 2;
  const between = `  … ${lines.length - MANY_LINES} more steps …`;
  return [...lines.slice(0, half), between, ...lines.slice(-half)].join('\n');
}
