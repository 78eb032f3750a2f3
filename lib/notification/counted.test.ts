import { afterEach, expect, jest, test } from '@jest/globals';
import { forgetfulLedger } from '../../test/support/ledger.ts';
import { orderEvent } from '../../test/support/order-event.ts';
import { capture } from '../../test/support/printed.ts';
import { keyOf } from './ledger/record.ts';
import type { Recipient } from './preferences/recipient.ts';

// lib/metrics.ts reads it when it is loaded, so it is set before the imports of code that counts.
process.env.POWERTOOLS_METRICS_DISABLED = 'false';
process.env.POWERTOOLS_METRICS_NAMESPACE = 'orders-test';
const { sendDeferred } = await import('./send-deferred.ts');
const { writeMetrics } = await import('../metrics.ts');

const now = new Date('2026-11-21T07:00:00.000Z');
const locale = { language: 'en', timeZone: 'UTC' };
const event = orderEvent(
  { timestamp: '2026-11-20T23:00:00.000Z' },
  { contact: { phone: '+15550123' } },
);

afterEach(() => {
  jest.restoreAllMocks();
});

/** One run with one record that is due, and the counts that it leaves. */
async function counted(sms: Recipient, noted = true): Promise<Record<string, unknown>> {
  const sender = {
    name: 'test',
    send: async () => ({ success: true as const, messageId: 'm1' }),
  };
  const key = keyOf({ event, channel: 'sms', skip: '', to: '+15550123' });
  const printed = capture();
  await sendDeferred(
    {
      senders: { email: [sender], sms: [sender] },
      clock: { now: () => now },
      unsubscribe: undefined,
      recipientOf: async () => ({ email: { skip: 'no address' }, sms }),
      ledger: forgetfulLedger({ skip: async () => noted }),
      deferred: {
        async *due() {
          yield key;
        },
        find: async () => ({ key, event, channel: 'sms' }),
        postpone: async () => 'later',
        async *givenUp() {
          yield* [];
        },
        putBack: async () => false,
      },
    },
    () => 50_000,
  );
  writeMetrics();
  return Object.assign({}, ...printed.lines().filter((line) => '_aws' in line));
}

test('a notification that is put off and then skipped is counted once', async () => {
  expect(await counted({ skip: 'switched off' })).toMatchObject({ SmsSkipped: 1 });
  expect(await counted({ skip: 'switched off' }, false)).not.toHaveProperty('SmsSkipped');
});

test('an address that changed meanwhile is counted as skipped, the new one as sent', async () => {
  const counts = await counted({ to: '+15550177', locale });
  expect(counts).toMatchObject({ SmsSkipped: 1, SmsSent: 1 });
});
