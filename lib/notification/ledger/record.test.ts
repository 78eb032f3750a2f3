import assert from 'node:assert/strict';
import { expect, test } from '@jest/globals';
import { orderEvent } from '../../../test/support/order-event.ts';
import { allDeferredShards } from '../../table.ts';
import {
  deferralOf,
  factsOf,
  keyOf,
  type Notification,
  stateOf,
  storedSchema,
  superseded,
} from './record.ts';

const now = new Date('2026-11-20T10:00:00.000Z');

const event = orderEvent(
  { type: 'ORDER_SHIPPED', timestamp: '2026-11-20T09:59:00.000Z', sequence: 2 },
  { status: 'shipped' },
);

function email(to: string): Notification {
  const message = {
    channel: 'email',
    orderId: 'o1',
    to,
    subject: 'Hello',
    body: '',
    html: '',
  } as const;
  return { event, channel: 'email', message };
}

test('the key is the order, the event, the channel and a digest of the recipient', () => {
  expect(keyOf(email('ada@example.com'))).toEqual({
    pk: 'ORDER#o1',
    // printf ada@example.com | sha256sum | head -c 16
    sk: 'NOTIFICATION#0000000002#e1#email#b5fc85e55755f9e0',
  });
  expect(keyOf(email('Ada@Example.com'))).toEqual(keyOf(email('ada@example.com')));
  expect(keyOf(email('bob@example.com'))).not.toEqual(keyOf(email('ada@example.com')));
  expect(keyOf({ event, channel: 'sms', skip: 'no address' })).toEqual({
    pk: 'ORDER#o1',
    sk: 'NOTIFICATION#0000000002#e1#sms#none',
  });
});

test('a record shows the address masked and stays for 90 days', () => {
  expect(factsOf(email('ada@example.com'), now)).toEqual({
    eventId: 'e1',
    orderId: 'o1',
    customerId: 'ada',
    type: 'ORDER_SHIPPED',
    channel: 'email',
    to: 'a***@example.com',
    subject: 'Hello',
    at: '2026-11-20T10:00:00.000Z',
    expiresAt: Date.parse('2027-02-18T10:00:00.000Z') / 1000,
    recipientKey: 'CUSTOMER#ada',
    recipientSort: '2026-11-20T09:59:00.000Z#0000000002#e1#email',
  });
});

test('a superseded notification keeps the key of the one it was', () => {
  const late = superseded(email('ada@example.com'));
  expect(late).toMatchObject({ skip: 'superseded' });
  expect(keyOf(late)).toEqual(keyOf(email('ada@example.com')));
});

test('waiting records are spread over all shards that are read', () => {
  const until = new Date('2026-11-21T07:00:00.000Z');
  const shards = Array.from({ length: 300 }, (_, i) => {
    const deferral = deferralOf({ ...event, id: `e${i}` }, until);
    assert.equal(deferral.deferredUntil, '2026-11-21T07:00:00.000Z');
    assert.deepEqual(JSON.parse(deferral.event), { ...event, id: `e${i}` });
    return deferral.deferredShard;
  });
  expect([...new Set(shards)].toSorted()).toEqual(allDeferredShards());
});

test.each([
  ['settled', { status: 'sent' }],
  ['settled', { status: 'failed' }],
  ['settled', { status: 'skipped' }],
  ['settled', { status: 'unknown' }],
  ['settled', { status: 'paused', claim: 'mine' }],
  ['settled', { status: 7 }],
  ['settled', {}],
  ['settled', { status: 'claimed', claim: 'other', claimedUntil: 'tomorrow' }],
  ['settled', { status: 'sending', claimedUntil: '2026-11-20T10:00:01.000Z' }],
  ['abandoned', { status: 'sending', claim: 'other', claimedUntil: 'tomorrow' }],
  ['mine', { status: 'sending', claim: 'mine' }],
  ['under way', { status: 'claimed', claim: 'other', claimedUntil: '2026-11-20T10:00:01.000Z' }],
  ['under way', { status: 'sending', claim: 'other', claimedUntil: '2026-11-20T09:59:59.500Z' }],
  ['abandoned', { status: 'sending', claim: 'other', claimedUntil: '2026-11-20T09:59:58.000Z' }],
  ['mine', { status: 'claimed', claim: 'mine', claimedUntil: '2026-11-20T10:01:00.000Z' }],
  ['under way', { status: 'claimed', claim: 'other', claimedUntil: '2026-11-20T10:01:00.000Z' }],
] as const)('a record is %s when it is %j', (expected, stored) => {
  expect(stateOf(storedSchema.parse(stored), 'mine', now)).toBe(expected);
});

test('a record in `sending` is never free for a writer that skips it', () => {
  const stored = {
    status: 'sending',
    claim: 'other',
    claimedUntil: '2026-11-20T10:01:00.000Z',
  };
  expect(stateOf(storedSchema.parse(stored), undefined, now)).toBe('under way');
});
