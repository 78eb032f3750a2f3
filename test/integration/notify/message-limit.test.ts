import { randomUUID } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamo } from '../../../lib/dynamo.ts';
import { DEFAULTS } from '../../../lib/notification/preferences/preferences.ts';
import { until } from '../../support/until.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

const MINUTE = 60_000;
/** All tests count in hours of their own clocks; the turn of a real hour changes nothing. */
const hour = Math.floor(Date.now() / (60 * MINUTE)) * 60 * MINUTE;
const at = (minutes: number) => ({ now: () => new Date(hour + minutes * MINUTE) });

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

/** Events of orders of a customer each, whose only address is this email, or one of the test's own. */
const eventsTo = (count: number, email = `${randomUUID()}@example.com`) =>
  Array.from({ length: count }, () =>
    newEvent({}, { customerId: randomUUID(), contact: { email } }),
  );

const limited = (inbox = createInbox(), minutes = 1) => ({
  sender: inbox,
  clock: at(minutes),
  messagesPerHour: 2,
});

/** Delivers the events, again while a busy machine's DynamoDB fails one, as Lambda does. */
const deliver = (inbox: ReturnType<typeof createInbox>, ...events: ReturnType<typeof eventsTo>) =>
  until('every event delivered', async () => {
    const { batchItemFailures } = await bench.notify(limited(inbox))(...events);
    return batchItemFailures.length === 0 || undefined;
  });

const emailOf = async (event: ReturnType<typeof newEvent>) => (await bench.recorded(event)).email;

/** The counters of the table. */
async function counters() {
  const { Items = [] } = await bench.dynamo.send(
    new ScanCommand({ TableName: bench.table, ConsistentRead: true }),
  );
  return Items.filter(({ sk }) => sk === 'LIMIT');
}

test('an address gets as many as the limit says in an hour, whoever its customers are; the rest is skipped on record', async () => {
  const inbox = createInbox();
  const [one, two, three, four] = eventsTo(4);
  if (!one || !two || !three || !four) throw new Error('four events');
  const notify = bench.notify(limited(inbox));
  for (const event of [one, two, three]) expect(await notify(event)).toEqual(bench.failed());
  expect(inbox.sent.map(({ orderId }) => orderId)).toEqual([one.data.orderId, two.data.orderId]);
  expect(await emailOf(two)).toMatchObject({ status: 'sent', attempts: 1, counted: true });
  expect(await emailOf(three)).toMatchObject({
    status: 'skipped',
    reason: 'too many',
    attempts: 0,
  });
  const { body } = await bench.list({ orderId: three.data.orderId });
  expect(body.data).toContainEqual(
    expect.objectContaining({ channel: 'email', status: 'skipped', reason: 'too many' }),
  );
  await bench.notify(limited(inbox, 61))(four, three);
  expect(inbox.sent.map(({ orderId }) => orderId).slice(2)).toEqual([four.data.orderId]);
});

test('every address is counted on its own, and upper case makes no other address', async () => {
  const inbox = createInbox();
  const name = randomUUID();
  await deliver(
    inbox,
    ...eventsTo(2, `${name}@example.com`),
    ...eventsTo(2, `${name.toUpperCase()}@example.com`),
  );
  expect(inbox.sent).toHaveLength(2);
  await deliver(inbox, ...eventsTo(2));
  expect(inbox.sent).toHaveLength(4);
});

test('many deliveries at once send no more than the limit', async () => {
  const inbox = createInbox();
  const events = eventsTo(12);
  const deliveries = await Promise.allSettled(
    events.map((event) => bench.notify(limited(inbox))(event)),
  );
  // On a busy machine DynamoDB may count a message and not answer in time: that delivery fails.
  const failed = deliveries.filter(({ status }) => status === 'rejected').length;
  expect(inbox.sent.length).toBeLessThanOrEqual(2);
  expect(inbox.sent.length + failed).toBeGreaterThanOrEqual(2);
});

test('a record that is delivered again is not counted again', async () => {
  const inbox = createInbox();
  const [one, two] = eventsTo(2);
  if (!one || !two) throw new Error('two events');
  const notify = bench.notify(limited(inbox));
  for (const event of [one, one, one, two]) await notify(event);
  expect(inbox.sent.map(({ orderId }) => orderId)).toEqual([one.data.orderId, two.data.orderId]);
});

