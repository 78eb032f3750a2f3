/** Drives the scheduler with random records, answers, rebalances and crashes beside a plain model. */
import assert from 'node:assert/strict';
import { test } from '@jest/globals';
import fc from 'fast-check';
import type { Failure } from '../destination/failure.ts';
import type { KafkaEvent } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { BufferedRecord } from '../record.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { Stats } from './stats.ts';

const TOPIC = 'orders';
const silent = () => undefined;
const log = { error: silent, warning: silent, notice: silent, debug: silent };
const outcomes = ['ok', 'error', 'notReached', 'tooLarge', 'unknown', 'some', 'text'] as const;
type Outcome = (typeof outcomes)[number];
type Kind = 'good' | 'old' | 'schema' | 'huge';
type Disruption = 'none' | 'rebalance' | 'crash';

const PAYLOAD_BYTES = 10_000;
const HUGE_BYTES = 20_000;

interface Plan {
  readonly partitions: Kind[][];
  readonly answers: Outcome[];
  readonly disruptions: Disruption[];
  readonly destination: 'none' | 'takes' | 'failsAtTimes';
  readonly drops: boolean;
  readonly batchSize: number;
  readonly retries: number;
  readonly bisect: boolean;
  readonly pollers: number;
}

interface Delivered {
  readonly partition: number;
  readonly offset: number;
}

/** The broker, the function and the destination, and what must be true at each step. */
class World {
  readonly plan: Plan;
  readonly committed: number[];
  /** The records that the function or the destination has, or that were dropped. */
  readonly done: Set<number>[];
  readonly sent = new Map<string, Failure>();
  /** Failures that count as attempts, since the process or the assignment began. */
  readonly counted = new Map<string, number>();
  readonly inFlight = new Set<number>();
  invocations = 0;
  sends = 0;
  life = 0;
  scheduler: Scheduler;
  stop = new AbortController();
  stats = new Stats();
  #broken: unknown;

  constructor(plan: Plan) {
    this.plan = plan;
    this.committed = plan.partitions.map(() => 0);
    this.done = plan.partitions.map(() => new Set<number>());
    this.scheduler = this.start();
  }

  get limit(): number {
    const { retries, destination } = this.plan;
    if (retries >= 0) return retries;
    return destination === 'none' ? Number.POSITIVE_INFINITY : 10;
  }

