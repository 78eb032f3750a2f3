/** Limits how many invocations a poller has at a time; the run that waited longest goes first. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #onFree: () => void;

  constructor(limit: number, onFree: () => void) {
    this.#free = limit;
    this.#onFree = onFree;
  }

  get hasFree(): boolean {
    return this.#free > 0;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
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