test('a notification that no provider takes is counted once, however often it is tried', async () => {
  let isAway = true;
  const inbox = createInbox();
  const sender = {
    ...inbox,
    send: async (...args: Parameters<typeof inbox.send>) =>
      isAway ? { success: false as const, retriable: true, reason: 'away' } : inbox.send(...args),
  };
  const [one, two] = eventsTo(2);
  if (!one || !two) throw new Error('two events');
  await bench.notify({ ...limited(), sender })(one);
  for (const minutes of [10, 20, 30])
    await bench.sendDeferred({ ...limited(inbox, minutes), sender });
  expect(await emailOf(one)).toMatchObject({ status: 'deferred', reason: 'away' });
  isAway = false;
  await bench.sendDeferred({ ...limited(inbox, 50), sender });
  await bench.notify(limited(inbox, 51))(two);
  expect(inbox.sent.map(({ orderId }) => orderId)).toEqual([one.data.orderId, two.data.orderId]);
});

test('a message that waits for the end of quiet hours is counted when it is sent', async () => {
  const inbox = createInbox();
  const phone = '+15550987';
  const quietHours = {
    from: at(0).now().toISOString().slice(11, 16),
    to: at(120).now().toISOString().slice(11, 16),
  };
  const events = Array.from({ length: 3 }, () => newEvent({}, { customerId: randomUUID() }));
  for (const { data } of events) {
    const contact = { phone };
    await bench.customers.save(data.customerId, { ...DEFAULTS, contact, quietHours }, undefined);
  }
  await bench.notify(limited(inbox))(...events);
  expect(inbox.sent).toEqual([]);
  await bench.sendDeferred(limited(inbox, 121));
  expect(inbox.sent).toHaveLength(2);
  const states = await Promise.all(events.map(async (event) => (await bench.recorded(event)).sms));
  expect(states.map((sms) => sms?.status).toSorted()).toEqual(['sent', 'sent', 'skipped']);
  const skipped = states.find((sms) => sms?.status === 'skipped');
  expect(skipped).toMatchObject({ reason: 'too many' });
  expect(skipped).not.toHaveProperty('deferredShard');
});

test('counters expire with their hour and show no address', async () => {
  const email = `${randomUUID()}@example.com`;
  await bench.notify(limited())(...eventsTo(1, email));
  const all = await counters();
  expect(all.length).toBeGreaterThan(0);
  for (const item of all) {
    expect(item).toMatchObject({ pk: expect.stringMatching(/^LIMIT#messages#[\w-]{43}#\d+$/) });
    expect(Number(item.expiresAt) % 3600).toBe(0);
  }
  expect(JSON.stringify(all)).not.toMatch(/@|\+1555/);
});

test('while a counter cannot be written nothing is sent or lost: the record comes again', async () => {
  const inbox = createInbox();
  const [event] = eventsTo(1);
  if (!event) throw new Error('one event');
  const dynamo = withoutCounters();
  const notify = bench.notify({ ...limited(inbox), dynamo, timeLeftMs: 8_000 });
  await expect(notify(event)).rejects.toMatchObject({
    message: expect.stringContaining('DynamoDB'),
  });
  dynamo.destroy();
  expect(inbox.sent).toEqual([]);
  expect(await emailOf(event)).toMatchObject({ status: 'claimed', attempts: 0 });
  await bench.notify(limited(inbox, 5))(event);
  expect(inbox.sent).toHaveLength(1);
  expect(await emailOf(event)).toMatchObject({ status: 'sent', attempts: 1 });
});

test('without the setting nothing is counted', async () => {
  const inbox = createInbox();
  const before = (await counters()).length;
  await bench.notify({ sender: inbox })(...eventsTo(3));
  expect(inbox.sent).toHaveLength(3);
  expect(await counters()).toHaveLength(before);
});

/** A way to DynamoDB on which counters alone are throttled. */
function withoutCounters() {
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: unknown) => Promise<unknown>;
  const throttled = async (command: { input: { Key?: { sk?: string } } }) => {
    if (command.input.Key?.sk !== 'LIMIT') return send(command);
    const $metadata = { httpStatusCode: 400 };
    throw Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException', $metadata });
  };
  return Object.assign(dynamo, { send: throttled });
}
