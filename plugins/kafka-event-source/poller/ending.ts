/** The end of a poller: whether it has come, and waiting that it cuts short. */

/** Rejects nothing and keeps no process alive. */
export function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

export class Ending {
  readonly #over = Promise.withResolvers<void>();
  #hasBegun = false;

  /** Nothing more is to be begun. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Resolves when the consumer is to leave its group. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  begin(): void {
    this.#hasBegun = true;
  }

  end(): void {
    this.#over.resolve();
  }

  async orAfter(ms: number): Promise<void> {
    await Promise.race([after(ms), this.over]);
  }
}
