import type { NotifyCrashReport } from './notify.ts';
import type { CrashReport } from './orders.ts';

/**
 * A number of runs for each counter of the order suite. After so many runs the counter is 0 by chance less than
 * once in 10 000 times, so a 0 means that the suite no longer reaches the counted situation.
 */
const ORDERS = {
  accepted: 1,
  orders: 1,
  records: 1,
  faults: 20,
  killed: 20,
  killedAfterAnswer: 200,
} satisfies Partial<Record<keyof CrashReport, number>>;

/** The same for the counters of the notify suite. */
const NOTIFY = {
  processes: 1,
  notifications: 1,
  sent: 1,
  providerCalls: 1,
  killed: 20,
  frozen: 50,
  waited: 50,
  unknown: 50,
  unknownButTaken: 50,
  superseded: 50,
} satisfies Partial<Record<keyof NotifyCrashReport, number>>;

/** The counters of a report that are 0 after enough runs, each in words. */
export function gaps(report: CrashReport | NotifyCrashReport): string[] {
  const wanted = 'accepted' in report ? ORDERS : NOTIFY;
  const counted = new Map<string, unknown>(Object.entries(report));
  return Object.entries(wanted)
    .filter(([counter, runs]) => report.runs >= runs && counted.get(counter) === 0)
    .map(([counter]) => `"${counter}" is 0 (runs: ${report.runs})`);
}
