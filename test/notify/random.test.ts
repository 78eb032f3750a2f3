import { expect, test } from '@jest/globals';
import type { Preferences } from '../../lib/notification/preferences/preferences.ts';
import type { EventType, OrderEvent } from '../../lib/order-event.ts';
import { createRandom, type Random } from '../crash/random.ts';
import type { Reaction } from './database.ts';
import type { Answer, Told } from './providers.ts';
import { newOrder, openShop, type Shop, TOPIC } from './shop.ts';

const EVENTS = 200;
const LIVES: [EventType[], ...EventType[][]] = [
  ['ORDER_CREATED', 'ORDER_UPDATED', 'ORDER_SHIPPED', 'ORDER_DELIVERED'],
  ['ORDER_CREATED', 'ORDER_SHIPPED', 'ORDER_DELIVERED'],
  ['ORDER_CREATED', 'ORDER_CANCELLED'],
];
const TEMPORARY: [Answer, ...Answer[]] = [
  { status: 429, error: 'TooManyRequestsException' },
  { status: 503, error: 'ServiceUnavailable' },
  { status: 500, error: 'InternalError' },
];
const FINAL: Answer = { status: 400, error: 'InvalidParameterValue' };
const REJECTED: Answer = { status: 400, error: 'MessageRejected' };

/** A provider that answers at random in every way. */
function moodOf(random: Random) {
  return ({ channel }: Told): Answer => {
    if (random.chance(0.15)) return random.pick(TEMPORARY);
    if (random.chance(0.04)) return 'cut';
    if (random.chance(0.04)) return channel === 'email' ? REJECTED : FINAL;
    return 'taken';
  };
}

function databaseMoodOf(random: Random) {
  return (): Reaction => {
    if (random.chance(0.02)) return 'answer lost';
    if (random.chance(0.02)) return 'throttled';
    return random.chance(0.01) ? 'never sent' : 'answered';
  };
}

/** Some customers sleep, some have switched something off. */
async function preferencesOf(shop: Shop, customerId: string, random: Random) {
  const preferences: Partial<Preferences> = {};
  if (random.chance(0.3)) preferences.quietHours = { from: '10:00', to: '16:00' };
  if (random.chance(0.2)) preferences.contact = { email: `${customerId}@other.example` };
  if (Object.keys(preferences).length > 0) await shop.prefer(customerId, preferences);
}

/** The promise in plain words: what each notification's record may say of the messages taken. */
async function violations(shop: Shop, events: readonly OrderEvent[]): Promise<string[]> {
  const found: string[] = [];
  for (const orderId of new Set(events.map(({ data }) => data.orderId))) {
    const own = events.filter(({ data }) => data.orderId === orderId);
    const records = await shop.notifications(orderId);
    for (const channel of ['email', 'sms'] as const) {
      const taken = shop.providers.taken.filter(
        (one) => one.orderId === orderId && one.channel === channel,
      );
      const words = taken.map(({ subject, text }) => subject ?? text);
      if (new Set(words).size < words.length) found.push(`told twice: ${words.join(' | ')}`);
      const statuses = records.filter((one) => one.channel === channel);
      const count = (status: string) => statuses.filter((one) => one.status === status).length;
      if (statuses.length !== own.length) found.push(`${statuses.length} records of ${own.length}`);
      if (count('sent') > taken.length) found.push('sent on record, and not taken');
      if (taken.length > count('sent') + count('unknown')) found.push('taken, and not on record');
      if (count('deferred') > 0) found.push(`still waits: ${orderId} ${channel}`);
      for (const { status, reason, eventId } of statuses) {
        const event = own.find(({ id }) => id === eventId);
        const isLate = own.some(({ sequence }) => sequence > (event?.sequence ?? 0));
        if (status === 'skipped' && reason === 'superseded' && !isLate) found.push('superseded');
      }
    }
  }
  return found;
}

const SEEDS = (process.env.NOTIFY_SEEDS ?? '1').split(',').map(Number);

test.each(SEEDS)(
  'a random run with faults of functions, Kafka, DynamoDB and providers tells nobody twice and loses nothing (seed %i)',
  async (seed) => {
    await using shop = await openShop({ seed });
    const random = createRandom(seed);
    const events: OrderEvent[] = [];
    const letters: string[] = [];
    shop.providers.react(moodOf(random));
    shop.database.react(databaseMoodOf(random));
    while (events.length < EVENTS) {
      const orders = Array.from({ length: 10 }, () => ({
        order: newOrder(),
        types: random.pick(LIVES),
      }));
      for (const { order } of orders) await preferencesOf(shop, order.customerId, random);
      for (let step = 0; step < 4; step += 1) {
        for (const { order, types } of orders) {
          const type = types[step];
          if (!type) continue;
          const event = order.event(type);
          events.push(event);
          await shop.publish(event);
          if (random.chance(0.1)) await shop.publish(event);
          if (random.chance(0.02)) {
            const key = `poison-${letters.length}`;
            letters.push(key);
            await shop.source.produce(TOPIC, { key, value: random.pick(['no JSON', '{}', null]) });
          }
        }
        if (random.chance(0.5)) await shop.clock.advance('5 minutes');
        if (random.chance(0.3)) await shop.source.rebalance();
      }
    }
    await shop.source.drain('1 day');
    shop.database.react(() => 'answered');
    shop.providers.react(() => 'taken');
    for (let runs = 0; runs < 4; runs += 1) await shop.sendDeferred('3 hours');
    expect(await violations(shop, events)).toEqual([]);
    const before = shop.providers.taken.length;
    await shop.source.redeliverEverything();
    await shop.sendDeferred('12 hours');
    expect(shop.providers.taken).toHaveLength(before);
    // A letter may come twice, since its answer may be lost: none is missing, and there are no others.
    const keys = new Set((await shop.letters()).map(({ key }) => key));
    expect([...keys].toSorted()).toEqual(letters.toSorted());
  },
);
