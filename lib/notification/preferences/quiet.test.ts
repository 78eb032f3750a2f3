import { expect, test } from '@jest/globals';
import { quietUntil } from './quiet.ts';

const night = { from: '22:00', to: '07:00' };

function ends(now: string, zone: string, hours = night): string | undefined {
  return quietUntil(new Date(now), hours, zone)?.toISOString();
}

test('quiet hours begin with their first minute and end before their last', () => {
  expect(ends('2026-11-20T21:59:59.999Z', 'UTC')).toBeUndefined();
  expect(ends('2026-11-20T22:00:00.000Z', 'UTC')).toBe('2026-11-21T07:00:00.000Z');
  expect(ends('2026-11-21T06:59:59.999Z', 'UTC')).toBe('2026-11-21T07:00:00.000Z');
  expect(ends('2026-11-21T07:00:00.000Z', 'UTC')).toBeUndefined();
});

test('they are those of the wall clock where the customer lives', () => {
  expect(ends('2026-07-01T21:30:00.000Z', 'Europe/Berlin')).toBe('2026-07-02T05:00:00.000Z');
  expect(ends('2026-07-01T21:30:00.000Z', 'UTC')).toBeUndefined();
  expect(ends('2026-07-01T17:00:00.000Z', 'Asia/Kathmandu')).toBe('2026-07-02T01:15:00.000Z');
});

test('they may lie within one day, and the same time twice is no time', () => {
  const noon = { from: '12:00', to: '14:00' };
  expect(ends('2026-11-20T13:00:00.000Z', 'UTC', noon)).toBe('2026-11-20T14:00:00.000Z');
  expect(ends('2026-11-20T14:00:00.000Z', 'UTC', noon)).toBeUndefined();
  expect(ends('2026-11-20T12:00:00.000Z', 'UTC', { from: '12:00', to: '12:00' })).toBeUndefined();
});

// In Berlin 02:00 becomes 03:00 on 28 March 2027, at 01:00 UTC.
test('a night that loses an hour ends an hour earlier', () => {
  expect(ends('2027-03-27T21:30:00.000Z', 'Europe/Berlin')).toBe('2027-03-28T05:00:00.000Z');
});

test('an end in the hour that is left out is over when that hour would have begun', () => {
  const hours = { from: '22:00', to: '02:30' };
  expect(ends('2027-03-28T00:30:00.000Z', 'Europe/Berlin', hours)).toBe('2027-03-28T01:00:00.000Z');
  expect(ends('2027-03-28T01:00:00.000Z', 'Europe/Berlin', hours)).toBeUndefined();
});

test('a beginning in the hour that is left out is there when that hour is over', () => {
  const hours = { from: '02:30', to: '06:00' };
  expect(ends('2027-03-28T00:59:59.000Z', 'Europe/Berlin', hours)).toBeUndefined();
  expect(ends('2027-03-28T01:00:00.000Z', 'Europe/Berlin', hours)).toBe('2027-03-28T04:00:00.000Z');
});

test('quiet hours that lie in the hour that is left out do not take place', () => {
  const hours = { from: '02:15', to: '02:45' };
  expect(ends('2027-03-28T00:59:59.000Z', 'Europe/Berlin', hours)).toBeUndefined();
  expect(ends('2027-03-28T01:00:00.000Z', 'Europe/Berlin', hours)).toBeUndefined();
});

// In New York 02:00 becomes 01:00 on 1 November 2026, at 06:00 UTC.
test('a night that gains an hour ends an hour later', () => {
  expect(ends('2026-11-01T03:00:00.000Z', 'America/New_York')).toBe('2026-11-01T12:00:00.000Z');
});

test('an end in the hour that comes twice ends them twice', () => {
  const hours = { from: '22:00', to: '01:30' };
  const until = (now: string) => ends(now, 'America/New_York', hours);
  expect(until('2026-11-01T05:10:00.000Z')).toBe('2026-11-01T05:30:00.000Z');
  expect(until('2026-11-01T05:45:00.000Z')).toBeUndefined();
  expect(until('2026-11-01T06:10:00.000Z')).toBe('2026-11-01T06:30:00.000Z');
});

test('quiet until the clock would be set back last through the hour that comes twice', () => {
  const hours = { from: '22:00', to: '02:00' };
  expect(ends('2026-11-01T05:10:00.000Z', 'America/New_York', hours)).toBe(
    '2026-11-01T07:00:00.000Z',
  );
});

test('half an hour of daylight saving is half an hour', () => {
  // On Lord Howe Island 02:00 becomes 01:30 on 5 April 2026, at 15:00 UTC the day before.
  expect(ends('2026-04-04T14:00:00.000Z', 'Australia/Lord_Howe')).toBe('2026-04-04T20:30:00.000Z');
});

test('a day that a country leaves out is left out', () => {
  // Samoa had no 30 December 2011: midnight after the 29th, at 10:00 UTC, began the 31st.
  expect(ends('2011-12-30T09:30:00.000Z', 'Pacific/Apia')).toBe('2011-12-30T17:00:00.000Z');
});
