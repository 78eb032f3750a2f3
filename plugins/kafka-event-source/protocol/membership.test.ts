import { afterEach, expect, jest, test } from '@jest/globals';
import {
  type Broker,
  type Cluster,
  type ConsumerGroup,
  type ConsumerGroupClass,
  type Heartbeat,
  improveMembership,
  type Joined,
  type OffsetsToCommit,
} from './membership.ts';
import type { PartitionMetadata } from './topic-ids.ts';

afterEach(() => {
  jest.useRealTimers();
});

const EVENTS = { GROUP_JOIN: 'join', HEARTBEAT: 'heartbeat' } as const;
const OLD = 'a'.repeat(32);
const NEW = 'b'.repeat(32);

/** The part of kafkajs' group that is built upon, with a cluster of one topic. */
function groupOf(maxWaitTime: number) {
  const emitted: (readonly [string, object])[] = [];
  const requests: unknown[] = [];
  const state = {
    topicId: OLD,
    leaders: [0, 0],
    refusal: undefined as Error | undefined,
    hasRecords: true,
  };
  const broker: Broker = {
    fetch: async (request) => requests.push(request),
    heartbeat: async () => undefined,
    syncGroup: async () => undefined,
  };
  const metadata = (leader: number, partitionId: number): PartitionMetadata => {
    const nodes = { leader, replicas: [], isr: [], offlineReplicas: [] };
    return { partitionErrorCode: 0, partitionId, ...nodes, topicId: state.topicId };
  };
  const cluster: Cluster = {
    findBroker: async () => broker,
    findGroupCoordinator: async () => broker,
    findTopicPartitionMetadata: () => state.leaders.map(metadata),
    refreshMetadataIfNecessary: async () => undefined,
  };
  class Original implements ConsumerGroup {
    cluster = cluster;
    instrumentationEmitter = {
      emit: (event: string, payload: object) => emitted.push([event, payload]),
    };
    lastRequest = Date.now();
    readonly memberId = 'm';
    readonly generationId = 1;
    offsetManager = {
      commitOffsets: async (_: { readonly topics: readonly OffsetsToCommit[] }) => {
        if (state.refusal) throw state.refusal;
      },
    };
    readonly topicsSubscribed = ['t'];
    maxWaitTime = maxWaitTime;
    readonly active = new Set<number>();
    readonly fetched: string[] = [];
    /** For each fetch the milliseconds that the broker may wait. */
    readonly waits: number[] = [];
    joins = 0;

    async joinAndSync() {
      this.joins += 1;
      const coordinator = await this.cluster.findGroupCoordinator({});
      await coordinator.syncGroup({});
      this.instrumentationEmitter.emit(EVENTS.GROUP_JOIN, {});
    }
    assigned() {
      return [{ topic: 't', partitions: [0, 1] }];
    }
    getActiveTopicPartitions() {
      return { t: this.active };
    }
    checkForStaleAssignment() {
      // Nothing that kafkajs itself finds.
    }
    async fetch(nodeId: string) {
      this.checkForStaleAssignment();
      const found = await this.cluster.findBroker({ nodeId });
      const topics = [{ topic: 't', partitions: [{ partition: 0 }] }];
      this.waits.push(this.maxWaitTime);
      await found.fetch({ topics });
      this.fetched.push(nodeId);
      const isEmpty = () => !state.hasRecords;
      return [{ isEmpty }];
    }
    async recoverFromFetch() {
      await this.joinAndSync();
    }
    async recoverFromOffsetOutOfRange() {
      throw new Error('kafkajs would commit -2');
    }
    resume(partition: unknown) {
      this.active.add(partition as number);
    }
  }
  const Improved = improveMembership(Original as unknown as ConsumerGroupClass, {
    events: EVENTS,
    staleAssignment: (topic) => new Error(`${topic} has been updated`),
  });
  const group = new Improved({} as never) as unknown as Original;
  const joined = () => emitted.findLast(([event]) => event === EVENTS.GROUP_JOIN)?.[1] as Joined;
  return { group, state, requests, emitted, joined };
}

test('a partition that is resumed is fetched at once, from every broker that was waiting', async () => {
  // Longer than the test may last.
  const { group } = groupOf(600_000);
  await group.joinAndSync();
  const fetches = [group.fetch('1'), group.fetch('2')];
  await new Promise((resolve) => setImmediate(resolve));
  expect(group.fetched).toEqual([]);
  group.resume(0);
  await Promise.all(fetches);
  await group.fetch('3');
  expect(group.fetched).toEqual(['1', '2', '3']);
});

test('a fetch does not wait in the broker while a partition is paused', async () => {
  const { group } = groupOf(250);
  await group.joinAndSync();
  group.resume(0);
  await group.fetch('1');
  group.resume(1);
  await group.fetch('1');
  expect(group.waits).toEqual([0, 250]);
});

test('a fetch without records ends once a paused partition is resumed', async () => {
  jest.useFakeTimers();
  const { group, state } = groupOf(250);
  await group.joinAndSync();
  group.resume(0);
  state.hasRecords = false;
  const ended = jest.fn();
  const fetch = group.fetch('1').then(ended);
  await jest.advanceTimersByTimeAsync(19);
  expect(ended).not.toHaveBeenCalled();
  group.resume(1);
  await fetch;
  expect(ended).toHaveBeenCalled();
});

