import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Message } from './channels/channels.ts';
import type { Sender, SendResult } from './channels/senders/sender.ts';
import type { Notification, Outcome } from './ledger/record.ts';
import { sendNotification } from './send.ts';

const notification = {
  event: { id: 'e1', data: { orderId: 'o1' } },
  channel: 'sms',
  message: { channel: 'sms', orderId: 'o1', to: '+15550123', text: 'Hello' },
} as unknown as Parameters<typeof sendNotification>[0];

const taken: SendResult = { success: true, messageId: 'm1' };
const retriable: SendResult = { success: false, retriable: true, reason: 'too many' };
const permanent: SendResult = { success: false, retriable: false, reason: 'opted out' };
const lost = new Error('the connection broke');

beforeEach(() => {
  jest.useFakeTimers({ now: new Date('2026-11-20T10:00:00.000Z') });
});
afterEach(() => {
  jest.useRealTimers();
});

type Answer = SendResult | Error | 'hangs';

/** Sends with providers that give these answers in turn, and returns the outcome. */
async function run(
  providers: Record<string, Answer[]>,
  given: {
    seconds?: number;
    slow?: number;
    again?: Date;
    refused?: string;
    away?: number;
    failingSince?: Date;
  } = {},
) {
  const steps: string[] = [];
  const paused: number[] = [];
  let away = given.away ?? 0;
  const senders = Object.entries(providers).map(([name, answers]): Sender<Message> => {
    return {
      name,
      async send() {
        steps.push(name);
        const answer = answers.shift();
        if (answer === 'hangs') return new Promise<never>(() => undefined);
        if (!answer || answer instanceof Error) throw answer ?? new Error('called too often');
        return answer;
      },
    };
  });
  const step = (name: string) => async () => {
    steps.push(name);
    if (name === given.refused) throw new Error(name);
  };
  let settled: Outcome | undefined;
  let putOff: unknown;
  const start = Date.now();
  const result = sendNotification(
    notification,
    {
      deadline: new Date(start + (given.seconds ?? 60) * 1000),
      again: given.again,
      log: {
        info: () => undefined,
        warn: (_, facts) => {
          const { pauseMs } = Object(facts);
          if (pauseMs !== undefined) paused.push(pauseMs);
        },
        error: () => undefined,
      },
    } as Parameters<typeof sendNotification>[1],
    {
      random: () => 0.5,
      clock: { now: () => new Date() },
      senders: { email: [], sms: senders },
      ledger: {
        lease: async () => {
          jest.setSystemTime(start + (given.slow ?? 0) * 1000);
          return { id: 'c1', failingSince: given.failingSince };
        },
        release: step('release'),
        putOff: async (_: Notification, __: string, wait: unknown) => {
          putOff = wait;
        },
        giveUp: step('give up'),
        hold: step('hold'),
        resume: step('resume'),
        settle: async (_: Notification, __: string, outcome: Outcome) => {
          if (away-- > 0) throw Object.assign(new Error('away'), { name: 'TimeoutError' });
          settled = outcome;
        },
      } as unknown as Parameters<typeof sendNotification>[2]['ledger'],
    },
  ).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error }),
  );
  let over = false;
  result.then(() => {
    over = true;
  });
  while (!over) await jest.advanceTimersByTimeAsync(50);
  return { steps, settled, putOff, paused, milliseconds: Date.now() - start, ...(await result) };
}

test('while the provider surely took nothing it is asked again, after growing pauses', async () => {
  const { steps, settled, paused } = await run({ a: [retriable, retriable, taken] });
  expect(steps).toEqual(['a', 'hold', 'resume', 'a', 'hold', 'resume', 'a']);
  expect(settled).toEqual({ status: 'sent', messageId: 'm1', provider: 'a' });
  expect(paused).toEqual([200, 400]);
});

const before = (days: number) => new Date(Date.now() - days * 24 * 3_600_000);

