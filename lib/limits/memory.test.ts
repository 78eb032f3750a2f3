import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { createKeyedHash } from '../keyed-hash.ts';
import { checkLimits, limitFields, limitsOf } from '../limit-settings.ts';
import { recipientOf, tooMany } from './limit.ts';
import { createMemoryLimit } from './memory.ts';

const quota = { name: 'requests', count: 3, seconds: 60 };

function limitAt(start: string) {
  let time = Date.parse(start);
  const limit = createMemoryLimit({ clock: { now: () => new Date(time) } }, quota);
  return {
    limit,
    wait: (seconds: number) => {
      time += seconds * 1000;
    },
  };
}

test('lets so many pass in a minute of the clock, each caller on their own, and says how long to wait', async () => {
  const { limit, wait } = limitAt('2026-11-27T12:00:20.000Z');
  expect([await limit('a'), await limit('a'), await limit('a')]).toEqual([0, 0, 0]);
  expect([await limit('a'), await limit('b')]).toEqual([40, 0]);
  wait(39.5);
  expect(await limit('a')).toBe(1);
  wait(0.5);
  expect(await limit('a')).toBe(0);
});

test('holds ten thousand callers at the most', async () => {
  const { limit } = limitAt('2026-11-27T12:00:00.000Z');
  for (const who of ['first', 'first', 'first']) await limit(who);
  expect(await limit('first')).toBe(60);
  for (let count = 0; count < 9999; count += 1) await limit(`caller-${count}`);
  await limit('caller-1');
  expect(await limit('first')).toBe(60);
  await limit('one more');
  expect(await limit('first')).toBe(0);
});

test('an address is hashed by its channel, without regard to case, under the secret', () => {
  const hash = createKeyedHash('a');
  const of = (address: string, channel = 'email') => recipientOf(hash, channel, address);
  expect(of('Ada@Example.org')).toBe(of('ada@example.org'));
  expect(of('+15550100', 'sms')).not.toBe(of('+15550100'));
  expect(of('ada@example.org')).not.toBe(
    recipientOf(createKeyedHash('b'), 'email', 'ada@example.org'),
  );
  expect(of('ada@example.org')).toMatch(/^[\w-]{43}$/);
});

test('too many is 429 with the time to wait', () => {
  const error = tooMany(7, 'You placed 10 orders in this minute.');
  expect(error).toMatchObject({
    code: 'TOO_MANY_REQUESTS',
    details: { retryAfter: 7 },
    retriable: true,
  });
});

test('limits are whole numbers, absent ones bound nothing, and any of them needs the secret', () => {
  const schema = z
    .object({ ...limitFields, HASH_SECRET: z.string().optional() })
    .superRefine(checkLimits);
  expect(limitsOf(schema.parse({}))).toEqual({});
  const set = { LIMIT_ORDERS_PER_MINUTE: '10', HASH_SECRET: 's' };
  expect(limitsOf(schema.parse(set))).toEqual({ ordersPerMinute: 10 });
  expect(schema.safeParse({ LIMIT_MESSAGES_PER_HOUR: '5' }).error?.issues[0]).toMatchObject({
    path: ['HASH_SECRET'],
    message: 'LIMIT_MESSAGES_PER_HOUR needs it',
  });
  for (const wrong of ['0', '-1', '1.5', 'many', '1e3', ' 1', '10000000']) {
    expect(schema.safeParse({ ...set, LIMIT_ORDERS_PER_MINUTE: wrong }).success).toBe(false);
  }
});

test('an addition after a plus sign makes no other mailbox, and no other telephone', () => {
  const hash = createKeyedHash('a');
  const of = (address: string, channel = 'email') => recipientOf(hash, channel, address);
  for (const other of ['ada+1@example.org', 'Ada+a+b@example.org', 'ada+@example.org']) {
    expect(of(other)).toBe(of('ada@example.org'));
  }
  for (const other of ['+ada@example.org', 'ada.1@example.org', 'ada+1@example.com']) {
    expect(of(other)).not.toBe(of('ada@example.org'));
  }
  expect(of('+1@example.org')).not.toBe(of('+2@example.org'));
  expect(of('+15550100', 'sms')).not.toBe(of('+15550101', 'sms'));
});
