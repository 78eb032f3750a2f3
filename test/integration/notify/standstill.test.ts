import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHandler as createHealth } from '../../../functions/health/handler.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import { itemOf } from '../../../lib/kafka/event.ts';
import { createStandstill } from '../../../lib/kafka/standstill.ts';
import { withAdmin } from '../../../plugins/kafka-event-source/broker/kafka.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { createLedTopics } from '../../../plugins/kafka-event-source/topics.ts';
import { callersOf } from '../../support/callers.ts';
import { always, countRequests, faultyDynamo } from '../../support/faults.ts';
import { call } from '../../support/http.ts';
import { createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

const MINUTE = 60_000;
const bad = { key: 'k', value: 'not JSON' };

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** One instance of notify whose clock the test moves, and health at the same time. */
function instance(given: Parameters<NotifyBench['notify']>[0] = {}) {
  let minutes = 0;
  const clock = { now: () => new Date(Date.now() + minutes * MINUTE) };
  const standstill = createStandstill({ ...bench, clock });
  const health = createHealth({
    callers: callersOf(),
    clock,
    backlog: async () => ({ refusedOrders: 0 }),
    stuck: () => standstill.stuck(),
    checkKafka: async () => undefined,
  });
  const notify = bench.notify({ ...given, clock });
  return {
    /** Ignores whether the invocation fails as a whole. */
    at: async (minute: number, ...records: Parameters<typeof notify>) => {
      minutes = minute;
      return notify(...records).catch(() => undefined);
    },
    health: async () => (await call(health)).body,
    wait: (minute: number) => {
      minutes = minute;
    },
  };
}

test('health names a record whose dead letter fails until its partition goes on', async () => {
  const deadLetterTopic = `missing-${crypto.randomUUID()}`;
  const { at, health } = instance({ deadLetterTopic });
  await at(0, newEvent(), bad);
  await at(1, newEvent(), bad);
  expect((await health()).status).toBe('ok');
  await at(3, newEvent(), bad);
  expect(await health()).toMatchObject({
    success: true,
    status: 'degraded',
    stuckRecords: [
      {
        topic: bench.topic,
        partition: 0,
        offset: 1,
        since: expect.any(String),
        code: 'KAFKA_AWAY',
      },
    ],
  });
  await withAdmin(bench.brokers.join(','), (admin) =>
    createLedTopics(admin, [{ topic: deadLetterTopic }]),
  );
  await at(4, newEvent(), bad);
  const { status, stuckRecords } = await health();
  expect([status, stuckRecords]).toEqual(['ok', undefined]);
});

test('a record that fails once, or that nobody has tried lately, is not named', async () => {
  const { at, health, wait } = instance({ deadLetterTopic: `missing-${crypto.randomUUID()}` });
  await at(0, bad);
  wait(10);
  expect((await health()).status).toBe('ok');
  // Another record than before: it has only begun to fail.
  await at(11, newEvent(), bad);
  expect((await health()).status).toBe('ok');
  await at(14, newEvent(), bad);
  expect((await health()).status).toBe('degraded');
  wait(30);
  expect((await health()).status).toBe('ok');
});

test('a batch that goes well makes no request for this, one that fails makes two at most', async () => {
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const standstill = createStandstill({ dynamo, table: bench.table, clock: systemClock });
  const requests = countRequests(dynamo);
  const record = { topic: 't', partition: 0, offset: 1, timestamp: 0 };
  const event = { records: { 't-0': [record] } };
  await standstill.note(event, []);
  expect(requests).toEqual({});
  const failure = {
    ...itemOf('t-0', record),
    why: 'failed' as const,
    error: new Error('a bug'),
  };
  for (let times = 0; times < 5; times += 1) await standstill.note(event, [failure]);
  expect(requests).toEqual({ UpdateItem: 2 });
  dynamo.destroy();
});

test('with DynamoDB away the records are answered for as ever', async () => {
  const { client: dynamo } = faultyDynamo('UpdateItemCommand', always('never sent'));
  const notify = bench.notify({ dynamo, brokers: [`localhost:${await freePort()}`] });
  await expect(notify(bad)).rejects.toMatchObject({ code: 'KAFKA_AWAY' });
});
