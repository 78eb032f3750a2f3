import { expect, test } from '@jest/globals';
import { forgetfulLedger } from '../../test/support/ledger.ts';
import { orderEvent } from '../../test/support/order-event.ts';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { Message } from './channels/channels.ts';
import type { Sender } from './channels/senders/sender.ts';
import type { Deferred } from './ledger/deferred.ts';
import type { Ledger } from './ledger/ledger.ts';
import { keyOf } from './ledger/record.ts';
import { DEFAULTS } from './preferences/preferences.ts';
import { recipientsOf } from './preferences/recipient.ts';
import { sendDeferred } from './send-deferred.ts';

const now = new Date('2026-11-21T07:00:00.000Z');

function eventOf(orderId: string) {
  return orderEvent(
    { id: `e-${orderId}`, timestamp: '2026-11-20T23:00:00.000Z' },
    { orderId, contact: { phone: '+15550123' } },
  );
}

/** One run over this number of due notifications, and the messages that it sent. */
async function run(
  due: number,
  {
    timeLeft = () => 50_000,
    clock = { now: () => now },
    ledger = forgetfulLedger(),
    ...parts
  }: Partial<Deferred> & {
    timeLeft?: () => number;
    clock?: Clock;
    ledger?: Ledger;
    sender?: Sender<Message>;
  } = {},
) {
  const sent: string[] = [];
  const sender: Sender<Message> = parts.sender ?? {
    name: 'test',
    async send({ orderId }) {
      sent.push(orderId);
      return { success: true, messageId: 'm1' };
    },
  };
  const report = await sendDeferred(
    {
      senders: { email: [sender], sms: [sender] },
      clock,
      unsubscribe: undefined,
      recipientOf: async (event) => recipientsOf(event, DEFAULTS, undefined, now),
      ledger,
      deferred: {
        async *due() {
          for (let i = 0; i < due; i += 1) yield { pk: `o${i}`, sk: '' };
        },
        async find({ pk }) {
          const event = eventOf(pk);
          const to = '+15550123';
          const message = { channel: 'sms', orderId: pk, to, text: '' } as const;
          const key = keyOf({ event, channel: 'sms', message });
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

test('a notification that is no longer due is left alone', async () => {
  const { sent, report } = await run(3, { find: async () => undefined });
  expect(sent).toEqual([]);
  expect(report).toEqual({ handled: 0, failed: 0, dropped: 0, done: true });
});

test('after hours of an outage thousands are sent, each once, so many a run at most', async () => {
  const count = 2_500;
  let minute = 0;
  const clock = { now: () => new Date(now.getTime() + minute * 60_000) };
  const waits = new Map(Array.from({ length: count }, (_, i) => [`o${i}`, now.getTime()]));
  const since = new Map<string, Date>();
  const told: string[] = [];
  const sender: Sender<Message> = {
    name: 'test',
    async send({ orderId }) {
      if (minute < 90) return { success: false, retriable: true, reason: 'away' };
      told.push(orderId);
      return { success: true, messageId: 'm1' };
    },
  };
  const ledger = forgetfulLedger({
    lease: async ({ event }) => ({ id: 'c1', failingSince: since.get(event.data.orderId) }),
    putOff: async ({ event }, _, { until, failingSince }) => {
      since.set(event.data.orderId, failingSince);
      waits.set(event.data.orderId, until.getTime());
    },
    settle: async ({ event }) => {
      waits.delete(event.data.orderId);
    },
  });
  const runs: number[] = [];
  for (; waits.size > 0 && minute < 300; minute += 1) {
    const due = [...waits].filter(([, at]) => at <= clock.now().getTime());
    const { report } = await run(due.length, {
      clock,
      ledger,
      sender,
      async *due() {
        yield* due.toSorted(([, a], [, b]) => a - b).map(([pk]) => ({ pk, sk: '' }));
      },
    });
    runs.push(Object(report).handled + Object(report).failed);
  }
  expect(waits.size).toBe(0);
  expect(new Set(told).size).toBe(count);
  expect(told).toHaveLength(count);
  expect(Math.max(...runs)).toBe(2_000);
  // An hour's pause at most, and the runs that so many need.
  expect(minute).toBeLessThanOrEqual(90 + 60 + 2 + 1);
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
