import { randomUUID } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { createHandler as createCreateOrder } from '../../functions/createOrder/handler.ts';
import { createHandler as createRelayOutbox } from '../../functions/relayOutbox/handler.ts';
import { createHandler as createUpdateStatus } from '../../functions/updateStatus/handler.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { createProducer, type Producer } from '../../lib/kafka/producer.ts';
import type { Message } from '../../lib/notification/channels/channels.ts';
import type { Sender } from '../../lib/notification/channels/senders/sender.ts';
import { createDeferred } from '../../lib/notification/ledger/deferred.ts';
import { createLedger } from '../../lib/notification/ledger/ledger.ts';
import { DEFAULTS, type Preferences } from '../../lib/notification/preferences/preferences.ts';
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import { type EventType, type OrderEvent, orderEventSchema } from '../../lib/order-event.ts';
import { createNotifyBench, type NotifyBench } from '../integration/notify/bench.ts';
import { callersOf } from '../support/callers.ts';
import { call, lambdaContext } from '../support/http.ts';
import { createOrderBench, type OrderBench } from '../support/orders.ts';
import { until } from '../support/until.ts';

const MINUTE_MS = 60_000;
const CONTACT = { email: 'ada@example.com', phone: '+15550123' };
const NIGHT: Preferences = { ...DEFAULTS, quietHours: { from: '00:00', to: '23:59' } };

const taking = senderOf(() => ({ success: true, messageId: randomUUID() }));
const away = senderOf(() => ({ success: false, retriable: true, reason: 'too many requests' }));
const refusing = senderOf(() => ({ success: false, retriable: false, reason: 'no such mailbox' }));
const silent = senderOf(() => {
  throw new Error('socket hang up');
});

/** Fills a table of its own by the system's own functions. Each customer is named after the case. */
export async function fill(): Promise<string> {
  const mark = randomUUID().slice(0, 8);
  const orders = await createOrderBench(undefined, mark);
  const bench = await createNotifyBench(mark);
  try {
    await fillOrders(orders);
    await fillPreferences(bench);
    await fillNotifications(orders, bench);
    return bench.table;
  } finally {
    await bench.close();
    await orders.close();
  }
}

async function fillOrders(bench: OrderBench): Promise<void> {
  const noKafka: OutboxDeps = { ...bench, producer: createProducer(['localhost:1']) };
  const refuses: OutboxDeps = { ...bench, producer: refusingFrom(bench.producer) };

  const first = await place(noKafka, 'order-refused');
  const second = await place(bench, 'order-refused-at-its-second-event');
  await move(noKafka, second.id, 'confirmed');
  await until('both orders to be refused', async () => {
    await relay(refuses);
    const stored = await Promise.all([first, second].map(({ id }) => bench.repository.get(id)));
    return stored.every((order) => order?.kafkaRefusal) || undefined;
  });

  await place(bench, 'order-pending', { contact: CONTACT, currency: 'EUR' });
  const ways = {
    confirmed: ['confirmed'],
    shipped: ['shipped'],
    delivered: ['confirmed', 'shipped', 'delivered'],
    cancelled: ['confirmed', 'cancelled'],
  };
  for (const [name, way] of Object.entries(ways)) {
    const told = await place(bench, `order-${name}`);
    for (const status of way) await move(bench, told.id, status);
    const untold = await place(noKafka, `order-${name}-all-events-waiting`);
    for (const status of way) await move(noKafka, untold.id, status);
    const half = await place(bench, `order-${name}-last-event-waiting`);
    for (const status of way.slice(0, -1)) await move(bench, half.id, status);
    await move(noKafka, half.id, String(way.at(-1)));
  }
  await place(noKafka, 'order-pending-event-waiting');
}

async function fillPreferences({ customers }: NotifyBench): Promise<void> {
  const off = { ...DEFAULTS.events.ORDER_CREATED, email: false, sms: false };
  await customers.save('preferences-nothing-said', DEFAULTS, undefined);
  const everything: Preferences = {
    contact: { email: 'grace@example.com', phone: '+4915112345678' },
    language: 'de-AT',
    timeZone: 'Europe/Vienna',
    quietHours: { from: '22:00', to: '06:30' },
    events: {
      ...DEFAULTS.events,
      ORDER_UPDATED: off,
      ORDER_SHIPPED: { ...DEFAULTS.events.ORDER_CREATED, email: true, sms: false },
    },
  };
  await customers.save('preferences-everything', DEFAULTS, undefined);
  await customers.save('preferences-everything', everything, [1]);
  await customers.save('skipped-switched-off', { ...DEFAULTS, events: allOff(off) }, undefined);
  for (const name of ['deferred', 'deferred-and-failed', 'given-up', 'put-back']) {
    await customers.save(name, NIGHT, undefined);
  }
}

