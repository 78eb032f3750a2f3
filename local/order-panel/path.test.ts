import { expect, test } from '@jest/globals';
import { DEFAULTS } from '../../lib/notification/preferences/preferences.ts';
import { eventOf, type StoredEvent } from '../../lib/order/events.ts';
import type { Order } from '../../lib/order/order.ts';
import { GIVEN_UP } from '../../lib/table.ts';
import { viewSchema } from '../../plugins/kafka-event-source/console/panel.ts';
import type { RecordLife } from '../../plugins/kafka-event-source/recorder/types.ts';
import { messageOf, readNotification, stateInWords } from './notification.ts';
import { type OrderFacts, orderView } from './path.ts';

const NOW = new Date('2026-11-27T10:00:00.000Z');
const LATER = '2026-11-27T10:05:00.000Z';
const EARLIER = '2026-11-27T09:55:00.000Z';
const ADDRESS = 'ada.lovelace@example.com';

const order: Order = {
  id: '0192f0c1-2345-7abc-8def-0123456789ab',
  customerId: 'ada',
  items: [{ productId: 'book-42', quantity: 2, price: 19.9 }],
  totalAmount: 39.8,
  currency: 'USD',
  status: 'pending',
  version: 1,
  createdAt: EARLIER,
  updatedAt: EARLIER,
};
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const facts = { id: 'event-1', traceparent, contact: { email: ADDRESS } };
const created = eventOf(order, facts);
const published: StoredEvent = { ...created, publishedAt: EARLIER };
const shipped = eventOf({ ...order, version: 2, status: 'shipped' }, { ...facts, id: 'event-2' });

function viewOf(change: Partial<OrderFacts> & { events?: StoredEvent[] }) {
  const { events = [published], stored = { order, events }, ...others } = change;
  const view = orderView({
    table: 'orders',
    topic: 'order-events',
    stored,
    notifications: [],
    failures: new Map(),
    records: [],
    invocations: new Map(),
    preferences: DEFAULTS,
    now: NOW,
    ...others,
  });
  return viewSchema.parse(view);
}

const stepsOf = (change: Parameters<typeof viewOf>[0], section = 0) =>
  (viewOf(change).sections[section]?.steps ?? []).map(({ title, ...step }) => ({
    ...step,
    title: typeof title === 'object' && 'text' in title ? title.text : title,
  }));

const bytes = (text: string) => ({ base64: Buffer.from(text).toString('base64'), size: 1 });

const lifeOf = (change: Partial<RecordLife>): RecordLife => ({
  mapping: 'm',
  topic: 'order-events',
  partition: 2,
  offset: '17',
  functionKey: 'notify',
  timestamp: 0,
  seenAt: NOW.getTime(),
  state: 'done',
  attempts: 1,
  headers: [['ce_id', bytes('event-1')]],
  events: [],
  ...change,
});

const notificationOf = (change: Record<string, unknown>) => {
  const read = readNotification({
    sk: 'NOTIFICATION#0000000001#event-1#email#hash',
    eventId: 'event-1',
    channel: 'email',
    to: 'a***@example.com',
    status: 'sent',
    attempts: 1,
    at: EARLIER,
    ...change,
  });
  if (!read) throw new Error('it cannot be read');
  return read;
};

test('the path leads from the request to the message, and shows no address', () => {
  const invocation = {
    id: 'run-1',
    mapping: 'm',
    functionKey: 'notify',
    startedAt: NOW.getTime(),
    durationMs: 12.4,
    records: 3,
    attempt: 1,
    state: 'succeeded' as const,
  };
  const sms = { channel: 'sms', sk: 'sms', to: '+*******00' };
  const change = {
    records: [lifeOf({ events: [{ at: 1, kind: 'invoked', invocation: 'run-1', text: '' }] })],
    invocations: new Map([['run-1', invocation]]),
    notifications: [notificationOf({ messageId: 'mock-1' }), notificationOf(sms)],
  };
  const steps = stepsOf(change);
  expect(steps.map(({ title, state }) => [title, state?.words])).toEqual([
    ['POST /api/orders', 'accepted'],
    ['Item, version 1', 'stored'],
    ['Event ORDER_CREATED', 'published'],
    ['order-events 2:17', 'done'],
    ['Invocation of notify', 'succeeded'],
    ['Email to a***@example.com', 'sent'],
    ['SMS to +*******00', 'sent'],
  ]);
  expect(steps[0]?.facts).toContainEqual([
    'Trace',
    {
      text: '0af7651916cd43dd8448eb211c80319c',
      link: { trace: '0af7651916cd43dd8448eb211c80319c' },
    },
  ]);
  expect(steps[5]?.previews).toMatchObject([
    { kind: 'html', query: { order: order.id, notification: notificationOf({}).sk } },
    { kind: 'text', text: expect.stringContaining(order.id) },
  ]);
  expect(steps[6]?.previews).toMatchObject([
    { kind: 'message', text: expect.stringContaining('$39.80') },
  ]);
  expect(JSON.stringify(viewOf(change))).not.toContain(ADDRESS);
});

