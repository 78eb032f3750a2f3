import { expect, test } from '@jest/globals';
import { act } from './acting.ts';
import { Bench, counting, until, values } from './bench.ts';

type Api = Awaited<ReturnType<typeof act>>;

/** A mapping that has done five records on each of the partitions. */
async function done(partitions: number, changes: Parameters<typeof act>[2] = {}) {
  const bench = new Bench();
  await bench.createTopic(partitions);
  const lambda = await bench.lambda();
  const api = await act(bench, lambda, changes);
  for (let partition = 0; partition < partitions; partition += 1) {
    await bench.produceCount(5, { partition, from: partition * 10 });
  }
  for (let partition = 0; partition < partitions; partition += 1) {
    await until('the commit', async () => (await bench.committed(partition)) === 5);
  }
  const dispose = async () => {
    await api[Symbol.asyncDispose]();
    await bench[Symbol.asyncDispose]();
  };
  return { bench, lambda, api, [Symbol.asyncDispose]: dispose };
}

const mapping = (api: Api, rest: string) => `/api/mappings/${api.uuid}/${rest}`;
const state = async (api: Api) => {
  const found = await api.get(`/2015-03-31/event-source-mappings/${api.uuid}`);
  return found.body.State;
};

test('a mapping is paused, gets another batch size, and goes on', async () => {
  await using all = await done(1);
  const { bench, lambda, api } = all;
  const dry = await api.post(mapping(api, 'pause?dryRun=true'));
  expect(dry.body.will).toMatch(/^Stops test after its invocations have ended/);
  expect((await api.post(mapping(api, 'pause'))).body).toMatchObject({ state: 'Disabling' });
  expect(await api.post(mapping(api, 'resume'))).toMatchObject({
    status: 409,
    body: { error: { code: 'MappingInUse' } },
  });
  await until('the pause', async () => (await state(api)) === 'Disabled');
  const size = { size: 2 };
  expect((await api.post(mapping(api, 'batch-size'), size)).body).toMatchObject({ batchSize: 2 });
  await until('the change', async () => (await state(api)) === 'Disabled');
  await bench.produceCount(4, { from: 5 });
  await api.post(mapping(api, 'resume'));
  await until('the rest', () => values(lambda).length === 9);
  expect(Math.max(...lambda.invocations.slice(1).map(({ records }) => records.length))).toBe(2);
  for (const path of ['batch-size', 'batch-size?dryRun=true']) {
    expect(await api.post(mapping(api, path), { size: 10_001 })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining("Value '10001' at 'batchSize'") } },
    });
  }
});

test('the group is moved to the beginning, an offset, a time and the end, and says first what will happen', async () => {
  await using all = await done(2);
  const { bench, lambda, api } = all;
  const move = (to: object) => api.post(mapping(api, 'position'), to);
  const dry = await api.post(mapping(api, 'position?dryRun=true'), { to: 'beginning' });
  expect(dry.body.will).toMatch(
    /moves its group \S+, and starts it again: partition 0 from 5 to 0, partition 1 from 5 to 0; up to 10 records delivered again\.$/,
  );
  expect([await bench.committed(0), values(lambda).length]).toEqual([5, 10]);

  expect((await move({ to: 'beginning', partition: 1 })).body.moves).toEqual([
    { partition: 1, from: 5, to: 0, again: 5, skipped: 0 },
  ]);
  await until('partition 1 again', () => values(lambda, 1).length === 10);
  await until('its commit', async () => (await bench.committed(1)) === 5);
  await move({ to: { partition: 0, offset: 3 } });
  await until('two of partition 0 again', () => values(lambda, 0).length === 7);
  expect(values(lambda, 0)).toEqual([...counting(0, 5), '3', '4']);
  await until('their commit', async () => (await bench.committed(0)) === 5);

  const later = Date.now() + 3_600_000;
  await bench.produce([{ value: 'later', partition: 0, timestamp: String(later) }]);
  await until('the new one', () => values(lambda, 0).length === 8);
  await until('its commit', async () => (await bench.committed(0)) === 6);
  await move({ to: { timestamp: later }, partition: 0 });
  await until('the new one again', () => values(lambda, 0).length === 9);
  expect(values(lambda, 0).slice(-2)).toEqual(['later', 'later']);
});

test('a paused mapping is moved to the end, skips its records, and stays paused', async () => {
  await using all = await done(1);
  const { bench, lambda, api } = all;
  await api.post(mapping(api, 'pause'));
  await until('the pause', async () => (await state(api)) === 'Disabled');
  await bench.produceCount(3, { from: 5 });
  const { body } = await api.post(mapping(api, 'position'), { to: 'end' });
  expect(body.moves).toEqual([{ partition: 0, from: 5, to: 8, again: 0, skipped: 3 }]);
  expect([await state(api), await bench.committed()]).toEqual(['Disabled', 8]);
  // The note beside the commit tells the poller that the topic is still the same.
  const [commit] = await bench.commits();
  expect(commit?.metadata).toMatch(/^topic-id=[0-9a-f]{32} partitions-at-first=1$/);
  await api.post(mapping(api, 'resume'));
  await bench.produceCount(1, { from: 8 });
  await until('the next record', () => values(lambda).length === 6);
  expect(values(lambda)).toEqual([...counting(0, 5), '8']);
});

test('a wrong place, and a group with members elsewhere, are refused, and the mapping goes on', async () => {
  await using all = await done(2);
  const { bench, lambda, api } = all;
  const move = (to: object) => api.post(mapping(api, 'position'), to);
  for (const [wrong, status, message] of [
    [{ to: 'middle' }, 400, /to: is "beginning", "end"/],
    [{ to: { partition: 0, offset: 6 } }, 400, /has the offsets 0 to 5, and not 6/],
    [{ to: 'end', partition: 2 }, 400, /has the partitions 0 to 1, and not 2/],
  ] as const) {
    const found = await move(wrong);
    expect([found.status, found.body.error.message]).toEqual([
      status,
      expect.stringMatching(message),
    ]);
  }
  // The poller was not stopped for them.
  const status = await api.get('/kafka-event-source/status');
  expect(status.body.mappings[0].condition.partitions).toEqual([0, 1]);
  const other = bench.poll(lambda);
  await until('both members', () => (other.condition.partitions?.length ?? 0) === 1);
  expect(await move({ to: 'beginning' })).toMatchObject({
    status: 409,
    body: { error: { code: 'GroupInUse' } },
  });
  expect(await bench.committed(0)).toBe(5);
  await other.stop();
  await bench.produceCount(1, { from: 5 });
  await until('the next record', () => values(lambda).includes('5'));
});
