import { expect, test } from '@jest/globals';
import type { Definition } from '../definition.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { type Running, Runtime } from './runtime.ts';

const mapping = mappingOf('topic', ['b:1']);
const definitions = [{ mapping } as unknown as Definition];
const running = (stop: Running['stop']): Running => ({
  stats: () => ({}) as ReturnType<Running['stats']>,
  condition: () => ({ partitions: [], problem: undefined }),
  stop,
});
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a poller that does not stop in order is reported, and the change goes on', async () => {
  const told: string[] = [];
  let runs = 0;
  const run = () => {
    runs += 1;
    return running(() => Promise.reject(new Error('no answer')));
  };
  const runtime = new Runtime(definitions, run, (message) => told.push(message));
  runtime.update(mapping.uuid, { batchSize: 7 });
  await settle();
  expect(runtime.get(mapping.uuid)?.state).toBe('Enabled');
  expect(runs).toBe(2);
  expect(told).toEqual(['test: its poller did not stop in order: Error: no answer']);
});

test('a stop during a change waits until the poller has left, and starts no other', async () => {
  const left = Promise.withResolvers<void>();
  const waits: (number | undefined)[] = [];
  let runs = 0;
  const runtime = new Runtime(definitions, () => {
    runs += 1;
    return running((waitMs) => {
      waits.push(waitMs);
      return left.promise;
    });
  });
  runtime.update(mapping.uuid, { batchSize: 7 });
  let isOver = false;
  const stopped = runtime.stop().then(() => {
    isOver = true;
  });
  await settle();
  expect(isOver).toBe(false);
  left.resolve();
  await stopped;
  expect(waits).toEqual([Number.POSITIVE_INFINITY, undefined]);
  expect(runs).toBe(1);
});

test.each([
  ['stays over changes', { lastResult: 'No records processed', lastResultAt: undefined }, 'OK'],
  ['is replaced by another one', { lastResult: 'PROBLEM: x', lastResultAt: 6 }, 'PROBLEM: x'],
])('the last result %s', async (_, after, shown) => {
  const results: object[] = [{ lastResult: 'OK', lastResultAt: 5 }, after, after];
  const runtime = new Runtime(definitions, () => {
    const stats = results.shift() as ReturnType<Running['stats']>;
    return { ...running(async () => undefined), stats: () => stats };
  });
  for (const batchSize of [7, 8]) {
    runtime.update(mapping.uuid, { batchSize });
    await settle();
    expect(runtime.get(mapping.uuid)?.stats?.lastResult).toBe(shown);
  }
});

test('a disabled mapping emits nothing, and goes on counting when it is enabled again', async () => {
  const given: Metrics[] = [];
  const runtime = new Runtime(definitions, (enabled, metrics) => {
    given.push(metrics);
    metrics.emitter(enabled)('OffsetLag', 1);
    return running(async () => undefined);
  });
  const samples = () =>
    runtime
      .get(mapping.uuid)
      ?.metrics.datapoints.OffsetLag?.reduce((sum, one) => sum + one.samples, 0);
  expect(samples()).toBe(1);
  runtime.update(mapping.uuid, { enabled: false });
  await settle();
  expect([runtime.get(mapping.uuid)?.state, given.length, samples()]).toEqual(['Disabled', 1, 1]);
  runtime.update(mapping.uuid, { enabled: true });
  await settle();
  expect(new Set(given).size).toBe(1);
  expect(samples()).toBe(2);
});

test('a service that is read anew restarts the mappings that changed, and no others', async () => {
  const began: string[] = [];
  const ended: string[] = [];
  const run = ({ uuid, batchSize }: typeof mapping): Running => {
    began.push(`${uuid} ${batchSize}`);
    return running(async () => {
      ended.push(uuid);
    });
  };
  const named = (uuid: string, changes: Partial<typeof mapping> = {}) =>
    ({ mapping: { ...mapping, uuid, ...changes } }) as Definition;
  const runtime = new Runtime([named('same'), named('changed'), named('gone')], run);
  runtime.update('same', { batchSize: 7 });
  await settle();
  began.length = 0;
  ended.length = 0;
  await runtime.replace([named('same'), named('changed', { batchSize: 9 }), named('new')]);
  expect(began.toSorted()).toEqual([`changed 9`, `new ${mapping.batchSize}`]);
  expect(ended.toSorted()).toEqual(['changed', 'gone']);
  expect(runtime.list().map((one) => [one.mapping.uuid, one.state])).toEqual([
    ['same', 'Enabled'],
    ['changed', 'Enabled'],
    ['new', 'Enabled'],
  ]);
  expect(runtime.get('same')?.mapping.batchSize).toBe(7);
});

test('work is done while a mapping is stopped, and the mapping runs again, also when the work fails', async () => {
  const happened: string[] = [];
  const runtime = new Runtime(definitions, () => {
    happened.push('began');
    return running(async (waitMs) => {
      happened.push(`stopped within ${waitMs}`);
    });
  });
  const work = runtime.whileStopped(mapping.uuid, 5, async () => {
    happened.push(`worked while ${runtime.get(mapping.uuid)?.state}`);
    return 'done';
  });
  expect(() => runtime.update(mapping.uuid, { batchSize: 7 })).toThrow('test is Updating');
  expect(await work).toBe('done');
  await expect(
    runtime.whileStopped(mapping.uuid, 5, () => Promise.reject(new Error('no answer'))),
  ).rejects.toThrow('no answer');
  expect(runtime.get(mapping.uuid)?.state).toBe('Enabled');
  expect(happened).toEqual([
    'began',
    'stopped within 5',
    'worked while Updating',
    'began',
    'stopped within 5',
    'began',
  ]);
  expect(runtime.whileStopped('other', 5, async () => undefined)).toBeUndefined();
});

test('the end of the service does not wait for work that hangs, and starts no poller after it', async () => {
  let runs = 0;
  const runtime = new Runtime(definitions, () => {
    runs += 1;
    return running(async () => undefined);
  });
  void runtime.whileStopped(mapping.uuid, 5, () => new Promise(() => undefined));
  await runtime.stop();
  expect(runs).toBe(1);
});
