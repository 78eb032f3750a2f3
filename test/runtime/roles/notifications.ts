import { randomUUID } from 'node:crypto';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { logger } from '../../../lib/logger.ts';
import type { Senders } from '../../../lib/notification/channels/channels.ts';
import { createMockSender } from '../../../lib/notification/channels/senders/mock.ts';
import { deliverEvent, planOf } from '../../../lib/notification/deliver.ts';
import { createLedger } from '../../../lib/notification/ledger/ledger.ts';
import { createCustomers } from '../../../lib/notification/preferences/customers.ts';
import { createRecipientOf } from '../../../lib/notification/preferences/recipient.ts';
import type { OrderEvent } from '../../../lib/order-event.ts';
import { NOTIFICATION, orderPartition } from '../../../lib/table.ts';
import { orderEvent } from '../../support/order-event.ts';
import type { Samples } from './samples.ts';
import type { World } from './world.ts';

/** An event of an order of its own, with an email and a phone by default. */
function newEvent(data: Partial<OrderEvent['data']> = {}, given: Partial<OrderEvent> = {}) {
  const contact = { email: 'ada@example.com', phone: '+15550123' };
  const own = { orderId: randomUUID(), customerId: randomUUID(), contact, ...data };
  return orderEvent({ id: randomUUID(), ...given }, own);
}

const DONE = { answer: { batchItemFailures: [] } };
const FAILED = { error: { errorMessage: expect.any(String) } };
/** The first and the last minute of a day: whoever has these is always in quiet hours. */
const ALL_DAY = { from: '00:00', to: '23:59' };

async function recordsOf({ bench }: World, { data, id }: OrderEvent) {
  const query = new QueryCommand({
    TableName: bench.table,
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
    ExpressionAttributeValues: { ':pk': orderPartition(data.orderId), ':sk': NOTIFICATION },
    ConsistentRead: true,
  });
  const { Items = [] } = await bench.dynamo.send(query);
  return Items.filter(({ eventId }) => eventId === id);
}

/** The states of an event's records, by channel. */
async function statesOf(world: World, event: OrderEvent) {
  const records = await recordsOf(world, event);
  return Object.fromEntries(records.map(({ channel, status }) => [channel, status]));
}

/** Writes the records of an event into the table without the function. */
async function tell({ bench }: World, event: OrderEvent): Promise<void> {
  const { dynamo, table } = bench;
  const store = { dynamo, table, clock: systemClock };
  const mock = createMockSender(() => undefined);
  const senders: Senders = { email: [mock], sms: [mock] };
  const recipientOf = createRecipientOf({ customers: createCustomers(store), fallback: undefined });
  const attempt = { deadline: new Date(Date.now() + 30_000), log: logger };
  await deliverEvent(event, attempt, {
    ...store,
    ledger: createLedger(store),
    senders,
    recipientOf,
    unsubscribe: undefined,
  });
}

/** An SMS in quiet hours that is due by now, and still is in quiet hours by the customer's preferences. */
async function deferred(world: World, fields: Record<string, unknown> = {}) {
  const event = newEvent({}, { type: 'ORDER_UPDATED', sequence: 2 });
  await world.prefer(event.data.customerId, { quietHours: ALL_DAY });
  await tell(world, event);
  const sms = (await recordsOf(world, event)).find(({ channel }) => channel === 'sms');
  expect(sms).toMatchObject({ status: 'deferred' });
  const due = new Date(Date.now() - 1_000).toISOString();
  await world.change({ pk: sms?.pk, sk: sms?.sk }, { deferredUntil: due, ...fields });
  return event;
}

/** An email that waits and is due: the ledger takes any channel. */
async function deferredEmail({ bench }: World) {
  const event = newEvent();
  const { dynamo, table } = bench;
  const store = { dynamo, table, clock: systemClock };
  const recipientOf = createRecipientOf({ customers: createCustomers(store), fallback: undefined });
  const planned = await planOf(event, { recipientOf, clock: systemClock, unsubscribe: undefined });
  const email = planned.find(({ channel }) => channel === 'email');
  if (!email) throw new Error('the event has no email');
  await createLedger(store).defer(email, new Date(Date.now() - 1_000), 'to be sent again');
  return event;
}

const noHours = ({ prefer }: World, { data }: OrderEvent) => prefer(data.customerId, {});