async function fillNotifications(orders: OrderBench, bench: NotifyBench): Promise<void> {
  const event = async (name: string, contact: object | undefined = CONTACT) =>
    eventsOf(orders, (await place(orders, name, { contact })).id).then(([only]) => only);
  const told = async (
    sender: Sender<Message>,
    name: string,
    contact?: object,
    clock = systemClock,
  ) => {
    const one = await event(name, contact);
    await bench
      .notify({ sender, clock })(one)
      .catch(() => undefined);
    return one;
  };

  // Cases that need sendDeferred come first, since sendDeferred handles everything that is due.
  await told(taking, 'given-up', CONTACT, past(48));
  await told(taking, 'put-back', CONTACT, past(48));
  await endNight(bench, ['given-up', 'put-back']);
  for (let hour = 33; hour > 20; hour -= 1) {
    await bench.sendDeferred({ sender: away, clock: past(hour) });
  }
  await told(taking, 'deferred-and-failed', CONTACT, past(48));
  await endNight(bench, ['deferred-and-failed']);
  await bench.sendDeferred({ sender: away, clock: past(18) });
  await putBack(bench, 'put-back', past(17));

  await told(taking, 'deferred');
  await told(taking, 'sent');
  await told(refusing, 'failed-for-good');
  await told(away, 'failed-passing');
  await told(silent, 'unknown');
  await told(taking, 'skipped-switched-off');
  await told(taking, 'skipped-no-sms-address', { email: 'ada@example.com' });
  await told(onlyOn('email'), 'sent-email-failed-sms');

  const ledger = createLedger({ dynamo: bench.dynamo, table: bench.table, clock: past(1) });
  const soon = new Date(past(1).now().getTime() + 9_000);
  for (const name of ['claimed', 'sending']) {
    const one = await event(name);
    await ledger.advance(one);
    for (const notification of await bench.planOf(one)) {
      const lease = await ledger.lease(notification, soon);
      if (name === 'claimed') await ledger.hold(notification, String(lease?.id), 'busy', soon);
    }
  }
  const abandoned = await event('unknown-abandoned');
  await ledger.advance(abandoned);
  for (const one of await bench.planOf(abandoned)) await ledger.lease(one, soon);
  await bench.notify({ sender: taking })(abandoned);

  const moved = await told(taking, 'sent-two-events');
  await move(orders, moved.data.orderId, 'confirmed');
  await bench.notify({ sender: taking })(...(await eventsOf(orders, moved.data.orderId)));

  const overtaken = await event('superseded');
  await move(orders, overtaken.data.orderId, 'cancelled');
  const [created, ...cancelled] = await eventsOf(orders, overtaken.data.orderId);
  await bench.notify({ sender: taking })(...cancelled);
  await bench.notify({ sender: taking })(created);

  const left = await told(away, 'skipped-address-changed');
  const contact = { email: 'new@example.com', phone: '+15550199' };
  await bench.customers.save('skipped-address-changed', { ...DEFAULTS, contact }, undefined);
  await bench.notify({ sender: taking })(left);
}

/** Ends these customers' quiet hours, so that their notifications are tried, and fail, when due. */
async function endNight({ customers }: NotifyBench, names: string[]): Promise<void> {
  for (const name of names) await customers.save(name, DEFAULTS, undefined);
}

async function putBack(bench: NotifyBench, customerId: string, clock: Clock): Promise<void> {
  const deferred = createDeferred({ ...bench, clock: systemClock });
  for await (const record of deferred.givenUp({ from: new Date(0), to: new Date() })) {
    const get = new GetCommand({ TableName: bench.table, Key: record.key });
    const { Item } = await bench.dynamo.send(get);
    if (Item?.customerId !== customerId) continue;
    await deferred.putBack(record, clock.now());
  }
}

async function place(deps: OutboxDeps, customerId: string, more: object = {}) {
  const items = [
    { productId: 'keyboard', quantity: 3, price: 9.99 },
    { productId: 'mouse', quantity: 1, price: 0.1 },
  ];
  const { status, body } = await call(createCreateOrder({ ...deps, callers: callersOf() }), {
    method: 'POST',
    headers: { 'idempotency-key': `key of ${customerId}` },
    body: { customerId, items, ...more },
  });
  if (status !== 201) throw new Error(`${customerId}: ${status}`);
  return body.data as { id: string };
}

async function move(deps: OutboxDeps, id: string, status: string): Promise<void> {
  const request = { method: 'PUT', pathParameters: { id }, body: { status } };
  const reply = await call(createUpdateStatus({ ...deps, callers: callersOf() }), request);
  if (reply.status !== 200) throw new Error(`${id} to ${status}: ${reply.status}`);
}

async function relay(deps: OutboxDeps): Promise<void> {
  const clock = { now: () => new Date(Date.now() + MINUTE_MS) };
  await createRelayOutbox({ ...deps, clock })({}, lambdaContext());
}

async function eventsOf(bench: OrderBench, id: string): Promise<[OrderEvent, ...OrderEvent[]]> {
  const stored = await bench.repository.get(id);
  return stored?.events.map(({ value }) => orderEventSchema.parse(JSON.parse(value))) as [
    OrderEvent,
    ...OrderEvent[],
  ];
}

/** Fills a batch up to what the broker really refuses. */
function refusingFrom(producer: Producer): Producer {
  const padding = { key: null, value: Buffer.alloc(2_000_000) };
  return {
    ...producer,
    send: (topic, records, ms) => producer.send(topic, [...records, padding], ms),
  };
}

function senderOf(send: () => Awaited<ReturnType<Sender<Message>['send']>>): Sender<Message> {
  return { name: 'provider', send: async () => send() };
}

function onlyOn(channel: string): Sender<Message> {
  const send: Sender<Message>['send'] = (message, signal) =>
    (message.channel === channel ? taking : away).send(message, signal);
  return { name: 'provider', send };
}

function past(hours: number): Clock {
  return { now: () => new Date(Date.now() - hours * 60 * MINUTE_MS) };
}

function allOff(off: Preferences['events'][EventType]): Preferences['events'] {
  const all = Object.keys(DEFAULTS.events).map((type) => [type, off]);
  return Object.fromEntries(all);
}
