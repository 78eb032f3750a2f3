import { afterAll, expect, test } from '@jest/globals';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import type { InvocationResult } from '../lambda/result.ts';
import { type MetricName, Metrics } from '../monitoring/metrics.ts';
import type { Joined } from '../protocol/membership.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { until } from '../test/support/until.ts';
import { Poller, type PollerOptions } from './poller.ts';

const ok: InvocationResult = { kind: 'ok', payload: null };

/** Lets everything happen that needs no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A broker with one topic of one partition; the test decides on joins and fetches. */
class Broker {
  /** The group's committed offset; a test may answer late. */
  committed: () => Promise<number> = async () => -1;
  commit: (offset: number) => Promise<void> = async () => undefined;
  leave: () => Promise<void> = async () => undefined;
  /** The text beside what is committed. */
  note: string | null = null;
  low = 0;
  high = 100;
  topicId = 'a'.repeat(32);
  /** How often the poller has begun to consume. */
  sessions = 0;
  readonly commits: number[] = [];
  readonly seeks: number[] = [];
  /** How long the group has not heard of the member. */
  silence = 0;
  hasLeader = true;
  /** How often the poller has asked for the partition's offsets. */
  asked = 0;
  readonly log: string[] = [];
  isPaused = false;
  readonly #listeners = new Map<string, (event: { payload: unknown }) => void>();
  #eachBatch: ((payload: EachBatchPayload) => Promise<void>) | undefined;

  client(): Kafka {
    const nothing = async () => undefined;
    const events = {
      GROUP_JOIN: 'join',
      HEARTBEAT: 'heartbeat',
      REBALANCING: 'rebalancing',
      STOP: 'stop',
      CRASH: 'crash',
      REQUEST_TIMEOUT: 'timeout',
      FETCH: 'fetch',
    };
    const consumer = {
      events,
      connect: nothing,
      disconnect: () => this.leave(),
      subscribe: nothing,
      on: (event: string, listener: (event: { payload: unknown }) => void) =>
        this.#listeners.set(event, listener),
      run: async ({ eachBatch }: { eachBatch: (payload: EachBatchPayload) => Promise<void> }) => {
        this.#eachBatch = eachBatch;
        this.sessions += 1;
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      seek: ({ offset }: { offset: string }) => this.seeks.push(Number(offset)),
    };
    const admin = {
      connect: nothing,
      disconnect: nothing,
      listTopics: async () => ['t'],
      fetchTopicMetadata: async () => ({ topics: [{ partitions: [{ partitionId: 0 }] }] }),
      fetchOffsets: async () => [
        {
          partitions: [
            { partition: 0, offset: String(await this.committed()), metadata: this.note },
          ],
        },
      ],
      fetchTopicOffsets: async () => {
        this.asked += 1;
        const partition = { partition: 0, low: String(this.low), high: String(this.high) };
        return this.hasLeader ? [partition] : [];
      },
    };
    return { admin: () => admin, consumer: () => consumer } as unknown as Kafka;
  }

  join(): void {
    const joined: Joined = {
      memberId: 'm',
      generation: 1,
      topicIds: new Map([['t', this.topicId]]),
      age: () => this.silence,
      commit: ([topic]) => this.#take(Number(topic?.partitions[0]?.offset)),
    };
    this.#listeners.get('join')?.({ payload: { memberAssignment: { t: [0] }, ...joined } });
  }

  heartbeat(): void {
    this.#listeners.get('heartbeat')?.({ payload: { age: () => this.silence } });
  }

  /** A request of the consumer gets no answer. */
  timeOut(): void {
    this.#listeners.get('timeout')?.({ payload: { broker: 'b:1', apiName: 'Fetch' } });
  }

  crash(message: string): void {
    this.#listeners.get('crash')?.({ payload: { error: new Error(message) } });
  }

  /** Answers a fetch, before its records are taken. */
  answer(): void {
    this.#listeners.get('fetch')?.({ payload: {} });
  }

  rebalance(): void {
    this.#listeners.get('rebalancing')?.({ payload: {} });
  }

  async fetched(from: number, to: number): Promise<void> {
    const messages = Array.from({ length: to - from }, (_, index) => ({
      offset: String(from + index),
      timestamp: '1',
      key: null,
      value: Buffer.from('x'),
    }));
    await this.#eachBatch?.({
      batch: {
        topic: 't',
        partition: 0,
        highWatermark: String(to),
        fetchedOffset: String(from),
        messages,
        lastOffset: () => String(to - 1),
      },
      isStale: () => false,
      isRunning: () => true,
      resolveOffset: () => undefined,
    } as unknown as EachBatchPayload);
  }

  async #take(offset: number): Promise<void> {
    this.commits.push(offset);
    await this.commit(offset);
  }
}

