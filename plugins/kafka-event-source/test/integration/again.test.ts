import { expect, test } from '@jest/globals';
import { againSchema, runAgain } from '../../actions/again.ts';
import { createInvoker } from '../../lambda/invoke.ts';
import type { Invocation, Recorder, RunAgain } from '../../recorder/types.ts';
import { act, clientOf } from './acting.ts';
import { Bench, failure, success, until } from './bench.ts';

test('an event whose private values are not recorded comes from Kafka again, byte for byte', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const lambda = await bench.lambda();
  const poller = bench.poll(lambda, { windowMs: 300 });
  await bench.produce(
    Array.from({ length: 6 }, (_, index) => ({
      key: `k${index}`,
      value: `{"contact":"c${index}"}`,
      headers: { h: Buffer.from([index, 255]) },
      partition: index % 2,
    })),
  );
  const seen = () => lambda.invocations.flatMap(({ records }) => records);
  await until('the records', () => seen().length === 6);
  await poller.stop();
  const [first] = lambda.invocations;
  const recordIds = (first?.records ?? []).map(({ topic, partition, offset }) => ({
    mapping: 'm',
    topic,
    partition,
    offset: String(offset),
  }));
  const mapping = bench.mapping();
  const runs: RunAgain[] = [];
  const recorder = (invocation: Partial<Invocation>) =>
    ({
      invocation: async () => ({
        id: 'old',
        mapping: 'm',
        redacted: true,
        recordIds,
        ...invocation,
      }),
      ranAgain: (run: RunAgain) => {
        runs.push(run);
        return { id: 'new', end: () => undefined };
      },
      flush: async () => undefined,
    }) as unknown as Recorder;
  const again = (invocation: Partial<Invocation>) =>
    runAgain(
      {
        runtime: { get: () => ({ mapping }) },
        log: { debug: () => undefined },
        ending: new AbortController().signal,
        recorder: recorder(invocation),
        invokerOf: () =>
          createInvoker({ endpoint: lambda.endpoint, functionName: 'f', timeoutMs: 5_000 }),
      } as unknown as Parameters<typeof runAgain>[0],
      'old',
      againSchema.parse({ mode: 'same' }),
      false,
    );
  const before = await bench.commits();
  await again({ payload: '{"masked":true}' });
  expect(lambda.invocations.at(-1)?.body).toBe(first?.body);
  await again({ redacted: undefined });
  expect(lambda.invocations.at(-1)?.body).toBe(first?.body);
  expect(runs).toHaveLength(2);
  expect(await bench.commits()).toEqual(before);

  const count = lambda.invocations.length;
  const other = recordIds.map((one) => ({ ...one, topicId: 'f'.repeat(32) }));
  await expect(again({ recordIds: other })).rejects.toMatchObject({
    code: 'RecordsGone',
    status: 410,
  });
  await bench.deleteUpTo(1);
  await expect(again({})).rejects.toMatchObject({ code: 'RecordsGone', status: 410 });
  expect(lambda.invocations).toHaveLength(count);
});

test('a failed invocation that is recorded runs again, and the new one names it', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda(() => failure);
  await using api = await act(bench, lambda, {
    maximumRetryAttempts: 0,
    pollers: { minimum: 1, maximum: 1 },
    windowMs: 300,
  });
  await bench.produceCount(3);
  await until('the end of the records', async () => (await bench.committed()) === 3);
  lambda.handle(() => success);
  const { client, call } = await clientOf(api.url);
  const list = async () => (await call('list_invocations')).body?.items ?? [];
  await until('the invocation', async () => (await list()).at(-1)?.state === 'failed');
  const old = (await list()).at(-1);
  const count = lambda.invocations.length;
  const { body } = await api.post(`/api/invocations/${old.id}/again`, {
    mode: 'without',
    record: { topic: bench.topic, partition: 0, offset: 1 },
  });
  expect(body).toMatchObject({ originalId: old.id, state: 'succeeded', records: old.records - 1 });
  expect(body.id).not.toBe(old.id);
  const offsets = lambda.invocations.at(-1)?.records.map(({ offset }) => offset);
  expect([lambda.invocations.length, offsets]).toEqual([count + 1, [0, 2]]);
  expect(await bench.committed()).toBe(3);
  expect((await list())[0]).toMatchObject({ id: body.id, originalId: old.id });
  await client.close();
});

test('a run by hand that is under way ends with the emulator', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const lambda = await bench.lambda();
  let answer: Promise<unknown>;
  {
    // The time limit of the function is not what ends it.
    await using api = await act(bench, lambda, { timeoutMs: 900_000 });
    await bench.produceCount(1);
    const items = async () => (await api.get('/api/invocations')).body.items;
    await until('the invocation', async () => (await items())[0]?.state === 'succeeded');
    const [{ id }] = await items();
    lambda.handle(() => new Promise(() => undefined));
    answer = api.post(`/api/invocations/${id}/again`, { mode: 'same' }).catch(() => 'none');
    await until('the run', () => lambda.invocations.length === 2);
  }
  await until('the end of the run', () => lambda.invocations[1]?.isLeft === true);
  expect(await answer).toBe('none');
});
