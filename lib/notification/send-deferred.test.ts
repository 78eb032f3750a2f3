import { expect, test } from '@jest/globals';
import { orderEvent } from '../../test/support/order-event.ts';
import { forgetfulSeen } from '../../test/support/seen.ts';
import { AppError } from '../errors.ts';
import type { Sender } from './channels.ts';
import type { Deferred } from './deferred.ts';
import { DEFAULTS } from './preferences.ts';
import { recipientsOf } from './recipient.ts';
import { notificationKey } from './record.ts';
import { sendDeferred } from './send-deferred.ts';

const now = new Date('2026-11-21T07:00:00.000Z');

function eventOf(orderId: string) {
  return orderEvent(
    { id: `e-${orderId}`, timestamp: '2026-11-20T23:00:00.000Z' },
    { orderId, contact: { phone: '+15550123' } },
  );
}

/** One run over so many that are due, and what it sent. */
async function run(
  due: number,
  { timeLeft = () => 50_000, ...parts }: Partial<Deferred> & { timeLeft?: () => number } = {},
) {
  const sent: string[] = [];
  const sender: Sender = {
    name: 'test',
    async send({ orderId }) {
      sent.push(orderId);
      return { success: true, messageId: 'm1' };
    },
  };
  const report = await sendDeferred(
    {
      senders: { email: [sender], sms: [sender] },
      clock: { now: () => now },
      recipientOf: async (event) => recipientsOf(event, DEFAULTS, undefined, now),
      seen: forgetfulSeen(),
      deferred: {
        async *due() {
          for (let i = 0; i < due; i += 1) yield { pk: `o${i}`, sk: '' };
        },
        async find({ pk }) {
          const event = eventOf(pk);
          const to = '+15550123';
          const message = { channel: 'sms', orderId: pk, to, text: '' } as const;
          const key = notificationKey({ event, channel: 'sms', message });
          return { key, event, channel: 'sms' };
        },
        postpone: async () => 'later',
        async *givenUp() {
          yield* [];
        },
        putBack: async () => false,
        ...parts,
      },
    },
    timeLeft,
  ).catch((error: unknown) => ({ error }));
  return { sent, report };
}

test('everything that is due is sent', async () => {
  const { sent, report } = await run(20);
  expect(sent.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `o${i}`).toSorted());
  expect(report).toEqual({ handled: 20, failed: 0, dropped: 0, done: true });
});

test('a run takes so many at most, and says that it is not done', async () => {
  const { sent, report } = await run(2_500);
  expect(sent).toHaveLength(2_000);
  expect(report).toMatchObject({ handled: 2_000, done: false });
});

test('a run begins nothing for which its time does not suffice', async () => {
  let left = 50_000;
  const { sent, report } = await run(100, { timeLeft: () => (left -= 1_000) });
  expect(sent.length).toBeGreaterThan(5);
  expect(sent.length).toBeLessThan(50);
  expect(report).toMatchObject({ done: false });
});

test('what is no longer due is left alone', async () => {
  const { sent, report } = await run(3, { find: async () => undefined });
  expect(sent).toEqual([]);
  expect(report).toEqual({ handled: 0, failed: 0, dropped: 0, done: true });
});

test('a record that cannot be read does not stop the others', async () => {
  const bad: Deferred['find'] = async () => {
    throw new SyntaxError('not JSON');
  };
  const { report } = await run(3, { find: bad });
  expect(report).toMatchObject({ failed: 3, done: true });
});

test('DynamoDB being away ends the run as a failure', async () => {
  const away = new AppError('DATABASE_AWAY', 'DynamoDB did not answer in time.');
  const { report } = await run(100, { find: () => Promise.reject(away) });
  expect(report).toEqual({ error: away });
});