test('fetches without records end later and later while a partition stays paused, until records come', async () => {
  jest.useFakeTimers();
  const { group, state } = groupOf(250);
  await group.joinAndSync();
  group.resume(0);
  const times: number[] = [];
  for (const hasRecords of [false, false, false, false, false, false, true, false]) {
    state.hasRecords = hasRecords;
    const begin = Date.now();
    const fetch = group.fetch('1').then(() => times.push(Date.now() - begin));
    await jest.advanceTimersByTimeAsync(250);
    await fetch;
  }
  expect(times).toEqual([20, 40, 80, 160, 250, 250, 0, 20]);
});

test('a fetch with records, or during which a partition is resumed, ends without a wait', async () => {
  jest.useFakeTimers();
  const { group, state } = groupOf(250);
  await group.joinAndSync();
  group.resume(0);
  const ended = jest.fn();
  void group.fetch('1').then(ended);
  await jest.advanceTimersByTimeAsync(0);
  expect(ended).toHaveBeenCalledTimes(1);
  state.hasRecords = false;
  void group.fetch('1').then(ended);
  group.resume(1);
  await jest.advanceTimersByTimeAsync(0);
  expect(ended).toHaveBeenCalledTimes(2);
});

test('while all stay paused a fetch ends after its time with nothing', async () => {
  const { group } = groupOf(1);
  await group.joinAndSync();
  expect(await group.fetch('1')).toEqual([]);
  expect(group.fetched).toEqual([]);
});

test.each(['paused', 'read'])(
  'a change that all brokers see at once, while partitions are %s, is one join',
  async (how) => {
    const { group, state, joined } = groupOf(1);
    await group.joinAndSync();
    if (how === 'read') group.resume(0);
    expect(joined().topicIds).toEqual(new Map([['t', OLD]]));
    state.topicId = NEW;
    const fetches = ['1', '2', '3'].map((node) =>
      group.fetch(node).catch(() => group.joinAndSync()),
    );
    await Promise.all(fetches);
    expect(group.joins).toBe(2);
    expect(joined().topicIds).toEqual(new Map([['t', NEW]]));
    await group.fetch('1');
    expect(group.joins).toBe(2);
  },
);

test('a member fetches by the id that the topic had at the join', async () => {
  const { group, requests } = groupOf(1);
  await group.joinAndSync();
  group.resume(0);
  await group.fetch('1');
  const partitions = [{ partition: 0, topicId: OLD }];
  expect(requests).toEqual([{ topics: [{ topic: 't', partitions }] }]);
});

test('a partition that loses its leader, or gets one, is a change', async () => {
  const { group, state } = groupOf(1);
  await group.joinAndSync();
  state.leaders = [0, -1];
  expect(() => group.checkForStaleAssignment()).toThrow('has been updated');
  await group.joinAndSync();
  expect(() => group.checkForStaleAssignment()).not.toThrow();
  state.leaders = [0, 0];
  expect(() => group.checkForStaleAssignment()).toThrow('has been updated');
});

test.each(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION'])(
  'a commit refused by %s ends the next fetch, so that it joins again; another error does not',
  async (type) => {
    const { group, state, joined } = groupOf(1);
    await group.joinAndSync();
    state.refusal = Object.assign(new Error('busy'), { type: 'GROUP_LOAD_IN_PROGRESS' });
    await expect(joined().commit([])).rejects.toThrow('busy');
    expect(await group.fetch('1')).toEqual([]);
    state.refusal = Object.assign(new Error('expelled'), { type });
    await expect(joined().commit([])).rejects.toThrow('expelled');
    await expect(group.fetch('1')).rejects.toThrow('expelled');
    expect(await group.fetch('1')).toEqual([]);
  },
);

test('a commit of an earlier join that is refused ends nothing', async () => {
  const { group, state, joined } = groupOf(1);
  await group.joinAndSync();
  const { commit } = joined();
  group.offsetManager = { ...group.offsetManager };
  await group.joinAndSync();
  state.refusal = Object.assign(new Error('expelled'), { type: 'ILLEGAL_GENERATION' });
  await expect(commit([])).rejects.toThrow('expelled');
  expect(await group.fetch('1')).toEqual([]);
});

test('a clock that is set back, or forward, does not change when the next heartbeat is due', async () => {
  const { group } = groupOf(1);
  const realNow = Date.now;
  try {
    group.lastRequest = realNow();
    for (const step of [-90_000, 90_000]) {
      Date.now = () => realNow() + step;
      expect(Math.abs(Date.now() - group.lastRequest)).toBeLessThan(5_000);
    }
  } finally {
    Date.now = realNow;
  }
});

test('the age of a heartbeat counts from when it was sent, over a suspension too', async () => {
  const { group, emitted, joined } = groupOf(1);
  await group.joinAndSync();
  const coordinator = await group.cluster.findGroupCoordinator({});
  const realNow = Date.now;
  try {
    await coordinator.heartbeat({});
    Date.now = () => realNow() + 20_000;
    group.instrumentationEmitter.emit(EVENTS.HEARTBEAT, {});
    const [, payload = {}] = emitted.at(-1) ?? [];
    expect((payload as Heartbeat).age()).toBeGreaterThanOrEqual(20_000);
    expect(joined().age()).toBeGreaterThanOrEqual(20_000);
  } finally {
    Date.now = realNow;
  }
});
