import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createDynamo } from '../../../lib/dynamo.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { createDeferred } from '../../../lib/notification/ledger/deferred.ts';
import { createLedger } from '../../../lib/notification/ledger/ledger.ts';
import { createInbox, createNotifyBench, type NotifyBench, newEvent } from './bench.ts';
import { after } from './quiet-hours.ts';

const DAY = 24 * 60;

let bench: NotifyBench;

beforeAll(async () => {
  bench = await createNotifyBench();
});

afterAll(() => bench.close());

const away: Sender<Message> = {
  name: 'away',
  send: async () => ({ success: false, retriable: true, reason: 'away: ECONNREFUSED' }),
};

test('the index of waiting notifications has those that are put off, and no others', async () => {
  const [told, waits] = [newEvent(), newEvent()];
  await bench.notify()(told);
  await bench.notify({ sender: away })(waits);
  const ofWait = ['event', 'deferredShard', 'deferredUntil', 'failingSince'];
  for (const name of ofWait) {
    expect((await bench.recorded(waits)).email).toHaveProperty(name);
    expect((await bench.recorded(told)).email).not.toHaveProperty(name);
  }
  await bench.sendDeferred({ clock: after(2) });
  for (const name of [...ofWait, 'reason']) {
    expect((await bench.recorded(waits)).email).not.toHaveProperty(name);
  }
});

/** A waiting record with its notification. */
async function putOff() {
  const event = newEvent({}, { contact: { email: 'ada@example.com' } });
  await bench.notify({ sender: away })(event);
  const [notification] = await bench.planOf(event);
  if (!notification) throw new Error('nothing is planned');
  return { event, notification };
}

test('a waiting notification is tried again when a process took it at another delivery and died', async () => {
  const [called, paused] = [await putOff(), await putOff()];
  const ledger = createLedger({ ...bench, clock: systemClock });
  const over = new Date(Date.now() + 9_000);
  await ledger.lease(called.notification, over);
  const lease = await ledger.lease(paused.notification, over);
  await ledger.hold(paused.notification, String(lease?.id), 'too many', over);
  const inbox = createInbox();
  await bench.sendDeferred({ sender: inbox, clock: after(2) });
  expect((await bench.recorded(called.event)).email).toMatchObject({ status: 'unknown' });
  expect((await bench.recorded(paused.event)).email).toMatchObject({ status: 'sent' });
  expect(inbox.sent.map(({ orderId }) => orderId)).not.toContain(called.event.data.orderId);
});

test('nothing is given up under a call that somebody has begun in that moment', async () => {
  const { event, notification } = await putOff();
  const { pk, sk } = (await bench.recorded(event)).email ?? {};
  const clock = after(7 * DAY);
  const ledger = createLedger({ ...bench, clock });
  const dynamo = createDynamo({ region: 'us-east-1', dynamoEndpoint: bench.dynamoEndpoint });
  const send = dynamo.send.bind(dynamo) as (command: object) => Promise<unknown>;
  const meanwhile = async (command: object) => {
    const answer = await send(command);
    if (command instanceof GetCommand) await ledger.lease(notification, after(7 * DAY + 1).now());
    return answer;
  };
  const deferred = createDeferred({
    ...bench,
    clock,
    dynamo: Object.assign(dynamo, { send: meanwhile }),
  });
  expect(await deferred.postpone({ pk, sk }, clock.now())).toBe('settled');
  expect((await bench.recorded(event)).email).toMatchObject({ status: 'sending' });
  dynamo.destroy();
});
