import { tzOffset } from '@date-fns/tz/tzOffset';

/** Local times of a day, `HH:MM`, the end not included; they may go over midnight. */
export type QuietHours = { from: string; to: string };

/** Milliseconds by which a zone's clock is ahead of UTC at a time, in milliseconds since 1970. */
type OffsetAt = (time: number) => number;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * It is quiet while the clock on the customer's wall says so, also where that clock is set forward
 * (an end in the gap is over at once) or back (an hour that comes twice is quiet twice).
 *
 * @returns when the quiet hours end that hold now; undefined outside them
 */
export function quietUntil(now: Date, hours: QuietHours, timeZone: string): Date | undefined {
  const offsetAt: OffsetAt = (time) => tzOffset(timeZone, new Date(time)) * MINUTE_MS;
  const [from, to] = [msOfDay(hours.from), msOfDay(hours.to)];
  const isQuiet = (time: number) =>
    msBetween(from, onTheWall(time, offsetAt)) < msBetween(from, to);
  let at = now.getTime();
  while (isQuiet(at)) at = nextStop(at, to, offsetAt);
  return at === now.getTime() ? undefined : new Date(at);
}

/** The end of the quiet hours, or the change of the offset that comes before it. */
function nextStop(at: number, to: number, offsetAt: OffsetAt): number {
  const end = at + msBetween(onTheWall(at, offsetAt), to);
  const offset = offsetAt(at);
  if (offsetAt(end) === offset) return end;
  let [before, after] = [at, end];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

/** The time of the zone's clock, in milliseconds of its day. */
function onTheWall(time: number, offsetAt: OffsetAt): number {
  return (time + offsetAt(time)) % DAY_MS;
}

/** How far the hand of a clock moves from one time of the day to the other, always forward. */
function msBetween(from: number, to: number): number {
  return (to - from + DAY_MS) % DAY_MS;
}

function msOfDay(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return (hour * 60 + minute) * MINUTE_MS;
}
