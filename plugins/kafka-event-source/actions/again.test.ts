import { describe, expect, test } from '@jest/globals';
import { cannedEvent } from '../commands/canned.ts';
import type { KafkaEvent } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Mapping } from '../mapping.ts';
import type { Invocation, Recorder, RunAgain } from '../recorder/types.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { againSchema, runAgain } from './again.ts';

const mapping: Mapping = mappingOf('orders', ['localhost:1'], { uuid: 'm' });
const payload = JSON.stringify(JSON.parse(cannedEvent('partitions', 'orders')));
const places = Object.values((JSON.parse(payload) as KafkaEvent).records)
  .flat()
  .map(({ topic, partition, offset }) => ({ topic, partition, offset }));
const old = {
  id: 'old',
  mapping: 'm',
  functionKey: 'test',
  payload,
  recordIds: places.map((one) => ({ mapping: 'm', ...one, offset: String(one.offset) })),
} as unknown as Invocation;

/** A recorder that has the old invocation, and a function that answers with the result. */
function actions(
  result: InvocationResult = { kind: 'ok', payload: null },
  invocation: Invocation = old,
  problem?: string,
) {
  const [payloads, runs, results]: [string[], RunAgain[], InvocationResult[]] = [[], [], []];
  let closed = 0;
  const ending = new AbortController();
  const recorder = {
    problem,
    invocation: async (id: string) => {
      if (id === 'new') return { ...invocation, id: 'new', state: 'succeeded' } as Invocation;
      return id === invocation.id ? invocation : undefined;
    },
    ranAgain: (run: RunAgain) => {
      runs.push(run);
      return { id: 'new', end: (one: InvocationResult) => void results.push(one) };
    },
    flush: async () => undefined,
  } as unknown as Recorder;
  const context = {
    runtime: { get: (uuid: string) => (uuid === 'm' ? { mapping } : undefined) },
    log: {},
    ending: ending.signal,
    recorder,
    invokerOf: () => ({
      invoke: async (given: Buffer) => {
        payloads.push(given.toString());
        if (given.includes('end here')) ending.abort();
        return result;
      },
      close: () => {
        closed += 1;
      },
    }),
  } as unknown as Parameters<typeof runAgain>[0];
  const run = (wish: object, isDryRun = false, id = 'old') =>
    runAgain(context, id, againSchema.parse(wish), isDryRun);
  return { run, payloads, runs, results, closed: () => closed };
}

const sent = (text = '') =>
  Object.values((JSON.parse(text) as KafkaEvent).records)
    .flat()
    .map(({ topic, partition, offset }) => ({ topic, partition, offset }));

describe('an invocation runs again', () => {
  test('as it was, byte for byte, as a new invocation that names the old one', async () => {
    const { run, payloads, runs, results, closed } = actions();
    expect(await run({ mode: 'same' })).toMatchObject({ id: 'new', originalId: 'old' });
    expect(payloads).toEqual([payload]);
    expect(runs).toMatchObject([{ mapping: 'm', originalId: 'old', records: old.recordIds }]);
    expect([results, closed()]).toEqual([[{ kind: 'ok', payload: null }], 1]);
  });

  test('with a failure of the function as its result', async () => {
    const failed = { kind: 'functionError', message: 'Unhandled: no' } as const;
    const { run, results } = actions(failed);
    await run({ mode: 'same' });
    expect(results).toEqual([failed]);
  });

  test.each([
    ['record', [1]],
    ['without', [0, 2, 3]],
  ] as const)('with the records of the mode %s', async (mode, expected) => {
    const { run, payloads, runs } = actions();
    await run({ mode, record: places[1] });
    expect(sent(payloads[0])).toEqual(expected.map((index) => places[index]));
    expect(runs[0]?.records).toHaveLength(expected.length);
  });

  test('with the edited event, as text or as JSON', async () => {
    const { run, payloads, runs } = actions();
    await run({ mode: 'edited', payload: '{"records":{"orders-0":[null,{"x":1}]}}' });
    await run({ mode: 'edited', payload: JSON.parse(payload) });
    expect(payloads).toEqual(['{"records":{"orders-0":[null,{"x":1}]}}', payload]);
    expect(runs.map(({ records }) => records.length)).toEqual([0, places.length]);
  });
});

test('a run that the end of the emulator cuts off has no result, and closes its connection', async () => {
  const { run, results, closed } = actions({ kind: 'notReached', message: 'socket hang up' });
  const cut = run({ mode: 'edited', payload: '{"value":"end here"}' });
  await expect(cut).rejects.toMatchObject({ code: 'Ended', status: 503 });
  expect(results).toEqual([]);
  expect(closed()).toBeGreaterThan(0);
  await expect(run({ mode: 'same' })).rejects.toMatchObject({ code: 'Ended' });
});

test('a dry run says what it will do, and calls nothing', async () => {
  const { run, payloads } = actions();
  expect(await run({ mode: 'record', record: places[3] }, true)).toEqual({
    will:
      'Calls the function of test with orders-2 offset 42 alone (1 record) of invocation old: its ' +
      'effects happen again, no offset moves, and a failure is not tried again.',
  });
  expect(payloads).toEqual([]);
});

test.each([
  [{ mode: 'edited', payload: '{' }, 400, /payload: is not JSON/],
  [{ mode: 'edited', payload: `"${'x'.repeat(6 * 1024 * 1024)}"` }, 413, /at most 6 MB/],
  [
    { mode: 'record', record: { topic: 'orders', partition: 9, offset: 1 } },
    400,
    /orders-9 offset 1/,
  ],
])('a wrong request calls nothing: %#', async (wish, status, message) => {
  const { run, payloads } = actions();
  await expect(run(wish)).rejects.toMatchObject({
    status,
    message: expect.stringMatching(message),
  });
  expect(payloads).toEqual([]);
});

test('an invocation, a mapping or a recorder that is gone is named', async () => {
  const same = { mode: 'same' };
  await expect(actions().run(same, false, 'other')).rejects.toMatchObject({
    code: 'NoSuchInvocation',
  });
  const moved = { ...old, mapping: 'gone' };
  await expect(actions(undefined, moved).run(same)).rejects.toMatchObject({
    code: 'NoSuchMapping',
  });
  await expect(
    actions(undefined, old, 'the store is of a newer version').run(same),
  ).rejects.toThrow('No invocation is recorded: the store is of a newer version.');
  const single = { ...old, recordIds: old.recordIds.slice(0, 1) };
  await expect(
    actions(undefined, single).run({ mode: 'without', record: places[0] }),
  ).rejects.toThrow('nothing is left without it');
});

test.each([
  { mode: 'same', payload: '{}' },
  { mode: 'edited' },
  { mode: 'record' },
  { mode: 'same', record: { topic: 't', partition: 0, offset: 0 } },
  { mode: 'twice' },
])('the request %j is refused', (wish) => {
  expect(againSchema.safeParse(wish).success).toBe(false);
});
