import { describe, expect, test } from '@jest/globals';
import type { Destination } from '../destination/destination.ts';
import type { Failure } from '../destination/failure.ts';
import type { Invoker } from '../lambda/invoke.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Registry } from '../schema/registry.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { Faults } from './faults.ts';

const mapping = mappingOf('orders', ['b:1'], {
  name: 'notify (orders)',
  uuid: 'm',
  reportBatchItemFailures: true,
  destination: { kind: 'kafka', topic: 'dlq' },
  schemaRegistry: { uri: 'http://r', eventRecordFormat: 'JSON', access: [], attributes: ['VALUE'] },
});
const payload = JSON.stringify({
  records: { 'orders-1': [{ offset: 7 }, { offset: 8 }], 'orders-0': [{ offset: 3 }] },
});

/** Calls of the mapping with its faults, and the function behind them. */
function calls(result: InvocationResult = { kind: 'ok', payload: null }) {
  const faults = new Faults();
  const seen: string[] = [];
  const real: Invoker = {
    invoke: async () => {
      seen.push('invoked');
      return result;
    },
    close: () => seen.push('closed'),
  };
  const invoker = faults.seamsOf(mapping).invoker(real);
  return { faults, seen, invoker, invoke: () => invoker.invoke(Buffer.from(payload)) };
}

test('faults are used in their order, counted down, and gone when they are used up', async () => {
  const { faults, seen, invoke } = calls();
  let told = 0;
  const silence = faults.listen(() => {
    told += 1;
  });
  faults.set(mapping, { kind: 'throttle', count: 2 });
  faults.set(mapping, { kind: 'fail' });
  expect(await invoke()).toMatchObject({ kind: 'notReached' });
  expect(faults.list()).toMatchObject([{ kind: 'throttle', left: 1, used: 1 }, { kind: 'fail' }]);
  expect(faults.list()[0]?.will).toMatch(/^The next invocation of notify \(orders\) is refused/);
  expect(await invoke()).toMatchObject({ kind: 'notReached' });
  expect(await invoke()).toMatchObject({ kind: 'functionError' });
  expect(faults.list()).toEqual([]);
  silence();
  const before = told;
  expect(await invoke()).toEqual({ kind: 'ok', payload: null });
  expect([seen, told > 0, told === before]).toEqual([['invoked'], true, true]);
});

test('a fault of another mapping is not used', async () => {
  const { faults, seen, invoke } = calls();
  faults.set({ ...mapping, uuid: 'other' }, { kind: 'fail' });
  await invoke();
  expect([seen, faults.list()[0]?.used]).toEqual([['invoked'], 0]);
});

test('each attempt that times out has a request id of its own', async () => {
  const { faults, invoke } = calls();
  faults.set(mapping, { kind: 'timeout', count: 2 });
  const [first, second] = [await invoke(), await invoke()];
  expect(first).toMatchObject({ executedVersion: '$LATEST' });
  expect(first).not.toEqual(second);
});

describe('a partial failure', () => {
  const item = (partition: string, offset: number) => ({ itemIdentifier: { partition, offset } });

  test.each([
    ['reports the first record of the batch', null, [item('orders-1', 7)]],
    [
      'keeps those that the function reports',
      { batchItemFailures: [item('orders-0', 3)] },
      [item('orders-1', 7), item('orders-0', 3)],
    ],
  ])('%s', async (_, answer, expected) => {
    const { faults, invoke } = calls({ kind: 'ok', payload: answer });
    faults.set(mapping, { kind: 'partial' });
    expect(await invoke()).toEqual({ kind: 'ok', payload: { batchItemFailures: expected } });
  });

  test('leaves the failure of the function as it is', async () => {
    const failed = { kind: 'functionError', message: 'Unhandled: no' } as const;
    const { faults, invoke } = calls(failed);
    faults.set(mapping, { kind: 'partial' });
    expect(await invoke()).toEqual(failed);
  });
});

test('a delay is listed until it is over, and ends with the mapping', async () => {
  const { faults, seen, invoker, invoke } = calls();
  faults.set(mapping, { kind: 'delay', delayMs: 600_000 });
  const invoked = invoke();
  expect(faults.list()).toMatchObject([{ left: 0, will: expect.stringMatching(/begin soon/) }]);
  expect(seen).toEqual([]);
  // Another invocation is not delayed.
  await invoke();
  expect(seen).toEqual(['invoked']);
  invoker.close();
  expect(await invoked).toMatchObject({ kind: 'notReached' });
  expect([seen, faults.list()]).toEqual([['invoked', 'closed'], []]);
});

test('a registry and a destination are away until that is ended, and then answer as before', async () => {
  const faults = new Faults();
  const sent: unknown[] = [];
  const seams = faults.seamsOf(mapping);
  const registry = seams.registry({
    find: async (id) => ({ format: 'AVRO', text: String(id), references: [] }),
    close: () => undefined,
  } satisfies Registry);
  const destination = seams.destination({
    name: 'kafka://dlq',
    send: async (failure) => void sent.push(failure),
    close: async () => undefined,
  } satisfies Destination);
  const failure = {} as Failure;
  const send = () => destination.send(failure, () => undefined);
  const [away, gone] = [
    faults.set(mapping, { kind: 'registryAway' }),
    faults.set(mapping, { kind: 'destinationAway' }),
  ];
  for (let index = 0; index < 3; index += 1) {
    await expect(registry.find(1)).rejects.toMatchObject({ name: 'RegistryAway' });
    await expect(send()).rejects.toThrow('switched off by a fault');
  }
  expect(faults.list().map(({ left, used }) => [left, used])).toEqual([
    [undefined, 3],
    [undefined, 3],
  ]);
  faults.end(away.id);
  faults.end(gone.id);
  expect(await registry.find(1)).toMatchObject({ text: '1' });
  await send();
  expect([sent, destination.name]).toEqual([[failure], 'kafka://dlq']);
  expect(faults.end(away.id)).toBeUndefined();
});