function poll(
  broker: Broker,
  invoke: (offsets: number[]) => Promise<InvocationResult>,
  options: Partial<PollerOptions>,
): Poller {
  const warning = (message: string) => broker.log.push(message);
  const log = { error: noop, warning, notice: noop, debug: noop };
  const poller = new Poller({
    mapping: mappingOf('orders', ['b:1'], {
      topic: 't',
      batchSize: 2,
      pollers: { minimum: 1, maximum: 1 },
      metricGroups: ['EventCount', 'ErrorCount'],
    }),
    log,
    connect: async () => broker.client(),
    invoke: (payload) => {
      const records: { offset: number }[] = JSON.parse(payload.toString()).records['t-0'];
      return invoke(records.map(({ offset }) => offset));
    },
    backoff: { firstMs: 1, maxMs: 1 },
    ...options,
  });
  poller.start();
  pollers.push(poller);
  return poller;
}

const noop = () => undefined;
const pollers: Poller[] = [];

// A poller that a failed test leaves behind would keep the process alive.
afterAll(() => Promise.all(pollers.splice(0).map((poller) => poller.stop(0))));

/** A poller that has joined its group, with the offsets of each of its invocations. */
async function joined(
  broker: Broker,
  answer: () => Promise<InvocationResult> = async () => ok,
  options: Partial<PollerOptions> = {},
) {
  const invoked: number[][] = [];
  const poller = poll(
    broker,
    (offsets) => {
      invoked.push(offsets);
      return answer();
    },
    options,
  );
  await settle();
  broker.join();
  await settle();
  return { poller, invoked };
}

test.concurrent('nothing is fetched until the positions are known', async () => {
  const broker = new Broker();
  const known = Promise.withResolvers<number>();
  broker.committed = () => known.promise;
  const { poller, invoked } = await joined(broker);
  expect(broker.isPaused).toBe(true);
  known.resolve(4);
  await settle();
  expect(broker.isPaused).toBe(false);
  await broker.fetched(4, 6);
  await settle();
  expect(invoked).toEqual([[4, 5]]);
  await poller.stop();
});

test('between two joins nothing is committed: another member may have gone further', async () => {
  const broker = new Broker();
  const answer = Promise.withResolvers<InvocationResult>();
  const { poller, invoked } = await joined(broker, () => answer.promise);
  await broker.fetched(0, 2);
  await settle();
  const known = Promise.withResolvers<number>();
  broker.committed = () => known.promise;
  broker.join();
  await settle();
  answer.resolve(ok);
  await settle();
  broker.join();
  known.resolve(5);
  await settle();
  expect(broker.commits).toEqual([]);
  await broker.fetched(5, 7);
  await settle();
  expect(invoked.at(-1)).toEqual([5, 6]);
  expect(broker.commits).toEqual([7]);
  await poller.stop();
});

test.each([0, 2, 4])(
  'if answers to commits were lost and the broker has %s, nothing is delivered again',
  async (taken) => {
    const broker = new Broker();
    broker.committed = async () => 0;
    const { poller, invoked } = await joined(broker);
    broker.commit = () => Promise.reject(new Error('no answer'));
    await broker.fetched(0, 2);
    await settle();
    await broker.fetched(2, 4);
    await settle();
    expect(broker.commits).toEqual([2, 4]);
    broker.commit = async () => undefined;
    broker.committed = async () => taken;
    broker.seeks.length = 0;
    broker.rebalance();
    broker.join();
    await settle();
    expect(broker.seeks).toEqual([4]);
    await broker.fetched(4, 6);
    await settle();
    expect(invoked).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(broker.commits.at(-1)).toBe(6);
    await poller.stop();
  },
);

