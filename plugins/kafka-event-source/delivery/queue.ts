/** A first-in, first-out list that gives up its head without moving the rest each time. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  push(items: readonly T[]): void {
    for (const item of items) this.#items.push(item);
  }

  /** The first ones, which are gone from the queue. */
  take(count: number): T[] {
    const end = Math.min(this.#head + count, this.#items.length);
    const taken = this.#items.slice(this.#head, end);
    this.#head = end;
    // What is taken stays in memory until here, so at most as much as still waits.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  /** Puts another in the place of the last one. */
  replaceLast(change: (last: T) => T): void {
    const index = this.#items.length - 1;
    const last = this.#items[index];
    if (index >= this.#head && last !== undefined) this.#items[index] = change(last);
  }
}
