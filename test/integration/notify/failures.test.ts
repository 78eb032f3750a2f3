import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { createFailures } from '../../../lib/notification/ledger/failures.ts';
import { createNotifyBench, type NotifyBench } from './bench.ts';
import { after } from './quiet-hours.ts';

let bench: NotifyBench;
const benches: NotifyBench[] = [];

// The window is one for all of a table, so each test has its own.
beforeEach(async () => {
  bench = await createNotifyBench();
  benches.push(bench);
});

afterAll(async () => {
  patient.destroy();
  await Promise.all(benches.map((one) => one.close()));
});

// A long limit for a busy machine: a count without an answer in time counts nothing.
const patient = DynamoDBDocumentClient.from(
  new DynamoDBClient({ region: 'us-east-1', endpoint: String(process.env.DYNAMODB_ENDPOINT) }),
);

const countAt = (minutes: number, eventId: string) =>
  createFailures({ dynamo: patient, table: bench.table, clock: after(minutes) })
    .count({ orderId: 'o', eventId })
    .then(({ next }) => next);

/** An event fails so often, a minute apart, up to a minute of the test. */
async function failing(eventId: string, until: number, times = 11) {
  const ends: string[] = [];
  for (let left = times - 1; left >= 0; left -= 1) ends.push(await countAt(until - left, eventId));
  return ends;
}

test('ten failures within less than ten minutes, or fewer within more, are not enough', async () => {
  expect(new Set(await failing('soon', 9, 10))).toEqual(new Set(['again']));
  for (const minutes of [0, 5, 10, 15, 20, 25, 30, 35, 40]) {
    expect(await countAt(minutes, 'rare')).toBe('again');
  }
  expect(await countAt(45, 'rare')).toBe('dead letter');
});

test('an event that is redriven has all its tries again', async () => {
  expect((await failing('put-back', 10)).at(-1)).toBe('dead letter');
  const ledger = createFailures({ dynamo: patient, table: bench.table, clock: after(10) });
  await ledger.forget({ orderId: 'o', eventId: 'put-back' });
  expect(await countAt(11, 'put-back')).toBe('again');
  await ledger.forget({ orderId: 'o', eventId: 'never counted' });
});

test('failures of long ago do not count: a redriven event has its chances anew', async () => {
  expect((await failing('redriven', 10)).at(-1)).toBe('dead letter');
  expect(await countAt(10 + 61, 'redriven')).toBe('again');
});

test('more than five events without tries left within ten minutes mean a bad release: none goes to the dead letters', async () => {
  for (const [i, eventId] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    expect((await failing(eventId, 10 + i)).at(-1)).toBe('dead letter');
  }
  expect((await failing('f', 15)).at(-1)).toBe('hold back');
  // Events that fail again count again, so none goes to the dead letters while they fail.
  for (let minutes = 16; minutes < 40; minutes += 3) {
    for (const eventId of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      const end = await countAt(minutes, eventId);
      if (eventId !== 'g') expect(end).toBe('hold back');
    }
  }
  // Once the release is corrected, a single event goes to the dead letters again.
  expect(await countAt(60, 'f')).toBe('dead letter');
});

test('many events at the same time mean a bad release too: at most five go to the dead letters', async () => {
  const events = Array.from({ length: 16 }, () => randomUUID());
  await Promise.all(events.map((eventId) => failing(eventId, 9, 10)));
  const ends = await Promise.all(events.map((eventId) => countAt(11, eventId)));
  expect(ends.filter((end) => end === 'dead letter').length).toBeLessThanOrEqual(5);
  expect(ends).toContain('hold back');
});
