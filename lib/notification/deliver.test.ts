import { afterEach, expect, jest, test } from '@jest/globals';
import { forgetfulLedger } from '../../test/support/ledger.ts';
import { orderEvent } from '../../test/support/order-event.ts';
import type { Message } from './channels/channels.ts';
import type { Sender, SendResult } from './channels/senders/sender.ts';
import { deliverEvent } from './deliver.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { NotSent, Outcome } from './ledger/record.ts';
import { DEFAULTS, type Preferences } from './preferences/preferences.ts';
import { recipientsOf } from './preferences/recipient.ts';

const event = orderEvent({}, { contact: { email: 'ada@example.com', phone: '+15550123' } });

type Parts = {
  answer?: (message: Message) => Promise<SendResult>;
  ledger?: Partial<Ledger>;
  preferences?: Preferences;
};

const now = new Date('2026-11-20T23:00:00.000Z');

/** Runs one delivery, and returns the notes and the messages in their order. */
async function run({ answer, ledger, preferences }: Parts, given = event) {
  const steps: string[] = [];
  const logged: unknown[] = [];
  const note = (message: string, ...facts: unknown[]) => logged.push(message, facts);
  const sender: Sender<Message> = {
    name: 'test',
    async send(message) {
      steps.push(`send ${message.channel}`);
      return answer ? answer(message) : { success: true, messageId: `m-${message.channel}` };
    },
  };
  const outcomes: Record<string, Outcome | NotSent> = {};
  const error = await deliverEvent(
    given,
    {
      // Enough for one round of calls.
      deadline: new Date(Date.now() + 8_000),
      log: { info: note, warn: note, error: note },
    },
    {
      senders: { email: [sender], sms: [sender] },
      clock: { now: () => now },
      unsubscribe: undefined,
      recipientOf: async (told) => {
        const { email, sms } = recipientsOf(told, preferences, undefined, now);
        return { email, sms };
      },
      ledger: forgetfulLedger({
        lease: async ({ channel }) => {
          steps.push(`lease ${channel}`);
          return { id: 'c1' };
        },
        release: async ({ channel }, _, { reason }) => {
          steps.push(`release ${channel}: ${reason}`);
        },
        putOff: async ({ channel }, _, { reason, until, failingSince }) => {
          const times = `${failingSince.toISOString()} to ${until.toISOString()}`;
          steps.push(`put off ${channel} from ${times}: ${reason}`);
        },
        hold: async ({ channel }, _, reason) => {
          steps.push(`hold ${channel}: ${reason}`);
        },
        resume: async ({ channel }) => {
          steps.push(`resume ${channel}`);
        },
        settle: async ({ channel }, _, outcome) => {
          outcomes[channel] = outcome;
        },
        defer: async ({ channel }, until, reason) => {
          steps.push(`defer ${channel} to ${until.toISOString()}: ${reason}`);
          return true;
        },
        skip: async ({ channel }, reason) => {
          steps.push(`skip ${channel}: ${reason}`);
          return true;
        },
        ...ledger,
      }),
    },
  ).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { steps, outcomes, error, log: JSON.stringify(logged) };
}

afterEach(() => {
  jest.useRealTimers();
});

test('each channel is leased before its provider is called', async () => {
  const { steps, outcomes, error } = await run({});
  expect(steps.indexOf('lease email')).toBeLessThan(steps.indexOf('send email'));
  expect(steps.indexOf('lease sms')).toBeLessThan(steps.indexOf('send sms'));
  expect(steps).toHaveLength(4);
  expect(outcomes).toEqual({
    email: { status: 'sent', messageId: 'm-email', provider: 'test' },
    sms: { status: 'sent', messageId: 'm-sms', provider: 'test' },
  });
  expect(error).toBeUndefined();
});

test('a notification without a lease is not sent', async () => {
  const { steps } = await run({ ledger: { lease: async () => undefined } });
  expect(steps).toEqual([]);
});