/** The ways of the functions that send and show notifications. */
export const NOTIFYING: Record<string, Samples> = {
  notify: {
    'sent, and delivered again': async (world) => {
      const event = newEvent();
      expect(await world.deliver(event)).toEqual(DONE);
      expect(await statesOf(world, event)).toEqual({ email: 'sent', sms: 'sent' });
      expect(await world.deliver(event)).toEqual(DONE);
    },
    'nobody to tell, and again': async (world) => {
      const event = newEvent({ contact: undefined });
      expect(await world.deliver(event)).toEqual(DONE);
      expect(await statesOf(world, event)).toEqual({ email: 'skipped', sms: 'skipped' });
      expect(await world.deliver(event)).toEqual(DONE);
    },
    'the providers are away, then a redrive': async (world) => {
      const event = newEvent();
      await world.proxy.during('providers away', () => world.deliver(event));
      expect(await world.deliver(event)).toEqual(DONE);
    },
    'in quiet hours the SMS waits': async (world) => {
      const event = newEvent({}, { type: 'ORDER_UPDATED' });
      await world.prefer(event.data.customerId, { quietHours: ALL_DAY });
      expect(await world.deliver(event)).toEqual(DONE);
      expect(await statesOf(world, event)).toEqual({ email: 'sent', sms: 'deferred' });
    },
    'sent to another address, then delivered again': async (world) => {
      const event = newEvent({}, { type: 'ORDER_UPDATED' });
      await world.prefer(event.data.customerId, { quietHours: ALL_DAY });
      expect(await world.deliver(event)).toEqual(DONE);
      await world.prefer(event.data.customerId, { contact: { phone: '+15550199' } });
      expect(await world.deliver(event)).toEqual(DONE);
    },
    'a later event was sent before': async (world) => {
      const later = newEvent({}, { sequence: 2, type: 'ORDER_SHIPPED' });
      const earlier = newEvent(later.data);
      expect(await world.deliver(later, earlier)).toEqual(DONE);
      expect(await statesOf(world, earlier)).toEqual({ email: 'skipped', sms: 'skipped' });
    },
    'a record that is no event goes to the dead letters': async (world) =>
      expect(await world.deliver('not json', newEvent())).toEqual(DONE),
    throttled: async (world) =>
      expect(await world.proxy.during('throttled', () => world.deliver(newEvent()))).toMatchObject(
        FAILED,
      ),
  },
  sendDeferred: {
    'nothing waits': async ({ invoke, sample }) => invoke(await sample()),
    'quiet hours go on, then are over': async (world) => {
      const event = await deferred(world);
      await world.invoke(await world.sample());
      expect(await statesOf(world, event)).toMatchObject({ sms: 'deferred' });
      const over = await deferred(world);
      await noHours(world, over);
      await world.invoke(await world.sample());
      expect(await statesOf(world, over)).toMatchObject({ sms: 'sent' });
    },
    'an email that waits': async (world) => {
      const event = await deferredEmail(world);
      await world.invoke(await world.sample());
      expect(await statesOf(world, event)).toEqual({ email: 'sent' });
    },
    'the provider is away, and at last it is given up': async (world) => {
      const event = await deferred(world);
      await noHours(world, event);
      await world.proxy.during('providers away', async () => world.invoke(await world.sample()));
      expect(await recordsOf(world, event)).toContainEqual(
        expect.objectContaining({ status: 'deferred', failingSince: expect.any(String) }),
      );
      const failingSince = new Date(Date.now() - 7 * 24 * 3600 * 1000).toISOString();
      const old = await deferred(world, { failingSince });
      await noHours(world, old);
      await world.proxy.during('providers away', async () => world.invoke(await world.sample()));
      expect(await recordsOf(world, old)).toContainEqual(
        expect.objectContaining({ status: 'failed', deferredShard: 'GIVEN_UP' }),
      );
    },
    'a later event was sent meanwhile, or the address is another one': async (world) => {
      const event = await deferred(world);
      const later = newEvent(event.data, { sequence: 3, type: 'ORDER_CANCELLED' });
      await tell(world, later);
      const moved = await deferred(world);
      await world.prefer(moved.data.customerId, { contact: { phone: '+15550199' } });
      await world.invoke(await world.sample());
      expect(await statesOf(world, event)).toMatchObject({ sms: 'skipped' });
    },
    throttled: async ({ proxy, lambda, sample }) =>
      expect(
        await proxy.during('throttled', async () => lambda.invoke(await sample())),
      ).toMatchObject(FAILED),
  },
  listNotifications: {
    'of an order, in pages': async (world) => {
      const event = newEvent();
      await tell(world, event);
      const query = { orderId: event.data.orderId, limit: '1' };
      const { body } = await world.request(200, { query });
      await world.request(200, { query: { ...query, cursor: body.nextCursor } });
    },
    'of a customer, in pages': async (world) => {
      const event = newEvent();
      await tell(world, event);
      const query = { customerId: event.data.customerId, limit: '1' };
      const { body } = await world.request(200, { query });
      await world.request(200, { query: { ...query, cursor: body.nextCursor } });
    },
    'where there are none': ({ request }) => request(200, { query: { orderId: randomUUID() } }),
    throttled: ({ proxy, request }) => proxy.during('throttled', () => request(503)),
  },
};