test('commits count from the offset at which polling began, and lost answers count once', async () => {
  const broker = new Broker();
  broker.committed = async () => 10;
  const metrics = new Metrics();
  const { poller } = await joined(broker, async () => ok, { metrics });
  const sum = (name: MetricName) =>
    metrics.view().datapoints[name]?.reduce((total, one) => total + one.sum, 0);
  await broker.fetched(10, 12);
  await settle();
  expect(sum('CommittedEventCount')).toBe(2);
  broker.commit = () => Promise.reject(new Error('no answer'));
  await broker.fetched(12, 14);
  await settle();
  expect([sum('CommittedEventCount'), sum('CommitErrorCount')]).toEqual([2, 1]);
  broker.commit = async () => undefined;
  await broker.fetched(14, 16);
  await settle();
  expect(sum('CommittedEventCount')).toBe(6);
  await poller.stop();
});

test('polling starts again at an offset that was set back by hand', async () => {
  const broker = new Broker();
  const { poller, invoked } = await joined(broker);
  await broker.fetched(0, 4);
  await settle();
  expect(broker.commits.at(-1)).toBe(4);
  broker.committed = async () => 1;
  broker.seeks.length = 0;
  broker.join();
  await settle();
  expect(broker.seeks).toEqual([1]);
  await broker.fetched(1, 3);
  await settle();
  expect(invoked.at(-1)).toEqual([1, 2]);
  await poller.stop();
});

/** Short limits for a stop: the tests' brokers never answer. */
const SHORT = { stopMs: 20, leaveMs: 20 };

test('a stop ends within its limits even if nobody answers', async () => {
  const broker = new Broker();
  const { poller } = await joined(broker, () => new Promise(noop), SHORT);
  await broker.fetched(0, 2);
  broker.leave = () => new Promise(noop);
  await expect(poller.stop()).resolves.toBeUndefined();
});

test('a stop does not wait for a commit without an answer', async () => {
  const broker = new Broker();
  const { poller } = await joined(broker, async () => ok, SHORT);
  broker.commit = () => new Promise(noop);
  await broker.fetched(0, 2);
  await settle();
  expect(broker.commits).toEqual([2]);
  await expect(poller.stop()).resolves.toBeUndefined();
});

test('nothing begins while the group has not heard of the member for a session', async () => {
  const broker = new Broker();
  const { poller, invoked } = await joined(broker);
  broker.silence = 10_000;
  await broker.fetched(0, 4);
  await settle();
  expect(invoked).toEqual([]);
  broker.heartbeat();
  await settle();
  expect(invoked).toEqual([]);
  broker.silence = 9_000;
  broker.heartbeat();
  await settle();
  expect(invoked).toEqual([
    [0, 1],
    [2, 3],
  ]);
  await poller.stop();
});

