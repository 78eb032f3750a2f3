import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Sender } from '../../../lib/notification/channels.ts';
import { DEFAULTS } from '../../../lib/notification/preferences.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const away: Sender = {
  name: 'away',
  send: async () => ({ success: false, passing: true, reason: 'away' }),
};

/** An order's first two events; the second is delivered before the first. */
function twoEvents(data: Parameters<typeof newEvent>[1] = {}) {
  const created = newEvent({}, data);
  return { created, updated: newEvent({ type: 'ORDER_UPDATED', sequence: 2 }, created.data) };
}

/** A way to DynamoDB that stops before the first write that is meant, until it may go on. */
function pausing(isMeant: (input: Record<string, unknown>) => boolean) {
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: unknown) => Promise<unknown>;
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const paused = async (command: { input: Record<string, unknown> }) => {
    if (isMeant(command.input)) {
      reached.resolve();
      await goOn.promise;
    }
    return send(command);
  };
  return { dynamo: Object.assign(dynamo, { send: paused }), reached: reached.promise, goOn };
}

const isClaim = ({ ExpressionAttributeValues: values }: Record<string, unknown>) =>
  Object(values)[':status'] === 'sending';
const isStepBack = ({ UpdateExpression: update }: Record<string, unknown>) =>
  /#sequence = #before/.test(String(update));

async function expectSuperseded(event: ReturnType<typeof newEvent>) {
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent).toEqual([]);
  const superseded = { status: 'skipped', reason: 'superseded' };
  expect(await bench.recorded(event)).toMatchObject({ email: superseded, sms: superseded });
}

test('a delivery that fails before another one sends the same event leaves the step to it', async () => {
  const { created, updated } = twoEvents();
  const inbox = createInbox();
  const { dynamo, reached, goOn } = pausing(isClaim);
  const sends = bench.notify({ sender: inbox, dynamo })(updated);
  await reached;
  await expect(bench.notify({ sender: away })(updated)).rejects.toThrow();
  goOn.resolve();
  expect(await sends).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
  await expectSuperseded(created);
  dynamo.destroy();
});

test('a delivery that takes its step back after another one has sent the same event takes nothing', async () => {
  const { created, updated } = twoEvents();
  const inbox = createInbox();
  const { dynamo, reached, goOn } = pausing(isStepBack);
  const fails = bench.notify({ sender: away, dynamo })(updated);
  fails.catch(() => undefined);
  await reached;
  expect(await bench.notify({ sender: inbox })(updated)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(2);
  goOn.resolve();
  await expect(fails).rejects.toThrow();
  await expectSuperseded(created);
  dynamo.destroy();
});

test('an event told on one channel stays told when that is switched off and the other one fails', async () => {
  const { created, updated } = twoEvents({ customerId: 'switches' });
  const inbox = createInbox();
  const half: Sender = {
    name: 'half',
    send: (message, signal) =>
      message.channel === 'sms' ? away.send(message, signal) : inbox.send(message, signal),
  };
  await expect(bench.notify({ sender: half })(updated)).rejects.toThrow();
  const off = { ...DEFAULTS.events, ORDER_UPDATED: { email: false, sms: true } };
  await bench.customers.save('switches', { ...DEFAULTS, events: off }, undefined);
  await expect(bench.notify({ sender: half })(updated)).rejects.toThrow();
  expect(inbox.sent).toHaveLength(1);
  await expectSuperseded(created);
});

test('an event that failed on every channel overtakes nothing, also when it was tried twice', async () => {
  const { created, updated } = twoEvents();
  for (const _ of [1, 2]) await expect(bench.notify({ sender: away })(updated)).rejects.toThrow();
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(created, updated)).toEqual(bench.failed());
  expect(inbox.sent.map(({ orderId }) => orderId)).toHaveLength(4);
});

test.each([
  ['another address', { email: 'new@example.com', phone: '+15550188' }, 2],
  ['none at all', { phone: '+15550123' }, 1],
])('the record of an address that gave way to %s says so', async (name, contact, told) => {
  const customerId = `moved-${name.length}`;
  const event = newEvent({}, { customerId });
  await expect(bench.notify({ sender: away })(event)).rejects.toThrow();
  await bench.customers.save(customerId, { ...DEFAULTS, contact }, undefined);
  const inbox = createInbox();
  expect(await bench.notify({ sender: inbox })(event)).toEqual(bench.failed());
  expect(inbox.sent).toHaveLength(told);
  const { body } = await bench.list({ orderId: event.data.orderId });
  expect(body.data).toContainEqual(
    expect.objectContaining({
      channel: 'email',
      to: 'a***@example.com',
      status: 'skipped',
      reason: 'address changed',
    }),
  );
  expect(body.data.filter(({ status }: { status: string }) => status === 'failed')).toEqual([]);
});

test('the record of an address that changed says so too when nothing is sent any more', async () => {
  const customerId = 'moved-and-off';
  const event = newEvent({}, { customerId });
  await expect(bench.notify({ sender: away })(event)).rejects.toThrow();
  const off = { ...DEFAULTS.events, ORDER_CREATED: { email: false, sms: false } };
  const contact = { email: 'new@example.com', phone: '+15550188' };
  await bench.customers.save(customerId, { ...DEFAULTS, contact, events: off }, undefined);
  expect(await bench.notify()(event)).toEqual(bench.failed());
  const { body } = await bench.list({ orderId: event.data.orderId });
  const reasons = body.data.map(({ reason }: { reason: string }) => reason);
  expect(reasons.toSorted()).toEqual([
    'address changed',
    'address changed',
    'switched off',
    'switched off',
  ]);
});
