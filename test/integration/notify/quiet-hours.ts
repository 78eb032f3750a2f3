import type { Clock } from '../../../lib/clock.ts';
import { DEFAULTS, type Preferences } from '../../../lib/notification/preferences/preferences.ts';

const MINUTE = 60_000;
const start = Date.now();

/** Local time of UTC so many minutes after the test began, to the minute. */
export function inMinutes(minutes: number): string {
  return new Date(start + minutes * MINUTE).toISOString().slice(11, 16);
}

/** The middle of quiet hours: they began an hour ago and end in an hour. */
export const quiet: Preferences = {
  ...DEFAULTS,
  quietHours: { from: inMinutes(-60), to: inMinutes(60) },
};

/** The clock of a moment so many minutes after the test began. */
export function after(minutes: number): Clock {
  return { now: () => new Date(Date.now() + minutes * MINUTE) };
}
