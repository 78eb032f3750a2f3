/** Time that stands still until it is moved. */
import { inspect } from 'node:util';
import type { Clock } from '../time.ts';
import type { Duration } from './types.ts';

type Wait = Parameters<Clock['after']>[2];

interface Timer {
  readonly at: number;
  readonly action: () => void;
  readonly wait: Wait;
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  second: 1_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
};

export class VirtualClock implements Clock {
  readonly #start: number;
  #now = 0;
  /** Ascending by time; those of one time in the order in which they were set. */
  readonly #timers: Timer[] = [];

  /** @param start in milliseconds since 1970 */
  constructor(start: number) {
    this.#start = start;
  }

  date(): number {
    return this.#start + Math.floor(this.#now);
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, action: () => void, wait: Wait): () => void {
    const timer = { at: this.#now + Math.max(0, ms), action, wait };
    const place = this.#timers.findLastIndex(({ at }) => at <= timer.at) + 1;
    this.#timers.splice(place, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** The time of the next timer, of those with this reason if one is given; Infinity without one. */
  next(wait?: Wait): number {
    const timer = this.#timers.find((one) => wait === undefined || one.wait === wait);
    return timer?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Moves the time to `ms` of the monotonic clock; timers are not called. */
  moveTo(ms: number): void {
    this.#now = Math.max(this.#now, ms);
  }

  /** Calls the next timer that is due. @returns false if there is none */
  fire(): boolean {
    const [timer] = this.#timers;
    if (!timer || timer.at > this.#now) return false;
    this.#timers.shift();
    timer.action();
    return true;
  }
}

/** @throws Error that names the forms */
export function millisecondsOf(duration: Duration): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/.exec(`${duration}`) ?? [];
  const factor = UNITS[unit] ?? UNITS[unit.replace(/s$/, '')];
  const ms = typeof duration === 'number' ? duration : Number(number) * (factor ?? Number.NaN);
  if (number !== '' || typeof duration === 'number') if (ms >= 0 && ms < Infinity) return ms;
  throw new Error(
    `${inspect(duration)} is no duration: write milliseconds, or '90 s', '15 minutes', '6 hours', '6 days'.`,
  );
}

/** The clocks of the sources that want it; `Date` tells the newest one. */
const told: VirtualClock[] = [];
let restore: () => void = () => undefined;

/** Makes `Date` tell the clock's time in this process. @returns ends that */
export function replaceDate(clock: VirtualClock): () => void {
  if (told.length === 0) restore = useVirtualDate();
  told.push(clock);
  return () => {
    const index = told.indexOf(clock);
    if (index < 0) return;
    told.splice(index, 1);
    if (told.length === 0) restore();
  };
}

/** @returns puts the original back */
function useVirtualDate(): () => void {
  const original = globalThis.Date;
  // Fake timers may put the virtual Date back after its end: then it tells the original's time.
  const now = () => told.at(-1)?.date() ?? original.now();
  // No class of its own: dates that were made before must be instances, and Date is called without `new`, too.
  const virtual = new Proxy(original, {
    construct: (target, parts, newTarget) =>
      Reflect.construct(target, parts.length === 0 ? [now()] : parts, newTarget),
    apply: () => new original(now()).toString(),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
  const { constructor: before } = original.prototype;
  globalThis.Date = virtual;
  original.prototype.constructor = virtual;
  return () => {
    // If fake timers have ended meanwhile, they have already put back the Date from before them.
    if (globalThis.Date === virtual) globalThis.Date = original;
    original.prototype.constructor = before;
  };
}
