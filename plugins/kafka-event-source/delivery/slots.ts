/** Limits how many invocations there are at a time; the run that waited longest goes first. */
export class Slots {
  readonly limit: number;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #onFree: () => void;

  constructor(limit: number, onFree: () => void = () => undefined) {
    this.limit = limit;
    this.#free = limit;
    this.#onFree = onFree;
  }

  get hasFree(): boolean {
    return this.#free > 0;
  }

  /** Waits for a slot. @returns false if the signal aborts before; there is no slot to release then */
  async take(signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return false;
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    return new Promise<boolean>((resolve) => {
      const begin = () => {
        signal?.removeEventListener('abort', end);
        resolve(true);
      };
      const end = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        resolve(false);
      };
      this.#waiting.push(begin);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else {
      this.#free += 1;
      this.#onFree();
    }
  }
}
