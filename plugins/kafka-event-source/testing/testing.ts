/** The test kit: runs mappings and their functions in this process, in memory, on a clock that the test moves. */
// Imported first: under an older Node the other modules fail without naming Node.
import '../node-check.ts';
import { Slots } from '../delivery/slots.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Mapping } from '../mapping.ts';
import { Poller } from '../poller/poller.ts';
import { MemoryClient } from './client.ts';
import { millisecondsOf, replaceDate, VirtualClock } from './clock.ts';
import { type Fault, FaultPlans } from './faults.ts';
import { checkOptions } from './given.ts';
import { type Call, failedWith, Instances, timeoutOf } from './instances.ts';
import { Journal } from './journal.ts';
import { letterOf, Mailbox } from './letters.ts';
import { isVisible, type LogTransaction, MemoryLog } from './log.ts';
import { mappingsOf, SERVERS } from './mappings.ts';
import { Random } from './random.ts';
import { newRecordOf, recordOf } from './records.ts';
import { redriveLetters } from './redrive.ts';
import { MemoryRegistry } from './registry.ts';
import type {
  Duration,
  Faulty,
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
import { type Watch, Work } from './work.ts';

export type * from './types.ts';

const PATIENCE_MS = 4_000;
const DRAIN_WITHIN = '7 days';
/** Metrics are not part of the kit, so that the clock is not woken for them. */
const OBSERVE_MS = 2 ** 31 - 1;

/** See types.ts. */
export const kafkaEventSource: typeof import('./types.ts').kafkaEventSource = async (options) => {
  checkOptions(options);
  const kit = new Kit(options, await mappingsOf(options));
  await kit.start();
  return kit;
};

class Kit implements Source {
  readonly #options: KitOptions;
  readonly #mappings: readonly Mapping[];
  readonly #time: VirtualClock;
  readonly #work: Work;
  readonly #log = new MemoryLog();
  readonly #client: MemoryClient;
  readonly registry = new MemoryRegistry();
  readonly produce = this.#producer();
  readonly #journal: Journal;
  readonly #mailbox: Mailbox;
  readonly #faults: FaultPlans;
  readonly #instances: ReadonlyMap<string, Instances>;
  readonly #restoreDate: () => void;
  #pollers: Poller[] = [];
  #calls = 0;

  constructor(options: KitOptions, mappings: readonly Mapping[]) {
    const { start = Date.now(), patienceMs = PATIENCE_MS, seed, topics = {}, functions } = options;
    const random = seed === undefined ? undefined : new Random(seed);
    this.#options = options;
    this.#mappings = mappings;
    this.#time = new VirtualClock(new Date(start).getTime());
    this.#work = new Work(this.#time, patienceMs);
    this.#client = new MemoryClient(this.#log, this.#time, random);
    this.#journal = new Journal(this.#time);
    this.#mailbox = new Mailbox(this.#time);
    this.#faults = new FaultPlans(random);
    this.#instances = new Map(
      Object.entries(functions).map(([key, given]) => [key, new Instances(given, this.#time)]),
    );
    for (const [topic, partitions] of Object.entries(topics)) {
      this.#log.createTopic(topic, partitions);
    }
    for (const { topic, destination } of mappings) {
      this.#log.createTopic(topic);
      if (destination?.kind === 'kafka') this.#log.createTopic(destination.topic);
    }
    this.#restoreDate = options.virtualDate ? replaceDate(this.#time) : () => undefined;
  }

  get clock(): KitClock {
    const time = this.#time;
    return {
      get now() {
        return time.date();
      },
      advance: async (duration, { whileRunning = false } = {}) => {
        await this.#moveTo(time.monotonic() + millisecondsOf(duration), !whileRunning);
      },
    };
  }

  async start(): Promise<void> {
    const concurrency = new Map<string, Slots>();
    this.#pollers = this.#mappings.map((mapping) => {
      const { functionKey, reservedConcurrency: limit } = mapping;
      if (limit !== undefined && !concurrency.has(functionKey)) {
        concurrency.set(functionKey, new Slots(limit));
      }
      return this.#poller(mapping, concurrency.get(functionKey));
    });
    for (const poller of this.#pollers) poller.start();
    await this.#work.settle();
  }

  transaction(): Transaction {
    const transaction: LogTransaction = { state: 'open' };
    return {
      produce: this.#producer(transaction),
      commit: async () => this.#log.end(transaction, 'committed', this.#time.date()),
      abort: async () => this.#log.end(transaction, 'aborted', this.#time.date()),
    };
  }

  async idle(): Promise<void> {
    const watch = this.#work.watch();
    await this.#work.settle(true, watch);
    for (let next = this.#time.next('batch'); next < Infinity; next = this.#time.next('batch')) {
      await this.#moveTo(next, true, watch);
    }
  }

  async drain(within: Duration = DRAIN_WITHIN): Promise<void> {
    const end = this.#time.monotonic() + millisecondsOf(within);
    for (;;) {
      await this.idle();
      const left = this.#left();
      if (left.length === 0) return;
      const next = this.#time.next();
      if (next > end) {
        const lives = left.map((place) => this.#journal.life(place));
        throw new Error(`Not done within ${within}:\n${lives.join('\n')}`);
      }
      await this.#moveTo(next);
    }
  }

  invocations(functionKey: string) {
    this.#known(functionKey);
    return this.#journal.invocations(functionKey);
  }

  async letters(destination: string): Promise<readonly Letter[]> {
    return this.#mailbox.of(destination) ?? this.records(destination).map(letterOf);
  }

  async redrive(topic: string, letters: LettersToRedrive = {}) {
    if (this.#mailbox.of(topic)) {
      throw new Error(`${topic} is no topic of Kafka: only letters in Kafka can be put back.`);
    }
    this.#log.partitions(topic);
    return redriveLetters(this.#client.kafka, SERVERS, topic, letters);
  }

  records(topic: string) {
    return this.#log
      .partitions(topic)
      .flatMap((_, partition) => this.#log.read(topic, partition, 0))
      .filter(isVisible)
      .map((record) => recordOf(topic, record));
  }

  committed(functionKey: string) {
    this.#known(functionKey);
    const places = this.#mappings
      .filter((mapping) => mapping.functionKey === functionKey)
      .flatMap(({ groupId, topic }) =>
        this.#log.partitions(topic).map((_, partition) => {
          const place = `${topic}-${partition}`;
          return [place, this.#log.committed(groupId, place)?.offset] as const;
        }),
      );
    return Object.fromEntries(
      places.flatMap(([place, offset]) => (offset === undefined ? [] : [[place, offset]])),
    );
  }

  fail(functionKey: string, faulty: Faulty = {}): void {
    this.#faults.plan(this.#known(functionKey), 'fail', faulty);
  }

  timeout(functionKey: string, faulty: Faulty = {}): void {
    this.#faults.plan(this.#known(functionKey), 'timeout', faulty);
  }

  throttle(functionKey: string, faulty: Faulty = {}): void {
    this.#faults.plan(this.#known(functionKey), 'throttle', faulty);
  }

  crash(functionKey: string, faulty: Faulty = {}): void {
    this.#faults.plan(this.#known(functionKey), 'crash', faulty);
  }

  async rebalance(): Promise<void> {
    this.#client.rebalance();
    await this.#work.settle(false);
  }

  async restart(): Promise<void> {
    await this.#end();
    await this.start();
  }

  async redeliverEverything(): Promise<void> {
    await this.#end();
    for (const mapping of this.#mappings) {
      for (const partition of this.#log.partitions(mapping.topic).keys()) {
        // The topics were empty when the mappings began.
        const place = `${mapping.topic}-${partition}`;
        this.#log.commit(mapping.groupId, place, { offset: 0, metadata: null });
      }
    }
    await this.start();
    await this.drain();
  }

  life(record: Place): string {
    return this.#journal.life(record);
  }

  async stop(): Promise<void> {
    await this.#end();
    this.#restoreDate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #producer(transaction?: LogTransaction): Produce {
    const produce = async (
      topic: string,
      records: ProducedRecord | readonly ProducedRecord[],
    ): Promise<Place[]> => {
      const list = [records].flat() as ProducedRecord[];
      const now = this.#time.date();
      return this.#log.append(
        topic,
        list.map((record) => newRecordOf(record, now)),
        transaction,
      );
    };
    return produce as Produce;
  }

  #poller(mapping: Mapping, concurrency: Slots | undefined): Poller {
    const { log = () => undefined } = this.#options;
    return new Poller({
      mapping,
      concurrency,
      log: { error: log, warning: log, notice: log, debug: log },
      invoke: (payload, id) => this.#invoke(mapping, payload, id),
      onStep: (step) => this.#journal.add(mapping, step),
      connect: async () => this.#client.kafka,
      clock: this.#time,
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
    run.end(this.#time.date(), result);
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
        return failedWith(
          call.requestId,
          message ?? `RequestId: ${call.requestId} Error: Runtime exited with error: exit status 1`,
        );
      case 'rebalance':
        this.#client.rebalance();
        return result ?? failedWith(call.requestId, 'no result');
      default:
        return failedWith(call.requestId, message ?? 'failed, as the test wants it');
    }
  }

  /** Moves the time to `ms` of the monotonic clock; all timers until then fire at their own times. */
  async #moveTo(ms: number, isPatient = true, watch?: Watch): Promise<void> {
    await this.#work.settle(isPatient, watch);
    for (let next = this.#time.next(); next <= ms; next = this.#time.next()) {
      this.#time.moveTo(next);
      await this.#work.settle(isPatient, watch);
    }
    this.#time.moveTo(ms);
  }

  /** The first record of each partition that is not done. */
  #left(): Place[] {
    return this.#mappings.flatMap(({ groupId, topic }) =>
      this.#log.partitions(topic).flatMap((_, partition) => {
        const offset = this.#log.committed(groupId, `${topic}-${partition}`)?.offset ?? 0;
        const waits = this.#log.read(topic, partition, offset).length > 0;
        return waits ? [{ topic, partition, offset }] : [];
      }),
    );
  }

  /** Gives up the records in flight. */
  async #end(): Promise<void> {
    const pollers = this.#pollers;
    this.#pollers = [];
    this.#work.abandon();
    await Promise.all(pollers.map((poller) => poller.stop(0)));
    for (const instances of this.#instances.values()) instances.end();
  }

  #known(functionKey: string): string {
    if (this.#instances.has(functionKey)) return functionKey;
    const known = [...this.#instances.keys()].join(', ');
    throw new Error(`There is no function ${functionKey}. There are: ${known}.`);
  }
}
