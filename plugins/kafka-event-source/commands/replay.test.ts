import { describe, expect, test } from '@jest/globals';
import type { KafkaEvent } from '../event.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Invocation } from '../recorder/types.ts';
import { mappingOf } from '../test/support/mapping.ts';
import { cannedEvent } from './canned.ts';
import { type Replayed, type ReplayOptions, replay } from './replay.ts';

const mapping = mappingOf('orders', ['localhost:1'], { uuid: 'm' });
const payload = JSON.stringify(JSON.parse(cannedEvent('partitions', 'orders')));
const ok = (answer: unknown): InvocationResult => ({ kind: 'ok', payload: answer });
const recorded = (changes: Partial<Invocation> = {}) =>
  ({
    id: 'one',
    mapping: 'm',
    functionKey: 'test',
    startedAt: 1,
    records: 4,
    state: 'succeeded',
    answer: 'null',
    payload,
    recordIds: [{ mapping: 'm', topic: 'orders', partition: 0, offset: '1' }],
    ...changes,
  }) as Invocation;

/** Replays the invocations, the newest first as the recorder lists them, with a function of this answer. */
async function run(
  invocations: readonly Invocation[],
  answer: (payload: string) => InvocationResult = () => ok(null),
  more: Partial<ReplayOptions> = {},
) {
  const payloads: string[] = [];
  const pageOf = (cursor = '0') => {
    const next = Number(cursor) + 1;
    const items = invocations.slice(Number(cursor), next);
    return { items, ...(next < invocations.length && { next: String(next) }) };
  };
  const rows: Replayed[] = [];
  const replayed = replay({
    reader: {
      invocations: ({ cursor }) => pageOf(cursor),
      invocation: (id) => invocations.find((one) => one.id === id),
    },
    mappings: [mapping],
    invokerOf: () => ({
      invoke: async (given) => {
        payloads.push(given.toString());
        return answer(given.toString());
      },
      close: () => undefined,
    }),
    readAgain: async () => {
      throw new Error('Kafka has them no more');
    },
    private: [],
    ...more,
  });
  for await (const row of replayed) rows.push(row);
  return { rows, payloads };
}

test('each invocation runs with its event byte for byte, the oldest first', async () => {
  const other = payload.replace('"offset":0', '"offset":7');
  const { rows, payloads } = await run([recorded({ id: 'new', payload: other }), recorded()]);
  expect(payloads).toEqual([payload, other]);
  expect(rows).toMatchObject([
    { id: 'one', outcome: 'same', event: 'recorded' },
    { id: 'new', outcome: 'same', event: 'recorded' },
  ]);
  const { rows: single } = await run([recorded({ id: 'new' }), recorded()], undefined, {
    invocation: 'new',
  });
  expect(single.map(({ id }) => id)).toEqual(['new']);
  await expect(run([], undefined, { invocation: 'none' })).rejects.toThrow(
    'The export has no invocation none.',
  );
});

test('an answer that differs is told with the recorded one', async () => {
  const { rows } = await run([recorded()], () => ok({ batchItemFailures: [] }));
  expect(rows).toMatchObject([
    { outcome: 'differs', was: 'answered null', now: 'answered {"batchItemFailures":[]}' },
  ]);
});

test('an error is the same by its type and message, whatever its stack trace and its endpoint say', async () => {
  const body = (path: string) =>
    JSON.stringify({ errorMessage: 'no', errorType: 'TypeError', stackTrace: [path] });
  const failed = recorded({ state: 'failed', answer: body('/here') });
  const result = { kind: 'functionError', message: 'Unhandled: no', body: body('/there') } as const;
  expect((await run([failed], () => result)).rows).toMatchObject([
    { outcome: 'same', now: 'failed: TypeError: no' },
  ]);
  expect((await run([failed])).rows).toMatchObject([{ outcome: 'differs', now: 'answered null' }]);
});

test.each([
  [
    { state: 'succeeded', answer: '{"b":1,"a":{"d":[2],"c":3}}' },
    'answered {"a":{"c":3,"d":[2]},"b":1}',
  ],
  [
    { state: 'partial', answer: '{"batchItemFailures":[{}]}' },
    'answered {"batchItemFailures":[{}]}',
  ],
  // The emulator takes an answer for a failure that it cannot read.
  [{ state: 'failed', answer: '"ok"' }, 'answered "ok"'],
  [{ state: 'failed', answer: undefined }, 'failed'],
  [{ state: 'timedOut', answer: '{"errorMessage":"id-1 Task timed out"}' }, 'timed out'],
] as const)('%j is compared as %s', async (answer, expected) => {
  expect((await run([recorded(answer)])).rows).toMatchObject([{ was: expected }]);
});

describe('private values', () => {
  const withContact = (contact: string) => {
    const event = JSON.parse(payload) as KafkaEvent;
    for (const record of Object.values(event.records).flat()) {
      record.value = Buffer.from(JSON.stringify({ contact })).toString('base64');
    }
    return JSON.stringify(event);
  };
  const original = withContact('jane@example.com');
  const redacted = recorded({
    payload: withContact('[private]'),
    redacted: true,
    answer: '{"told":"[private]"}',
  });
  const tell = (given: string) => {
    const [record] = Object.values((JSON.parse(given) as KafkaEvent).records).flat();
    const { contact } = JSON.parse(Buffer.from(record?.value ?? '', 'base64').toString());
    return ok({ told: contact });
  };
  const entries = { private: ['$.contact'] };

  test('come from Kafka, and are left out of the answer', async () => {
    const { rows, payloads } = await run([redacted], tell, {
      ...entries,
      readAgain: async () => original,
    });
    expect(payloads).toEqual([original]);
    expect(rows).toMatchObject([{ outcome: 'same', event: 'kafka' }]);
    expect(JSON.stringify(rows)).not.toContain('jane');
  });

  test('are placeholders where Kafka has the records no more, or has others', async () => {
    const gone = await run([redacted], tell, entries);
    expect(gone.payloads).toEqual([redacted.payload]);
    expect(gone.rows).toMatchObject([
      { outcome: 'same', event: 'placeholders', why: 'Kafka has them no more' },
    ]);
    const { rows } = await run([redacted], tell, {
      ...entries,
      readAgain: async () => original.replace(/"timestamp":\d+/, '"timestamp":5'),
    });
    expect(rows).toMatchObject([
      { event: 'placeholders', why: 'Kafka has other records at these offsets' },
    ]);
  });
});

test.each([
  [{ originalId: 'x' }, 'it was run again by hand'],
  [{ state: 'interrupted' }, 'its function gave no answer (interrupted)'],
  [{ payload: undefined }, 'its records were no longer kept when it was exported'],
  [{ mapping: 'gone', functionKey: 'gone' }, 'the function gone has no such mapping here'],
] as const)('%j is left out, with the reason', async (changes, why) => {
  const { rows, payloads } = await run([recorded(changes)]);
  expect([rows, payloads]).toEqual([[expect.objectContaining({ outcome: 'leftOut', why })], []]);
});

test('the mapping of another stage is found by function and topic', async () => {
  const { rows } = await run([recorded({ mapping: 'of-dev' })]);
  expect(rows).toMatchObject([{ outcome: 'same' }]);
});

test('an endpoint that is away ends the replay, and is no answer', async () => {
  const away = { kind: 'notReached', message: 'connect ECONNREFUSED' } as const;
  await expect(run([recorded()], () => away)).rejects.toThrow(
    'The function test was not reached: connect ECONNREFUSED. Start the functions',
  );
});