test('neither a retry nor a letter begins while the group has not heard of the member', async () => {
  const broker = new Broker();
  const answers: InvocationResult[] = [{ kind: 'functionError', message: 'no' }];
  const { poller, invoked } = await joined(broker, async () => {
    broker.silence = answers.length > 0 ? 60_000 : 0;
    return answers.pop() ?? ok;
  });
  await broker.fetched(0, 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(invoked).toHaveLength(1);
  broker.silence = 0;
  broker.heartbeat();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(invoked).toHaveLength(2);
  await poller.stop();
});

test.each(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'])(
  'a commit refused by %s is reported, and nothing begins before the next join',
  async (type) => {
    const broker = new Broker();
    const { poller, invoked } = await joined(broker);
    broker.commit = () => Promise.reject(Object.assign(new Error('not aware'), { type }));
    await broker.fetched(0, 2);
    await settle();
    expect(broker.log.join()).toMatch(/refused a commit: not aware. Joining/);
    await broker.fetched(2, 4);
    broker.heartbeat();
    await settle();
    expect(invoked).toEqual([[0, 1]]);
    broker.commit = async () => undefined;
    broker.join();
    await settle();
    expect(broker.commits.at(-1)).toBe(2);
    await broker.fetched(2, 4);
    await settle();
    expect(invoked.at(-1)).toEqual([2, 3]);
    await poller.stop();
  },
);

test('records fetched under another position are thrown away and fetched again', async () => {
  const broker = new Broker();
  const { poller, invoked } = await joined(broker);
  await broker.fetched(0, 2);
  await settle();
  broker.seeks.length = 0;
  broker.committed = async () => 2;
  await broker.fetched(50, 60);
  await settle();
  expect(invoked).toEqual([[0, 1]]);
  expect(broker.seeks).toEqual([2]);
  expect(broker.isPaused).toBe(false);
  await poller.stop();
});

test('an action of the group that throws ends no later commit', async () => {
  const broker = new Broker();
  const { poller } = await joined(broker, async () => ok);
  const { stats } = poller;
  const { emit } = stats;
  const refused: MetricName[] = ['CommittedEventCount', 'CommitErrorCount'];
  const refuse = (metric: MetricName) => {
    if (refused.includes(metric)) throw new Error('thrown');
  };
  Object.assign(stats, { emit: refuse });
  await broker.fetched(0, 2);
  await settle();
  expect(broker.log).toEqual(['test: a commit or a position failed: thrown']);
  Object.assign(stats, { emit });
  await broker.fetched(2, 4);
  await settle();
  expect(broker.commits.at(-1)).toBe(4);
  await poller.stop();
});

test.concurrent('a missing leader is reported once, also after another join, until there is a leader', async () => {
  const broker = new Broker();
  broker.hasLeader = false;
  const { poller } = await joined(broker);
  const isTold = () => broker.log.filter((line) => line.includes('t-0 has no leader'));
  await until('asked three times', () => broker.asked >= 3 || undefined);
  broker.join();
  await until('asked after the join', () => broker.asked >= 5 || undefined);
  expect(isTold()).toHaveLength(1);
  expect(poller.condition.problem).toContain('t-0 has no leader');
  broker.hasLeader = true;
  await until('no problem', () => !poller.condition.problem || undefined);
  expect(broker.isPaused).toBe(false);
  broker.hasLeader = false;
  broker.join();
  await settle();
  expect(isTold()).toHaveLength(2);
  await poller.stop();
});

test.concurrent('a position found again ends the problem of finding it, and no other one', async () => {
  const broker = new Broker();
  const { poller } = await joined(broker);
  broker.committed = async () => {
    broker.committed = async () => -1;
    throw new Error('no coordinator');
  };
  await broker.fetched(50, 60);
  await settle();
  expect(poller.condition.problem).toContain('no coordinator');
  await until('no problem', () => !poller.condition.problem || undefined);
  broker.timeOut();
  const asked = broker.asked;
  await broker.fetched(50, 60);
  await settle();
  expect(broker.asked).toBe(asked + 1);
  expect(poller.condition.problem).toContain('b:1 does not answer Fetch');
  await poller.stop();
});

test.concurrent('the problem of a failed session ends with the first fetch that is answered, not with the join', async () => {
  const broker = new Broker();
  const { poller } = await joined(broker);
  const problems = () => [poller.condition.problem, poller.stats.snapshot().lastResult];
  const failed = [
    'test: cannot poll t at b:1: no package for snappy. Trying again.',
    'PROBLEM: no package for snappy',
  ];
  for (const session of [2, 3]) {
    broker.crash('no package for snappy');
    await until('the next session', () => broker.sessions === session || undefined);
    // All partitions are paused until their positions are known.
    broker.answer();
    expect(problems()).toEqual(failed);
    broker.join();
    await settle();
    expect(poller.condition.partitions).toEqual([0]);
    expect(problems()).toEqual(failed);
  }
  expect(broker.log).toEqual([failed[0]]);
  broker.answer();
  expect(problems()).toEqual([undefined, 'OK']);
});

test.concurrent('after a failed session the problem of another join ends, and the problem before it stands', async () => {
  const broker = new Broker();
  const { poller } = await joined(broker);
  broker.crash('no package for snappy');
  broker.hasLeader = false;
  await until('the next session', () => broker.sessions === 2 || undefined);
  broker.join();
  await settle();
  broker.answer();
  expect(poller.condition.problem).toContain('t-0 has no leader');
  expect(poller.stats.snapshot().lastResult).toBe('OK');
  broker.crash('no package for snappy');
  broker.hasLeader = true;
  await until('the third session', () => broker.sessions === 3 || undefined);
  broker.timeOut();
  expect(poller.condition.problem).toContain('does not answer');
  broker.join();
  await settle();
  expect(poller.condition.problem).toContain('no package for snappy');
  expect(poller.stats.snapshot().lastResult).toMatch(/^PROBLEM: /);
});