test('after three rounds the notification is put off for a minute', async () => {
  const { steps, settled, putOff, outcome } = (await run({
    a: [retriable, retriable, retriable],
  })) as Awaited<ReturnType<typeof run>> & { outcome: unknown };
  expect(steps.filter((step) => step === 'a')).toHaveLength(3);
  expect(settled).toBeUndefined();
  const failingSince = new Date('2026-11-20T10:00:00.600Z');
  const until = new Date('2026-11-20T10:01:00.600Z');
  expect(putOff).toEqual({ reason: 'too many', failingSince, until });
  expect(outcome).toMatchObject({ status: 'deferred', reason: 'too many', until });
});

test('a notification that has failed for days is put off for an hour, and given up after six days', async () => {
  const failingSince = before(5.9);
  const late = await run({ a: [retriable] }, { again: new Date(), failingSince });
  expect(late.putOff).toMatchObject({ failingSince, until: new Date('2026-11-20T11:00:00.000Z') });
  const over = await run({ a: [retriable] }, { again: new Date(), failingSince: before(6) });
  expect(over.steps).toEqual(['a', 'give up']);
  expect(over).toMatchObject({ outcome: { status: 'failed', retriable: true } });
});

test('no round begins that could outlive the invocation', async () => {
  const { steps, putOff } = await run({ a: [retriable] }, { seconds: 9 });
  expect(steps).toEqual(['a']);
  expect(putOff).toMatchObject({ reason: 'too many' });
});

test.each([
  ['one provider', 7, { a: [taken] }],
  ['two providers', 12, { a: [retriable], b: [taken] }],
])(
  'a lease that took long is given back when the calls of %s could outlive the invocation',
  async (_, seconds, providers) => {
    const late = await run(structuredClone(providers), { seconds: 20, slow: 20.001 - seconds });
    expect(late.steps).toEqual(['release']);
    expect(late).toMatchObject({
      outcome: { status: 'deferred', reason: 'no time left' },
    });
    const inTime = await run(structuredClone(providers), { seconds: 20, slow: 20 - seconds });
    expect(inTime.steps).toEqual(Object.keys(providers));
  },
);

test('the providers are asked once for a notification that has a next try', async () => {
  const { steps } = await run({ a: [retriable] }, { again: new Date() });
  expect(steps).toEqual(['a']);
});

test.each([
  ['a refusal for good', permanent, { status: 'failed', retriable: false, reason: 'opted out' }],
  ['a lost answer', lost, { status: 'unknown' }],
] as const)('%s is not repeated, and no other provider is asked', async (_, answer, expected) => {
  const { steps, settled } = await run({ a: [answer], b: [taken] });
  expect(steps).toEqual(['a']);
  expect(settled).toMatchObject(expected);
});

test('the next provider is asked at once where the first surely took nothing', async () => {
  const { steps, settled, milliseconds } = await run({ a: [retriable], b: [taken] });
  expect(steps).toEqual(['a', 'b']);
  expect(settled).toMatchObject({ status: 'sent', provider: 'b' });
  expect(milliseconds).toBeLessThan(100);
});

test('a provider that hangs is unknown after five seconds, and the next one is not asked', async () => {
  const { steps, settled, milliseconds } = await run({ a: ['hangs'], b: [taken] });
  expect(steps).toEqual(['a']);
  expect(settled).toEqual({ status: 'unknown', reason: 'no answer from a (TimeoutError)' });
  expect(milliseconds).toBeGreaterThanOrEqual(5_000);
  expect(milliseconds).toBeLessThan(5_200);
});

test('the second provider has its own five seconds', async () => {
  const { settled, milliseconds } = await run({ a: [retriable], b: ['hangs'] });
  expect(settled).toMatchObject({ status: 'unknown', reason: expect.stringContaining('from b') });
  expect(milliseconds).toBeGreaterThanOrEqual(5_000);
});

test('nothing is sent again when the record is no longer ours after the pause', async () => {
  const { steps, error } = (await run({ a: [retriable, taken] }, { refused: 'resume' })) as {
    steps: string[];
    error?: unknown;
  };
  expect(steps).toEqual(['a', 'hold', 'resume']);
  expect(error).toMatchObject({ message: 'resume' });
});