test('a lease that DynamoDB does not acknowledge is not sent', async () => {
  const away = new Error('away');
  const { steps, error } = await run({ ledger: { lease: () => Promise.reject(away) } });
  expect(steps).toEqual([]);
  expect(error).toBe(away);
});

test('a notification that no provider takes is put off for a minute; the other channel is served', async () => {
  const { steps, outcomes, error } = await run({
    answer: async ({ channel }) =>
      channel === 'email'
        ? { success: false, retriable: true, reason: 'too many' }
        : { success: true, messageId: 'm1' },
  });
  expect(steps).toContain(
    'put off email from 2026-11-20T23:00:00.000Z to 2026-11-20T23:01:00.000Z: too many',
  );
  expect(outcomes).toEqual({ sms: { status: 'sent', messageId: 'm1', provider: 'test' } });
  expect(error).toBeUndefined();
});

test('a failure that stays is on record and asks for nothing', async () => {
  const { outcomes, error } = await run({
    answer: async () => ({ success: false, retriable: false, reason: 'no such mailbox' }),
  });
  expect(outcomes.email).toEqual({ status: 'failed', retriable: false, reason: 'no such mailbox' });
  expect(error).toBeUndefined();
});

test('a lost answer is unknown, asks for nothing, and its message stays out of the log', async () => {
  const { outcomes, error, log } = await run({
    answer: () => Promise.reject(new Error('reset while sending to ada@example.com')),
  });
  expect(outcomes.email).toEqual({
    status: 'unknown',
    reason: 'no answer from test (Error)',
  });
  expect(error).toBeUndefined();
  expect(log).not.toContain('ada@');
  expect(log).not.toContain('15550123');
});

test('a provider that hangs is unknown after five seconds', async () => {
  jest.useFakeTimers();
  const running = run({ answer: () => new Promise(() => undefined) });
  await jest.advanceTimersByTimeAsync(4_999);
  let over = false;
  running.then(() => {
    over = true;
  });
  await jest.advanceTimersByTimeAsync(0);
  expect(over).toBe(false);
  await jest.advanceTimersByTimeAsync(1);
  const { outcomes, error } = await running;
  expect(outcomes.sms).toMatchObject({
    status: 'unknown',
    reason: expect.stringContaining('Timeout'),
  });
  expect(error).toBeUndefined();
});

test('an event is not sent after a later one of its order', async () => {
  const { steps } = await run({ ledger: { advance: async () => 'overtaken' } });
  expect(steps).toEqual(['skip email: superseded', 'skip sms: superseded']);
});

test('a customer without an address is skipped on record', async () => {
  const { contact: _, ...data } = event.data;
  const { steps } = await run({}, { ...event, data });
  expect(steps).toEqual(['skip email: no address', 'skip sms: no address']);
});

test('in quiet hours the SMS is put off until they end, and the email goes', async () => {
  const quiet = { ...DEFAULTS, quietHours: { from: '22:00', to: '07:00' } };
  const { steps, outcomes } = await run({ preferences: quiet });
  expect(steps).toEqual([
    'lease email',
    'defer sms to 2026-11-21T07:00:00.000Z: quiet hours until 2026-11-21T07:00:00.000Z',
    'send email',
  ]);
  expect(Object.keys(outcomes)).toEqual(['email']);
});

test('an event that is skipped on all channels does not supersede an earlier event', async () => {
  const off = { ...DEFAULTS.events.ORDER_CREATED, email: false, sms: false };
  const { steps } = await run({
    preferences: { ...DEFAULTS, events: { ...DEFAULTS.events, ORDER_CREATED: off } },
    ledger: { advance: () => Promise.reject(new Error('told')) },
  });
  expect(steps).toEqual(['skip email: switched off', 'skip sms: switched off']);
});

test('an event that no message can show is refused before anything is noted', async () => {
  const { steps, error } = await run({}, { ...event, data: { ...event.data, currency: '123' } });
  expect(steps).toEqual([]);
  expect(error).toMatchObject({ code: 'RECORD_INVALID', retriable: false });
});
