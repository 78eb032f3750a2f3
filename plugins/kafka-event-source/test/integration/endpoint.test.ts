import { expect, test } from '@jest/globals';
import { freePort } from '../../broker/ports.ts';
import { Bench, counting, startLambda, success, until, values } from './bench.ts';

test('an invocation without an answer ends at the time limit and is delivered again', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const never = new Promise<never>(() => undefined);
  const lambda = await bench.lambda((_, index) => (index === 0 ? never : success));
  await bench.produceCount(2);
  bench.poll(lambda, { timeoutMs: 300 });
  await until('the commit', async () => (await bench.committed()) === 2);
  expect(values(lambda)).toEqual(['0', '1', '0', '1']);
  expect(bench.log.join('\n')).toMatch(/attempt 1: no answer from .* within 300 ms/);
});

test('a payload refused as too large is cut in half until it fits', async () => {
  await using bench = new Bench();
  await bench.createTopic(2);
  const lambda = await bench.lambda(({ records }) =>
    records.length > 2 ? { status: 413, body: '{"message":"too large"}' } : success,
  );
  for (const partition of [0, 1]) await bench.produceCount(5, { partition });
  bench.poll(lambda, { batchSize: 10, windowMs: 2_000 });
  await until(
    'the commits',
    async () => (await bench.committed(0)) === 5 && (await bench.committed(1)) === 5,
  );
  const accepted = lambda.invocations.filter(({ records }) => records.length <= 2);
  for (const partition of [0, 1]) {
    const delivered = accepted
      .flatMap(({ records }) => records)
      .filter((record) => record.partition === partition)
      .map(({ offset }) => offset);
    expect(delivered).toEqual(counting(0, 5).map(Number));
  }
});

test('throttles and refused connections are no attempts, and are tried again', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const port = await freePort();
  await bench.produceCount(1);
  bench.poll({ endpoint: `http://127.0.0.1:${port}` });
  const failures = () => bench.log.filter((line) => line.startsWith('error'));
  await until('a refused connection', () => failures().length > 0);
  const back = await startLambda(port);
  back.handle((_, index) => (index === 0 ? { status: 429 } : success));
  await until('the commit', async () => (await bench.committed()) === 1);
  expect(back.invocations).toHaveLength(2);
  expect(failures().every((line) => line.includes('attempt 0'))).toBe(true);
  await back.close();
});

test('a status that keeps a batch from the function is no attempt: 429, 500, 503, 404', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const statuses = [429, 500, 503, 404];
  const lambda = await bench.lambda((_, index) => ({ ...success, status: statuses[index] ?? 200 }));
  await bench.produceCount(1);
  const poller = bench.poll(lambda, { maximumRetryAttempts: 0 });
  await until('the commit', async () => (await bench.committed()) === 1);
  expect(lambda.invocations).toHaveLength(5);
  expect(poller.stats.snapshot()).toMatchObject({ throttles: 4, dropped: 0, succeeded: 1 });
});

test('an answer of up to 6 MB is accepted, and a longer one is an error of the function', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const answer = (bytes: number) => ({ body: `"${'x'.repeat(bytes - 2)}"` });
  const lambda = await bench.lambda((_, index) => answer(index === 0 ? 6_291_556 : 6_291_557));
  await bench.produceCount(2);
  const poller = bench.poll(lambda, { batchSize: 1, maximumRetryAttempts: 1 });
  await until('the commit', async () => (await bench.committed()) === 2);
  expect(values(lambda)).toEqual(['0', '1', '1']);
  expect(poller.stats.snapshot()).toMatchObject({ succeeded: 1, dropped: 1, throttles: 0 });
});