  start(): Scheduler {
    const { plan } = this;
    this.life += 1;
    const life = this.life;
    this.stats = new Stats();
    this.stop = new AbortController();
    this.counted.clear();
    this.inFlight.clear();
    const destination: SchedulerOptions['destination'] = {
      name: 'test',
      send: async (failure) => this.send(failure),
      close: async () => undefined,
    };
    const scheduler = new Scheduler({
      name: 'test',
      topic: TOPIC,
      functionArn: 'arn',
      source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'localhost:9092' },
      batchSize: plan.batchSize,
      windowMs: 0,
      payloadBytes: PAYLOAD_BYTES,
      reportBatchItemFailures: true,
      maximumRetryAttempts: plan.retries,
      maximumRecordAgeSeconds: 3_600,
      bisectBatchOnFunctionError: plan.bisect,
      dropWhenDestinationFails: plan.drops,
      ...(plan.destination !== 'none' && { destination }),
      ...(plan.pollers > 0 && { pollers: { minimum: plan.pollers, maximum: plan.pollers } }),
      backoff: { firstMs: 0, maxMs: 0 },
      log: { ...log, error: (message) => this.dropped(message) },
      stats: this.stats,
      signal: this.stop.signal,
      invoke: (payload) => this.invoke(payload.toString(), life),
      onProgress: (partition, next) => this.commit(partition, next, life),
      onRoom: silent,
      onStep: silent,
    });
    for (const partition of plan.partitions.keys()) this.assign(scheduler, partition);
    return scheduler;
  }

  assign(scheduler: Scheduler, partition: number): void {
    const kinds = this.plan.partitions[partition] ?? [];
    scheduler.assign(partition);
    for (const key of this.counted.keys()) {
      if (key.startsWith(`${partition}-`)) this.counted.delete(key);
    }
    const from = this.committed[partition] ?? 0;
    const entries = kinds.map((kind, offset) => entry(partition, offset, kind)).slice(from);
    for (let start = 0; start < entries.length; start += 4) {
      scheduler.enqueue(partition, entries.slice(start, start + 4));
    }
  }

  async invoke(payload: string, life: number): Promise<InvocationResult> {
    const { records } = JSON.parse(payload) as KafkaEvent;
    const delivered = Object.values(records).flat() as Delivered[];
    if (life !== this.life) return { kind: 'notReached', message: 'the process is dead' };
    this.check(() => this.mayBeInvoked(delivered, payload));
    const partitions = new Set(delivered.map(({ partition }) => partition));
    for (const partition of partitions) this.inFlight.add(partition);
    const index = this.invocations++;
    await turn();
    const outcome = this.plan.answers[index] ?? 'ok';
    const disruption = this.plan.disruptions[index] ?? 'none';
    if (life !== this.life) return { kind: 'notReached', message: 'the process is dead' };
    this.apply(outcome, delivered);
    if (disruption === 'crash') this.crash();
    if (disruption === 'rebalance') {
      // The partition comes back while the invocation with it is still in flight.
      this.assign(this.scheduler, [...partitions][0] ?? 0);
      await turn();
    }
    if (life === this.life) for (const partition of partitions) this.inFlight.delete(partition);
    return answer(outcome, delivered);
  }

  mayBeInvoked(delivered: Delivered[], payload: string): void {
    assert.ok(delivered.length > 0);
    assert.ok(delivered.length <= this.plan.batchSize);
    assert.ok(Buffer.byteLength(payload) <= PAYLOAD_BYTES);
    for (const partition of new Set(delivered.map((record) => record.partition))) {
      const offsets = delivered.flatMap((one) => (one.partition === partition ? [one.offset] : []));
      const among = new Set(offsets);
      assert.ok(!this.inFlight.has(partition));
      assert.deepEqual(
        offsets,
        offsets.toSorted((a, b) => a - b),
      );
      // All records before a delivered one are in the batch or done: order is kept.
      const open = this.notDone(partition, offsets.at(-1) ?? 0).filter((one) => !among.has(one));
      assert.deepEqual(open, []);
      const committed = this.committed[partition] ?? 0;
      const wrong = offsets
        .map((offset) => ({
          offset,
          kind: this.plan.partitions[partition]?.[offset],
          attempts: this.counted.get(`${partition}-${offset}`) ?? 0,
        }))
        .filter(
          ({ offset, kind, attempts }) =>
            kind !== 'good' || offset < committed || attempts > this.limit,
        );
      assert.deepEqual({ committed, wrong }, { committed, wrong: [] });
    }
  }

  /** The offsets before this one whose records are not done. */
  notDone(partition: number, end: number): number[] {
    const offsets = Array.from({ length: end }, (_, offset) => offset);
    return offsets.filter((offset) => !this.isDone(partition, offset));
  }

  apply(outcome: Outcome, delivered: Delivered[]): void {
    const isSplit =
      (outcome === 'error' && this.plan.bisect && delivered.length > 1) || outcome === 'tooLarge';
    for (const [index, { partition, offset }] of delivered.entries()) {
      const key = `${partition}-${offset}`;
      const isOk =
        outcome === 'ok' ||
        (outcome === 'some' && index % 2 === 0) ||
        (outcome === 'tooLarge' && delivered.length === 1);
      if (isOk) this.done[partition]?.add(offset);
      else if (outcome !== 'notReached' && !isSplit) {
        this.counted.set(key, (this.counted.get(key) ?? 0) + 1);
      }
    }
  }

  send(failure: Failure): void {
    const fails = this.plan.destination === 'failsAtTimes' && this.sends++ % 3 !== 2;
    if (fails) throw new Error('the destination is away');
    for (const { key, records } of failure.partitions) {
      const partition = Number(key.split('-').at(-1));
      for (const { offset } of records) {
        this.check(() => this.mayBeGivenUp(partition, offset, failure.condition));
        this.done[partition]?.add(offset);
        this.sent.set(`${partition}-${offset}`, failure);
      }
    }
  }

  /** Reads the dropped records from the log message, because nothing else names them. */
  dropped(message: string): void {
    if (!message.includes('DROPPED')) return;
    const condition = /RetriesExhausted|RecordAgeExceeded|SCHEMA_NOT_FOUND|MaximumPayload\w+/.exec(
      message,
    )?.[0] as Failure['condition'];
    const { destination, drops } = this.plan;
    this.check(() => assert.ok(destination === 'none' || drops));
    for (const [, partition, list = ''] of message.matchAll(/orders-(\d+) ([\d…,]*\d)/g)) {
      for (const run of list.split(',')) {
        const [first, last = first] = run.split('…').map(Number);
        for (let offset = first ?? 0; offset <= (last ?? 0); offset += 1) {
          this.check(() => this.mayBeGivenUp(Number(partition), offset, condition));
          this.done[Number(partition)]?.add(offset);
        }
      }
    }
  }

  mayBeGivenUp(partition: number, offset: number, condition: Failure['condition']): void {
    const kind = this.plan.partitions[partition]?.[offset] ?? 'good';
    const expected = {
      good: 'RetriesExhausted',
      old: 'RecordAgeExceeded',
      schema: 'SCHEMA_NOT_FOUND',
      huge: 'MaximumPayloadSizeExceeded',
    } as const;
    assert.equal(condition, expected[kind]);
    if (kind === 'good') {
      assert.equal(this.counted.get(`${partition}-${offset}`), this.limit + 1);
    }
  }

  commit(partition: number, next: number, life: number): void {
    if (life !== this.life) return;
    this.check(() => assert.deepEqual(this.notDone(partition, next), []));
    this.committed[partition] = Math.max(this.committed[partition] ?? 0, next);
  }

  /** Begins a new process, which knows nothing but the committed offsets. */
  crash(): void {
    this.stop.abort();
    this.scheduler = this.start();
  }

  isDone(partition: number, offset: number): boolean {
    return this.done[partition]?.has(offset) === true;
  }

  /** Without a destination, a record that stands still ends its partition. */
  isOver(): boolean {
    if (this.#broken) throw this.#broken;
    const { partitions, destination } = this.plan;
    return partitions.every((kinds, partition) => {
      const stop = destination === 'none' ? kinds.indexOf('huge') : -1;
      return this.committed[partition] === (stop < 0 ? kinds.length : stop);
    });
  }

  check(assertions: () => void): void {
    try {
      assertions();
    } catch (error) {
      this.#broken ??= error;
    }
  }
}

