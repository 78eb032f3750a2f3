import { Temporal } from 'temporal-polyfill';

/** Local times of a day, `HH:MM`, the end not included; they may go over midnight. */
export type QuietHours = { from: string; to: string };

const DAY_MS = 24 * 3600 * 1000;

/**
 * It is quiet while the clock on the customer's wall says so, also where that clock is set forward
 * (an end in the gap is over at once) or back (an hour that comes twice is quiet twice).
 *
 * @returns when the quiet hours end that hold now; undefined outside them
 */
export function quietUntil(now: Date, hours: QuietHours, timeZone: string): Date | undefined {
  const start = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timeZone);
  let at = start;
  while (isQuiet(at, hours)) at = nextStop(at, hours);
  return at === start ? undefined : new Date(at.epochMilliseconds);
}

function isQuiet(at: Temporal.ZonedDateTime, { from, to }: QuietHours): boolean {
  return msBetween(from, at) < msBetween(from, to);
}

/** The end of the quiet hours, or the change of the offset that comes before it. */
function nextStop(at: Temporal.ZonedDateTime, { to }: QuietHours): Temporal.ZonedDateTime {
  const end = at.add({ milliseconds: msBetween(at, to) });
  if (end.offsetNanoseconds === at.offsetNanoseconds) return end;
  return at.getTimeZoneTransition('next') ?? end;
}

/** How far the hand of a clock moves from one time of the day to the other, always forward. */
function msBetween(from: Temporal.ZonedDateTime | string, to: Temporal.ZonedDateTime | string) {
  return (msOfDay(to) - msOfDay(from) + DAY_MS) % DAY_MS;
}

function msOfDay(time: Temporal.ZonedDateTime | string): number {
  if (typeof time === 'string') {
    const [hour = 0, minute = 0] = time.split(':').map(Number);
    return (hour * 60 + minute) * 60_000;
  }
  return ((time.hour * 60 + time.minute) * 60 + time.second) * 1000 + time.millisecond;
}