test('a pending event waits for Kafka, and a later one for the event before it', () => {
  const events = [created, shipped];
  expect(stepsOf({ events })[2]).toMatchObject({
    state: { words: 'pending' },
    waitsFor: expect.stringMatching(/^Kafka.*relayOutbox/),
  });
  expect(stepsOf({ events }, 1)[2]).toMatchObject({
    state: { words: 'pending' },
    waitsFor: 'event 1 of the order, which goes first.',
  });
  expect(stepsOf({ events }, 1)[0]?.title).toBe(`PUT /api/orders/${order.id}/status`);
});

test('an event that Kafka refuses says since when, how often and why', () => {
  const kafkaRefusal = { since: EARLIER, at: NOW.toISOString(), attempts: 3, reason: 'too large' };
  const [, , step] = stepsOf({ stored: { order, events: [created], kafkaRefusal } });
  expect(step).toMatchObject({ state: { tone: 'bad', words: 'refused' } });
  expect(step?.waitsFor).toContain(
    `since ${EARLIER} (tried 3 times, last at ${NOW.toISOString()}): too large`,
  );
});

test('a published event without a recorded record says why it is not seen', () => {
  expect(stepsOf({})[3]).toMatchObject({ state: { words: 'not seen' } });
  expect(stepsOf({ records: undefined })[3]?.said).toContain('Nothing is recorded');
  const ofAnother = lifeOf({ headers: [['ce_id', bytes('event-9')]] });
  expect(stepsOf({ records: [ofAnother] })[3]).toMatchObject({ state: { words: 'not seen' } });
});

test('a record that fails waits for its next try, with the count of its failures', () => {
  const life = lifeOf({ state: 'retrying', why: 'The function failed.' });
  const failures = new Map([['event-1', { attempts: 4, firstAt: EARLIER }]]);
  expect(stepsOf({ records: [life], failures })[3]).toMatchObject({
    state: { tone: 'warn' },
    waitsFor: expect.stringMatching(
      /^The function failed\. notify has failed unexpectedly 4 times/,
    ),
  });
  expect(stepsOf({ records: [lifeOf({})] }).at(-1)?.title).toBe('No notification');
  const filtered = lifeOf({ state: 'filteredOut', why: 'No pattern matches.' });
  expect(stepsOf({ records: [filtered] }).at(-1)).toMatchObject({ said: 'No pattern matches.' });
});

test('of an event that was published twice both records are shown', () => {
  const records = [lifeOf({}), lifeOf({ offset: '18' })];
  const titles = stepsOf({ records }).map(({ title }) => title);
  expect(titles).toEqual(expect.arrayContaining(['order-events 2:17', 'order-events 2:18']));
});

test.each([
  [
    { status: 'deferred', reason: `quiet hours until ${LATER}` },
    'deferred',
    /quiet hours at .*sendDeferred/,
  ],
  [{ status: 'deferred', reason: 'SES is away' }, 'deferred', /next try at .*SES is away/],
  [{ status: 'failed', passing: true }, 'failed', /the next delivery/],
  [{ status: 'claimed', claimedUntil: LATER }, 'taken', /until 2026-11-27T10:05/],
  [{ status: 'claimed', claimedUntil: EARLIER }, 'taken', /the next delivery/],
  [{ status: 'sending', claimedUntil: LATER }, 'sending', /the provider's answer/],
])('a notification that is %j waits', (change, words, waitsFor) => {
  const shown = stateInWords(notificationOf({ deferredUntil: LATER, ...change }), NOW);
  expect(shown).toMatchObject({ state: { words }, waitsFor: expect.stringMatching(waitsFor) });
});

test.each([
  [{ status: 'skipped', reason: 'switched off' }, 'skipped', /has switched this kind of event off/],
  [{ status: 'skipped', reason: 'of a later release' }, 'skipped', /of a later release/],
  [{ status: 'failed', passing: false }, 'failed', /refused it for good/],
  [{ status: 'failed', deferredShard: GIVEN_UP }, 'given up', /npm run resend/],
  [{ status: 'sending', claimedUntil: EARLIER }, 'unknown', /may have arrived/],
  [{ status: 'unknown' }, 'unknown', /may have arrived/],
  [{ status: 'on hold' }, 'on hold', /Another release/],
])('a notification that is %j waits for nothing, and says why', (change, words, said) => {
  const shown = stateInWords(notificationOf(change), NOW);
  expect(shown).toMatchObject({ state: { words }, said: expect.stringMatching(said) });
  expect(shown.waitsFor).toBeUndefined();
});

test('a skipped notification has no preview, nor has one whose event no message can show', () => {
  const skipped = notificationOf({ status: 'skipped', reason: 'no address', to: undefined });
  const last = (events: StoredEvent[], one = skipped) =>
    stepsOf({ events, notifications: [one] }).at(-1);
  expect(last([published])).toMatchObject({ title: 'Email', previews: [] });
  const broken = { ...published, value: '{}' };
  expect(last([broken], notificationOf({}))).toMatchObject({ previews: [] });
});

test('a message that no provider has taken is not shown as sent', () => {
  const waiting = notificationOf({ status: 'deferred', reason: 'SES is away' });
  const [shown] = stepsOf({ notifications: [waiting] }).at(-1)?.previews ?? [];
  expect(shown?.label).toMatch(/^Not sent so far: /);
});

test('the message speaks the language of the customer', () => {
  const message = messageOf(notificationOf({}), published.value, {
    language: 'de',
    timeZone: 'UTC',
  });
  expect(message).toMatchObject({ html: expect.stringContaining('lang="de"') });
});
