import assert from 'node:assert/strict';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { orderEvent } from '../../../test/support/order-event.ts';
import { EVENT_TYPES, type OrderEvent } from '../../order-event.ts';
import type { Fallback } from '../channels/channel.ts';
import { CHANNEL_NAMES } from '../channels/channels.ts';
import { type Preferences, preferencesSchema } from './preferences.ts';
import { recipientsOf } from './recipient.ts';

/** With whole, half and quarter hours of offset; with daylight saving north, south, none, and odd. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Santiago',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Africa/Casablanca',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Antarctica/Troll',
];

/** Zones, and the times at which their clocks change. */
const CHANGES = [
  ['Europe/Berlin', '2026-03-29T01:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00Z'],
  ['Europe/Dublin', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['America/St_Johns', '2026-11-01T04:30Z'],
  ['America/Santiago', '2026-04-05T03:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'],
  ['Africa/Casablanca', '2026-03-22T02:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Pacific/Chatham', '2026-04-04T14:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['Antarctica/Troll', '2026-03-29T01:00Z'],
] as const;

const MINUTE = 60_000;

function forEach<Name extends string, T>(names: readonly Name[], one: T): Record<Name, T> {
  return Object.fromEntries(names.map((name) => [name, one])) as Record<Name, T>;
}

const clockTime = fc
  .tuple(fc.nat(23), fc.constantFrom(0, 0, 15, 30, 59))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
const contact = fc.record(
  {
    email: fc.constantFrom('ada@example.org', 'a@b@c', 'x\r\nBcc: y@example.org'),
    phone: fc.constantFrom('+15550123', '+15550123', '+15550123', '+0123', '0155'),
  },
  { requiredKeys: [] },
);
const mostly = fc.constantFrom(true, true, true, false);
const switches = fc.record(forEach(CHANNEL_NAMES, mostly));
const preferences: fc.Arbitrary<Preferences> = fc.record({
  contact,
  language: fc.constantFrom('en', 'de', 'fr-CA'),
  timeZone: fc.constant('UTC'),
  quietHours: fc.option(fc.record({ from: clockTime, to: clockTime }), { freq: 5 }),
  events: fc.record(forEach(EVENT_TYPES, switches)),
});
/** A zone and a time; half of them within a day of a change of its clocks. */
const moment = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...CHANGES).map(([zone, at]) => ({ zone, at: Date.parse(at) })),
      fc.record({
        zone: fc.constantFrom(...ZONES),
        at: fc.integer({ min: Date.parse('2026-01-01Z'), max: Date.parse('2028-01-01Z') }),
      }),
    ),
    fc.integer({ min: -1500, max: 1500 }),
    fc.constantFrom(0, 1, 59_999),
  )
  .map(([{ zone, at }, minutes, rest]) => ({
    zone,
    now: new Date(at - (at % MINUTE) + minutes * MINUTE + rest),
  }));
const fallback = fc.option(fc.constant({ emailDomain: 'example.com', phone: '+15550100' }), {
  nil: undefined,
});

function eventOf(type: OrderEvent['type'], given?: { email?: string; phone?: string }) {
  return orderEvent({ type }, given && { contact: given });
}

const formats = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }),
  ]),
);

/** The time on the wall's clock, `HH:MM`. */
function wallClock(at: number, timeZone: string): string {
  return formats.get(timeZone)?.format(at) ?? '';
}

/** Read aloud: from its first minute on, and before its last; over midnight when it ends earlier. */
function clockIsIn(clock: string, { from, to }: { from: string; to: string }): boolean {
  return from <= to ? from <= clock && clock < to : clock >= from || clock < to;
}

/** The next minute that is not quiet, found by looking at the wall clock every minute. */
function lookAtTheWall(now: number, hours: { from: string; to: string }, zone: string) {
  let at = now;
  while (clockIsIn(wallClock(at, zone), hours)) at = at - (at % MINUTE) + MINUTE;
  return at === now ? undefined : new Date(at);
}

/** The rules as they are written down in docs/architecture.md, one after the other. */
function model(
  channel: 'email' | 'sms',
  event: OrderEvent,
  chosen: Preferences | undefined,
  local: Fallback | undefined,
  now: Date,
) {
  if (chosen && !chosen.events[event.type][channel]) return { skip: 'switched off' };

  const own = chosen?.contact ?? {};
  const ofOrder = event.data.contact ?? {};
  let addresses: { email?: string; phone?: string } = local
    ? { email: 'ada@example.com', phone: '+15550100' }
    : {};
  if (ofOrder.email || ofOrder.phone) addresses = ofOrder;
  if (own.email || own.phone) addresses = own;
  const to = channel === 'email' ? addresses.email : addresses.phone;
  if (!to) return { skip: 'no address' };
  if (!['ada@example.org', 'ada@example.com', '+15550123', '+15550100'].includes(to)) {
    return { skip: 'malformed address' };
  }

  const locale = { language: chosen?.language ?? 'en', timeZone: chosen?.timeZone ?? 'UTC' };
  const told = { to, locale };
  if (channel === 'email' || event.type === 'ORDER_CANCELLED' || !chosen?.quietHours) return told;
  const until = lookAtTheWall(now.getTime(), chosen.quietHours, chosen.timeZone);
  return until ? { ...told, until } : told;
}

test('preferences, quiet hours, zones and clock changes give what the rules say, read plainly', () => {
  let [waits, nearChange] = [0, 0];
  fc.assert(
    fc.property(
      fc.constantFrom(...EVENT_TYPES),
      fc.option(preferences, { nil: undefined, freq: 5 }),
      fc.option(contact, { nil: undefined }),
      fallback,
      moment,
      (type, given, ofOrder, local, { zone, now }) => {
        const chosen = given && { ...given, timeZone: zone };
        const event = eventOf(type, ofOrder);
        const decided = recipientsOf(event, chosen, local, now);
        for (const channel of ['email', 'sms'] as const) {
          const { to, ...rest } = decided[channel];
          const expected = model(channel, event, chosen, local, now);
          // A skip may name an address for the record, never one that is none.
          if ('skip' in expected) assert.deepEqual(rest, expected);
          else assert.deepEqual({ to, ...rest }, expected);
          if ('until' in expected) waits += 1;
          if ('until' in expected && changesWithin(now, zone)) nearChange += 1;
        }
      },
    ),
    { numRuns: 5_000 },
  );
  // Else the property would hold for nothing.
  expect(waits).toBeGreaterThan(100);
  expect(nearChange).toBeGreaterThan(10);
});

test('the decision can use all preferences that the schema accepts', () => {
  fc.assert(
    fc.property(preferences, moment, (given, { zone, now }) => {
      const body = {
        ...given,
        timeZone: zone,
        contact: { email: 'ada@example.org', phone: '+15550123' },
      };
      const parsed = preferencesSchema.parse(body);
      expect(parsed).toEqual(body);
      recipientsOf(eventOf('ORDER_CREATED'), parsed, undefined, now);
    }),
  );
});

/** True if the zone's offset changes within a day. */
function changesWithin(now: Date, timeZone: string): boolean {
  const day = 24 * 60 * MINUTE;
  return wallClock(now.getTime(), timeZone) !== wallClock(now.getTime() + day, timeZone);
}