function entry(partition: number, offset: number, kind: Kind): BufferedRecord {
  const json = JSON.stringify({ partition, offset });
  const undeliverable = { condition: 'SCHEMA_NOT_FOUND', message: 'no schema 7' } as const;
  return {
    offset,
    next: offset + 1,
    json,
    bytes: kind === 'huge' ? HUGE_BYTES : json.length,
    arrived: 0,
    timestamp: kind === 'old' ? Date.now() - 7_200_000 : Date.now(),
    ...(kind === 'schema' && { undeliverable }),
  };
}

function answer(outcome: Outcome, records: readonly Delivered[]): InvocationResult {
  const report = (list: readonly Delivered[]): InvocationResult => ({
    kind: 'ok',
    payload: {
      batchItemFailures: list.map(({ partition, offset }) => ({
        itemIdentifier: { partition: `${TOPIC}-${partition}`, offset },
      })),
    },
  });
  switch (outcome) {
    case 'ok':
      return { kind: 'ok', payload: null };
    case 'text':
      return { kind: 'ok', payload: 'not the documented answer' };
    case 'some':
      return report(records.filter((_, index) => index % 2 === 1));
    case 'unknown':
      return report([{ partition: 9, offset: 9 }]);
    case 'tooLarge':
      return records.length > 1
        ? { kind: 'tooLarge', message: 'cut it' }
        : { kind: 'ok', payload: null };
    case 'error':
      return { kind: 'functionError', message: 'thrown' };
    case 'notReached':
      return { kind: 'notReached', message: 'throttled' };
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const kind = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Kind>('good') },
  { weight: 1, arbitrary: fc.constantFrom<Kind>('old', 'schema', 'huge') },
);
const disruption = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Disruption>('none') },
  { weight: 1, arbitrary: fc.constantFrom<Disruption>('rebalance', 'crash') },
);
const plan: fc.Arbitrary<Plan> = fc.record({
  partitions: fc.array(fc.array(kind, { minLength: 1, maxLength: 14 }), {
    minLength: 1,
    maxLength: 4,
  }),
  answers: fc.array(fc.constantFrom(...outcomes), { maxLength: 40 }),
  disruptions: fc.array(disruption, { maxLength: 40 }),
  destination: fc.constantFrom('none', 'takes', 'failsAtTimes'),
  drops: fc.boolean(),
  batchSize: fc.integer({ min: 1, max: 12 }),
  retries: fc.integer({ min: -1, max: 3 }),
  bisect: fc.boolean(),
  pollers: fc.integer({ min: 0, max: 3 }),
});

test('in random runs no record is skipped or comes after its commit, order is kept, retries are counted', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (given) => {
      const world = new World(given);
      const deadline = Date.now() + 10_000;
      while (!world.isOver()) {
        if (Date.now() > deadline) throw new Error(`not over: ${JSON.stringify(world.committed)}`);
        await turn();
      }
      world.stop.abort();
      await world.scheduler.drain(new Promise((resolve) => setTimeout(resolve, 1_000).unref()));
      world.isOver();
    }),
    { numRuns: 400, endOnFailure: true, interruptAfterTimeLimit: 60_000 },
  );
}, 120_000);
