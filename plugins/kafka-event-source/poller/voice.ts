/** What holds a poller up, in words: told once, however often it is met. */
import type { Log } from '../log.ts';
import type { Ending } from './ending.ts';

export class Voice {
  readonly log: Log;
  readonly #name: string;
  readonly #ending: Ending;
  #trouble: string | undefined;

  constructor(name: string, log: Log, ending: Ending) {
    this.#name = name;
    this.log = log;
    this.#ending = ending;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  tellOnce(what: string): void {
    const message = `${this.#name}: ${what}`;
    if (this.#trouble !== message && !this.#ending.hasBegun) this.log.warning(message);
    this.#trouble = message;
  }

  clear(): void {
    this.#trouble = undefined;
  }

  warn(message: string): void {
    this.log.warning(`${this.#name}: ${message}`);
  }

  notice(message: string): void {
    this.log.notice(`${this.#name}: ${message}`);
  }

  debug(message: string): void {
    this.log.debug(`${this.#name}: ${message}`);
  }
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || error.name;
}
