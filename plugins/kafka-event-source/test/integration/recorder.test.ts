import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Reader } from '../../recorder/reader.ts';
import { Recording } from '../../recorder/recording.ts';
import { openForReading } from '../../recorder/schema.ts';
import type { RecordQuery, RecordSummary } from '../../recorder/types.ts';
import { createLedTopics } from '../../topics.ts';
import { recorder } from '../support/recorded.ts';
import { PLUGIN } from '../support/root.ts';
import { Bench, failure, success, until } from './bench.ts';
import { createService, runOffline } from './offline-service.ts';

let recording: Recording;
let folder: string;

beforeEach(() => {
  ({ recording, folder } = recorder());
});

afterEach(async () => {
  await recording.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Polls the topic of a bench with a recorder. */
function poll(bench: Bench, ...[lambda, changes, options]: Parameters<Bench['poll']>) {
  const onStep = recording.observe(bench.mapping(changes));
  return bench.poll(lambda, changes, { ...options, onStep });
}

async function recorded(count: number, query: RecordQuery): Promise<readonly RecordSummary[]> {
  let items: readonly RecordSummary[] = [];
  await until(
    `${count} records`,
    async () => {
      ({ items } = await recording.records(query));
      return items.length === count;
    },
    { seen: () => items },
  );
  return items;
}

test('a poison record is seen on its whole way: bisected, retried, and sent to the destination', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const dlq = `${bench.topic}-dlq`;
  await createLedTopics(bench.admin, [{ topic: dlq }]);
  await bench.produceCount(4);
  const isPoison = (values: string[]) => values.includes('2');
  const lambda = await bench.lambda(({ records }) =>
    isPoison(records.map(({ value }) => Buffer.from(value ?? '', 'base64').toString()))
      ? failure
      : success,
  );
  poll(bench, lambda, {
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: 1,
    destination: { kind: 'kafka', topic: dlq },
  });
  const { topic } = bench;
  const [poison] = await recorded(1, { topic, state: 'deadLettered' });
  expect(poison).toMatchObject({ offset: '2', reason: expect.stringContaining(`kafka://${dlq}`) });
  await recorded(3, { topic, state: 'done' });
  const life = poison && (await recording.record(poison));
  const kinds = life?.events.map(({ kind }) => kind) ?? [];
  expect(kinds.filter((kind) => kind === 'bisected')).toHaveLength(2);
  expect(kinds.filter((kind) => kind === 'failed')).toHaveLength(4);
  expect(kinds.slice(0, 4)).toEqual(['read', 'batched', 'invoked', 'failed']);
  expect(kinds).toContain('retried');
  expect(kinds).toContain('sentToDestination');
  await until('the commit', async () => {
    const events = poison && (await recording.record(poison))?.events;
    return events?.at(-1)?.kind === 'committed';
  });
  // Each payload is the one that the function got.
  const { items } = await recording.invocations();
  expect(items).toHaveLength(lambda.invocations.length);
  for (const { id } of items) {
    const payload = (await recording.invocation(id))?.payload;
    expect(lambda.invocations.map(({ body }) => body)).toContain(payload);
  }
});

test('filtered records name the pattern; reported ones are tried again', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const send = (kind: string) => ({ value: JSON.stringify({ kind }), partition: 0 });
  await bench.produce([send('wanted'), send('other'), send('wanted')]);
  let isFirst = true;
  const lambda = await bench.lambda(({ records }) => {
    if (!isFirst || records.length < 2) return success;
    isFirst = false;
    const itemIdentifier = { partition: `${bench.topic}-0`, offset: 2 };
    return { body: JSON.stringify({ batchItemFailures: [{ itemIdentifier }] }) };
  });
  const filters = ['{"value":{"kind":["wanted"]}}'];
  poll(bench, lambda, { filters, reportBatchItemFailures: true, windowMs: 500 });
  const { topic } = bench;
  const [filtered] = await recorded(1, { topic, state: 'filteredOut' });
  expect(filtered).toMatchObject({ offset: '1', reason: expect.stringContaining('is "other"') });
  const done = await recorded(2, { topic, state: 'done' });
  expect(done.map(({ offset, attempts }) => [offset, attempts])).toEqual([
    ['2', 2],
    ['0', 1],
  ]);
});

test('a store that cannot be written leaves the delivery as it is', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(3);
  const log: string[] = [];
  const say = (text: string) => void log.push(text);
  const broken = new Recording({
    folder: '/dev/null',
    stage: 'dev',
    maxMegabytes: 200,
    maxDays: 7,
    private: [],
    log: { error: say, warning: say, notice: say, debug: say },
  });
  const lambda = await bench.lambda();
  bench.poll(lambda, {}, { onStep: broken.observe(bench.mapping()) });
  await until('the commit', async () => (await bench.committed()) === 3);
  await until('the warning', () => log.length > 0);
  expect(log).toEqual([expect.stringContaining('records are not remembered')]);
  await broken.close();
});

test("under sls offline the handler's lines and request id stand in its invocation", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce([{ value: 'boom' }]);
  const directory = await createService(bench, [PLUGIN, 'serverless-offline']);
  await using service = runOffline(directory);
  const { output } = service;
  await until('the commit', async () => (await bench.committed()) === 1, {
    withinMs: 40_000,
    seen: output,
  });
  expect(await service.end()).toEqual([0, null]);
  expect(output()).not.toContain('ExperimentalWarning');
  const store = join(directory, '.kafka-event-source');
  expect(readdirSync(store)).toContain('.gitignore');
  const db = openForReading(join(store, 'local.sqlite'));
  const reader = new Reader(db);
  const [second, first] = reader.invocations().items;
  const found = reader.invocation(first?.requestId ?? '');
  expect(found).toMatchObject({ state: 'failed', coldStart: true, answer: expect.any(String) });
  expect(found?.logs).toMatchObject([{ line: 'received boom', at: expect.any(Number) }]);
  expect(reader.invocation(second?.id ?? '')).toMatchObject({
    state: 'succeeded',
    coldStart: false,
    attempt: 2,
    logs: [{ line: 'received boom' }],
  });
  db.close();
});
