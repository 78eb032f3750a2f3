import { expect, test } from '@jest/globals';
import { Stats } from '../delivery/stats.ts';
import type { Mapping } from '../mapping.ts';
import { type Live, type Remote, statusOf } from './status.ts';

const mapping = {
  name: 'notify (orders)',
  uuid: 'u',
  functionName: 'shop-local-notify',
  topic: 'orders',
  groupId: 'g',
  bootstrapServers: ['localhost:9092'],
  startingPosition: 'TRIM_HORIZON',
  enabled: true,
} as unknown as Mapping;

const partitions = [
  { partition: 0, low: 0, end: 10, committed: 10 },
  { partition: 1, low: 2, end: 5, committed: -1 },
];
const remote: Remote = { members: 1, partitions };
const done: Remote = { members: 1, partitions: partitions.slice(0, 1) };

function live(changes: Partial<Live> = {}, fill: (stats: Stats) => void = () => undefined): Live {
  const stats = new Stats();
  fill(stats);
  const condition = { partitions: [0, 1], problem: undefined };
  return {
    uuid: 'u',
    state: 'Enabled',
    modified: 0,
    stats: stats.snapshot(),
    condition,
    ...changes,
  };
}

const condition = (partitions: number[] | undefined, problem?: string) =>
  live({ condition: { partitions, problem } });

test.each<[string, Live | undefined, Remote, RegExp]>([
  ['nothing runs', undefined, { ...remote, members: 0 }, /no `sls offline start` .* runs here/],
  [
    'another process has the group',
    undefined,
    remote,
    /its records go to 1 other member of the group g/,
  ],
  ['it is disabled', live({ state: 'Disabled' }), remote, /it is disabled/],
  ['the broker is away', live(), { members: 0, error: 'refused' }, /localhost:9092 .*: refused/],
  ['the topic is missing', live(), { members: 0 }, /there is no topic orders/],
  ['polling fails', condition(undefined, 'cannot poll'), remote, /cannot poll/],
  ['it joins', condition(undefined), remote, /joins its group/],
  [
    'others have all',
    condition([]),
    { ...remote, members: 3 },
    /no partitions: they belong to 2 other members of the group g$/,
  ],
  [
    'others had all, and have left',
    condition([]),
    { ...remote, members: 1 },
    /no partitions: they belong to other members of the group g/,
  ],
  ['others have some', condition([0]), remote, /other members .* have partitions 1/],
  [
    'a record blocks',
    live({}, (stats) =>
      stats.blocked(1, { offset: 3, reason: 'boom', attempts: 2, isRetried: true }),
    ),
    remote,
    /partition 1 is blocked by offset 3 after 2 attempts: boom; it is tried again/,
  ],
  ['filters drop', live({}, (stats) => stats.count('filtered', 4)), remote, /dropped 4 record/],
  [
    'the function is away',
    live({}, (stats) => {
      stats.count('throttles', 2);
      stats.result('PROBLEM: refused');
    }),
    remote,
    /^2 invocations did not reach the function: PROBLEM: refused$/,
  ],
  [
    'the function was away',
    live({}, (stats) => {
      stats.count('throttles', 2);
      stats.result('OK');
    }),
    remote,
    /^2 invocations did not reach the function$/,
  ],
  ['nothing is new', live(), done, /there is nothing new/],
  ['nothing holds it up', live(), remote, /still to come: 3 records/],
  [
    'a transaction is open',
    live(),
    { members: 1, partitions: [{ partition: 1, low: 0, end: 8, highWatermark: 11, committed: 8 }] },
    /^partition 1: an open transaction at offset 8 holds up what follows it, 3 offsets$/,
  ],
])('why nothing comes: %s', (_, found, kafka, reason) => {
  expect(statusOf(mapping, found, kafka).why).toContainEqual(expect.stringMatching(reason));
});

test('the metrics are the datapoints of the last hour', () => {
  const now = Date.now();
  const point = (at: number) => ({ at, sum: 1, minimum: 1, maximum: 1, samples: 1 });
  const recent = point(now - 30 * 60_000);
  const datapoints = {
    PolledEventCount: [point(now - 61 * 60_000), recent],
    CommitErrorCount: [point(now - 61 * 60_000)],
  };
  const found = live({ metrics: { since: 0, datapoints } });
  expect(statusOf(mapping, found, done).metrics).toEqual({ PolledEventCount: [recent] });
});

test('LATEST with nothing new says that earlier records are not delivered', () => {
  const latest = { ...mapping, startingPosition: 'LATEST' } as const;
  const begun: Remote = {
    members: 1,
    partitions: [{ partition: 0, low: 0, end: 9, committed: -1 }],
  };
  const status = statusOf(latest, live(), begun);
  expect(status).toMatchObject({ lag: 0 });
  expect(status.why[0]).toMatch(/nothing new.*LATEST: records from before its first start/);
});

test('while a transaction is open it does not say that there is nothing new', () => {
  const open = { partition: 0, low: 0, end: 8, highWatermark: 9, committed: 8 };
  expect(statusOf(mapping, live(), { members: 1, partitions: [open] }).why).toEqual([
    'partition 0: an open transaction at offset 8 holds up what follows it, 1 offset',
  ]);
});

test.each([
  [-2, 7],
  [-1, 0],
])('LATEST with %s committed: the lag is %s', (committed, lag) => {
  const latest = { ...mapping, startingPosition: 'LATEST' } as const;
  const begun: Remote = { members: 1, partitions: [{ partition: 0, low: 2, end: 9, committed }] };
  expect(statusOf(latest, live(), begun)).toMatchObject({ lag });
});

test('without a commit, the lag of a partition counts from its first record that is left', () => {
  const status = statusOf(mapping, undefined, remote);
  expect(status).toMatchObject({ lag: 3, partitions: [{ lag: 0 }, { lag: 3 }] });
});
