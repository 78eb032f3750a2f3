import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { type BatchOptions, processBatch, responseOf, walk } from './batch.ts';
import type { InvalidRecordError } from './decode.ts';
import { type Item, itemsOf, type KafkaEvent, parseEvent } from './event.ts';

/** `a1` is a record with key a and offset 1; `-1` one without a key. */
function event(partitions: Record<string, string[]>): KafkaEvent {
  return {
    records: Object.fromEntries(
      Object.entries(partitions).map(([partition, names]) => [
        `orders-${partition}`,
        names.map((name) => ({
          topic: 'orders',
          partition: Number(partition),
          offset: Number(name.slice(1)),
          timestamp: 0,
          ...(name.startsWith('-') ? {} : { key: name.slice(0, 1) }),
        })),
      ]),
    ),
  };
}

async function run(given: KafkaEvent, failing: string[] = [], stepsInTime = Infinity) {
  const begun: string[] = [];
  const failures = await walk(
    itemsOf(given),
    async ({ record: { key, partition, offset } }) => {
      const name = `${partition}:${key ?? '-'}${offset}`;
      begun.push(name);
      if (failing.includes(name)) throw new Error(name);
    },
    { concurrency: 1, hasTime: () => begun.length < stepsInTime },
  );
  const again = failures.map(({ record, why }) => `${record.partition}:${record.offset} ${why}`);
  return { begun, again };
}

test('the records of each partition are begun in the order of their offsets', async () => {
  const { begun, again } = await run(event({ 0: ['a2', 'b1', 'a10'], 1: ['c5'] }));
  expect(begun).toEqual(['0:b1', '0:a2', '0:a10', '1:c5']);
  expect(again).toEqual([]);
});

test('after a failure the later records of its key wait, and other keys go on', async () => {
  const { begun, again } = await run(event({ 0: ['a1', 'b2', 'a3', 'a4', 'b5'] }), ['0:a1']);
  expect(begun).toEqual(['0:a1', '0:b2', '0:b5']);
  expect(again).toEqual(['0:1 failed', '0:3 behind a failure', '0:4 behind a failure']);
});

test('the same key in another partition goes on', async () => {
  const { begun } = await run(event({ 0: ['a1'], 1: ['a1'] }), ['0:a1']);
  expect(begun).toEqual(['0:a1', '1:a1']);
});

test('records without a key do not wait for each other', async () => {
  const { begun, again } = await run(event({ 0: ['-1', '-2', '-3'] }), ['0:-2']);
  expect(begun).toEqual(['0:-1', '0:-2', '0:-3']);
  expect(again).toEqual(['0:2 failed']);
});

test('a record that cannot be begun in time is not begun', async () => {
  const { begun, again } = await run(event({ 0: ['a1', 'b2', '-3', 'b4'] }), [], 1);
  expect(begun).toEqual(['0:a1']);
  expect(again).toEqual(['0:2 no time left', '0:3 no time left', '0:4 behind a failure']);
});

test('the answer names the key of the partition and the number of the offset', async () => {
  const failures = await walk(
    itemsOf(event({ 3: ['a12'] })),
    () => Promise.reject(new Error('no')),
    {
      concurrency: 1,
      hasTime: () => true,
    },
  );
  expect(responseOf(failures)).toEqual({
    batchItemFailures: [{ itemIdentifier: { partition: 'orders-3', offset: 12 } }],
  });
  expect(responseOf([])).toEqual({ batchItemFailures: [] });
});

const schema = z.object({ name: z.string() });

/** Gives the processor records with these values; an object of another shape is not in the schema. */
function process(values: unknown[], rest: Partial<BatchOptions<typeof schema>> = {}) {
  const names: string[] = [];
  const records = values.map((value, i) => ({
    topic: 'orders',
    partition: 0,
    offset: i,
    timestamp: 0,
    key: String(i),
    value: Buffer.from(JSON.stringify(value)).toString('base64'),
  }));
  const result = processBatch(
    { records: { 'orders-0': records } },
    {
      schema,
      process: async ({ value }) => {
        names.push(value.name);
      },
      concurrency: 2,
      recordTimeMs: 100,
      remainingTimeMs: () => 1_000,
      ...rest,
    },
  );
  return result.then((answer) => ({ ...answer, names }));
}

const bad = { name: 5 };

test('a record outside the schema is refused and done, or fails where nobody takes it', async () => {
  const refused: string[] = [];
  const refuse = async ({ record }: Item, { message, faults }: InvalidRecordError) => {
    refused.push(`${record.offset} ${message} ${faults[0]?.path}`);
  };
  const taken = await process([{ name: 'x' }, bad], { refuse });
  expect(taken).toMatchObject({ names: ['x'], failures: [], records: 2 });
  expect(refused).toEqual([
    expect.stringMatching(/^1 Its value breaks the schema: name: .* name$/),
  ]);

  const left = await process([bad, { name: 'x' }]);
  expect(left.names).toEqual(['x']);
  expect(left.failures).toMatchObject([{ why: 'failed', error: { name: 'InvalidRecordError' } }]);
});

test('any Standard Schema will do, also one that takes its time', async () => {
  const slow = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value: unknown) =>
        value === 'good' ? { value: { name: 'made by the schema' } } : { issues: [] },
    },
  } as unknown as typeof schema;
  const { names, failures } = await process(['good', 'bad'], { schema: slow });
  expect(names).toEqual(['made by the schema']);
  expect(failures).toMatchObject([{ record: { offset: 1 } }]);
});

test('with less time than a record may take none is begun; with little from the start, some are', async () => {
  let left = 1_000;
  const work = {
    concurrency: 1,
    remainingTimeMs: () => left,
    process: async () => {
      left -= 600;
    },
  };
  const values = [{ name: 'x' }, { name: 'y' }];
  const { failures } = await process(values, { ...work, recordTimeMs: 500 });
  expect(failures.map(({ why }) => why)).toEqual(['no time left']);
  left = 1_000;
  expect((await process(values, { ...work, recordTimeMs: 5_000 })).failures).toHaveLength(1);
});

test('it imports nothing of this house: only event, decode, pool, zod and the standard', async () => {
  for (const file of ['batch', 'decode', 'event', '../pool']) {
    const source = await readFile(new URL(`${file}.ts`, import.meta.url), 'utf8');
    const imported = [...source.matchAll(/from '(.+)'/g)].map(([, name]) => name);
    const own = ['./decode.ts', './event.ts', '../pool.ts', 'zod', '@standard-schema/spec'];
    expect(imported.filter((name = '') => !own.includes(name))).toEqual([]);
  }
});

test('the refusal of an event of another source says what is wrong', () => {
  expect(() => parseEvent({ Records: [] })).toThrow(/not one of a Kafka event source \(records/);
});

test('an event may lack key, value, headers and bootstrap servers', () => {
  const bare = { eventSource: 'aws:kafka', ...event({ 0: ['-1'] }) };
  expect(parseEvent(bare)).toEqual(bare);
});
