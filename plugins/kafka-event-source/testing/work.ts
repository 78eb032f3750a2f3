/** The work in this process that time must not overtake: running handlers, and letters on their way. */
import { performance } from 'node:perf_hooks';
import timers from 'node:timers';
import promises from 'node:timers/promises';

// Node's own functions, even if a test replaces the global ones, before or after it loads the kit.
const { setTimeout, clearTimeout } = timers;
const now = performance.now.bind(performance);
/** Lets other work of the process go on. */
export const { setImmediate: turn } = promises;

/** Fewer than this are no endless loop, however long they take. */
const MANY = 1_000;

/** Throws an error if there has been too much work since the watch began. */
export type Watch = () => void;

export class Work {
  readonly #fire: () => boolean;
  readonly patienceMs: number;
  #running = new Set<() => string>();
  #begun = 0;
  /** The works that are not called yet. */
  #waiting = 0;
  #changed = Promise.withResolvers<void>();

  /** @param fire calls the next timer that is due, and returns false if there is none */
  constructor(fire: () => boolean, patienceMs: number) {
    this.#fire = fire;
    this.patienceMs = patienceMs;
  }

  /** Whether any work runs. */
  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Does the work, which counts as running until it ends. @param what names it for a message */
  async do<T>(what: () => string, work: () => Promise<T>): Promise<T> {
    const running = this.#running;
    running.add(what);
    this.#begun += 1;
    try {
      this.#waiting += 1;
      // A loop of handlers that need no I/O leaves room for other work of the process.
      await turn();
      this.#waiting -= 1;
      return await work();
    } finally {
      running.delete(what);
      this.#tell();
    }
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Running work counts no more, and nobody waits for it. */
  abandon(): void {
    this.#running = new Set();
    this.#tell();
  }

  /** Notices work without an end, such as of a handler that produces to its own topic. */
  watch(): Watch {
    const [begin, begun] = [now(), this.#begun];
    return () => {
      const works = this.#begun - begun;
      if (works < MANY || now() - begin < this.patienceMs) return;
      throw new Error(
        `There is always more to do: ${works} invocations in ${this.patienceMs} ms. Does a handler ` +
          'produce to its own topic? If the work has an end, raise patienceMs.',
      );
    };
  }

  /**
   * Does all that is due, and waits for running work.
   *
   * @param isPatient whether it waits until running work ends, instead of only until it has begun
   * @throws Error that names the work that does not end
   */
  async settle(isPatient = true, watch: Watch = this.watch()): Promise<void> {
    for (;;) {
      // Work without timers and I/O is done after a turn of the event loop.
      await turn();
      watch();
      if (this.#fire()) continue;
      if (this.#waiting > 0) continue;
      if (this.#running.size === 0 || !isPatient) return;
      if (!(await this.#change())) throw this.#hanging();
    }
  }

  /** Waits until some work ends. @returns false if none does in time */
  async #change(): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(false), this.patienceMs);
    try {
      return await Promise.race([this.#changed.promise.then(() => true), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #hanging(): Error {
    const what = [...this.#running].map((one) => one()).join('; ');
    return new Error(
      `Still running after ${this.patienceMs} ms: ${what}. To let a handler time out, move the clock by ` +
        "clock.advance('6 s', { whileRunning: true }). If it is only slow, raise patienceMs.",
    );
  }
}
