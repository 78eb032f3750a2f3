import { expect, test } from '@jest/globals';
import { responseOf, walk } from './batch.ts';
import { type KafkaEvent, parseEvent } from './event.ts';

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
    given,
    async ({ record: { key, partition, offset } }) => {
      const name = `${partition}:${key ?? '-'}${offset}`;
      begun.push(name);
      if (failing.includes(name)) throw new Error(name);
    },
    () => begun.length < stepsInTime,
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

test('what cannot be begun in time is not begun', async () => {
  const { begun, again } = await run(event({ 0: ['a1', 'b2', '-3', 'b4'] }), [], 1);
  expect(begun).toEqual(['0:a1']);
  expect(again).toEqual(['0:2 no time left', '0:3 no time left', '0:4 behind a failure']);
});

test('the answer names the key of the partition and the number of the offset', async () => {
  const failures = await walk(
    event({ 3: ['a12'] }),
    () => Promise.reject(new Error('no')),
    () => true,
  );
  expect(responseOf(failures)).toEqual({
    batchItemFailures: [{ itemIdentifier: { partition: 'orders-3', offset: 12 } }],
  });
  expect(responseOf([])).toEqual({ batchItemFailures: [] });
});

test('an event of another source is refused with a word on what is wrong', () => {
  expect(() => parseEvent({ Records: [] })).toThrow(/not one of a Kafka event source \(records/);
});

test('an event may lack key, value, headers and bootstrap servers', () => {
  const bare = { eventSource: 'aws:kafka', ...event({ 0: ['-1'] }) };
  expect(parseEvent(bare)).toEqual(bare);
});
