import { expect, test } from '@jest/globals';
import { createLedTopics } from '../../topics.ts';
import { startSchemaRegistry } from '../support/schema-registry.ts';
import { act } from './acting.ts';
import { Bench, counting, success, until, values } from './bench.ts';

type Api = Awaited<ReturnType<typeof act>>;

const logged = (api: Api, words: RegExp) =>
  until(String(words), () => words.test(api.lines.join('\n')), { seen: () => api.lines.slice(-5) });

async function ready(partitions = 1) {
  const bench = new Bench();
  await bench.createTopic(partitions);
  return { bench, lambda: await bench.lambda() };
}

test.concurrent.each([
  ['fail', /attempt 2: Unhandled: this invocation fails by a fault that was set here/],
  ['timeout', /attempt 2: Unhandled: RequestId: [\w-]+ Error: Task timed out after 6\.00 seconds/],
  // A throttle is no attempt.
  ['throttle', /attempt 0: status 429: Rate Exceeded/],
] as const)(
  '%s: the next two invocations go wrong without the function, and the third succeeds',
  async (kind, words) => {
    const { bench, lambda } = await ready();
    await using _ = bench;
    await using api = await act(bench, lambda);
    const { status, body } = await api.fault({ kind, count: 2 });
    expect([status, body]).toMatchObject([200, { kind, left: 2, used: 0, mapping: api.uuid }]);
    expect(body.will).toMatch(
      /^Each of the next 2 invocations of test .*the function is not called/,
    );
    expect((await api.get('/api/faults')).body.items).toEqual([body]);
    await bench.produceCount(3);
    await until('the records', () => values(lambda).length === 3);
    expect(values(lambda)).toEqual(counting(0, 3));
    await logged(api, words);
    expect((await api.get('/api/faults')).body.items).toEqual([]);
  },
);

test('partial: the function is called, and the first record comes again', async () => {
  const { bench, lambda } = await ready();
  await using _ = bench;
  await using api = await act(bench, lambda, { reportBatchItemFailures: true, windowMs: 200 });
  await api.fault({ kind: 'partial' });
  await bench.produceCount(3);
  await until('the retry', () => values(lambda).length === 4);
  await until('the commit', async () => (await bench.committed()) === 3);
  expect(values(lambda)).toEqual([...counting(0, 3), '0']);
});

test('delay: the invocation begins late, and at once when the fault is ended', async () => {
  const { bench, lambda } = await ready();
  await using _ = bench;
  await using api = await act(bench, lambda);
  const { body: fault } = await api.fault({ kind: 'delay', delayMs: 600_000 });
  await bench.produceCount(1);
  await until('the delay', async () => (await api.get('/api/faults')).body.items[0]?.used === 1);
  expect(lambda.invocations).toHaveLength(0);
  expect((await api.remove(`/api/faults/${fault.id}`)).body.ended).toHaveLength(1);
  await until('the invocation', () => lambda.invocations.length === 1);
});

test('destinationAway: records wait for their destination until the fault is ended', async () => {
  const { bench, lambda } = await ready();
  await using _ = bench;
  const topic = `${bench.topic}-dlq`;
  await createLedTopics(bench.admin, [{ topic }]);
  lambda.handle(() => ({ functionError: 'Unhandled', body: '{}' }));
  await using api = await act(bench, lambda, {
    destination: { kind: 'kafka', topic },
    maximumRetryAttempts: 0,
    pollers: { minimum: 1, maximum: 1 },
  });
  const letters = async () => Number((await bench.admin.fetchTopicOffsets(topic))[0]?.high);
  const { body } = await api.fault({ kind: 'destinationAway' });
  expect(body.will).toMatch(/takes nothing until you end this; records wait for it/);
  await bench.produceCount(1);
  await logged(api, /did not take 1 record .*switched off by a fault/);
  expect([await letters(), await bench.committed()]).toEqual([0, -1]);
  expect((await api.remove(`/api/faults?mapping=${api.uuid}`)).body.ended).toHaveLength(1);
  await until('the letter', async () => (await letters()) === 1);
});

test('registryAway: records wait for the schema registry until the fault is used up', async () => {
  const { bench, lambda } = await ready();
  await using _ = bench;
  await using registry = await startSchemaRegistry();
  const id = registry.add('s', { type: 'string' });
  await using api = await act(bench, lambda, {
    schemaRegistry: {
      uri: registry.url,
      eventRecordFormat: 'JSON',
      access: [],
      attributes: ['VALUE'],
    },
  });
  await api.fault({ kind: 'registryAway', count: 2 });
  await bench.produce([{ value: Buffer.from([0, 0, 0, 0, id, 2, 120]), partition: 0 }]);
  await logged(api, /no schema from its registry: schema 1: switched off by a fault/);
  await until('the record', () => lambda.invocations.length === 1);
  expect(registry.requests).toHaveLength(1);
});

test('a dry run and a wrong request change nothing, and say what to do', async () => {
  const { bench, lambda } = await ready();
  await using _ = bench;
  lambda.handle(() => success);
  await using api = await act(bench, lambda, { enabled: false });
  const wish = { mapping: api.uuid, kind: 'fail' };
  expect((await api.post('/api/faults?dryRun=true', wish)).body).toEqual({
    will: 'The next invocation of test ends with a function error; the function is not called.',
  });
  for (const [wrong, status, code] of [
    [{ kind: 'partial' }, 400, 'FaultWithoutEffect'],
    [{ kind: 'registryAway' }, 400, 'FaultWithoutEffect'],
    [{ kind: 'delay' }, 400, 'BadRequest'],
    [{ kind: 'explode' }, 400, 'BadRequest'],
    [{ kind: 'fail', mapping: 'other' }, 404, 'NoSuchMapping'],
  ] as const) {
    expect(await api.fault(wrong)).toMatchObject({ status, body: { error: { code } } });
  }
  expect(await api.remove('/api/faults/none')).toMatchObject({ status: 404 });
  const plain = await fetch(`${api.url}/api/faults`, {
    method: 'POST',
    body: '{}',
    headers: { authorization: api.authorization },
  });
  expect(plain.status).toBe(415);
  expect((await api.get('/api/faults')).body.items).toEqual([]);
});
