/** Holds what the writing thread has not taken yet, within bounds. */
import type { InvocationOp, Op } from './ops.ts';

/** The newest done records of each mapping are kept, however far the writer is behind. */
export const NEWEST_DONE = 10_000;
/** The memory for done records of all mappings; beyond it even newer ones are only counted. */
const DONE_BYTES = 48 * 1024 * 1024;
/** The memory for all other operations; beyond it the oldest are dropped, which happens only if the writer hangs. */
const OTHER_BYTES = 128 * 1024 * 1024;
/** The memory for spans of traces; beyond it they are refused. */
const SPAN_BYTES = 16 * 1024 * 1024;
/** The most bytes of one message to the writer; fewer if the store is small. */
const MESSAGE_BYTES = 4 * 1024 * 1024;
const MESSAGES_OF_A_STORE = 40;

interface Other {
  readonly op: Op;
  readonly bytes: number;
  readonly order: number;
}

/** An invocation whose records are all done at their first attempt. */
export interface Done {
  /** Without the payload. */
  readonly op: InvocationOp;
  /** Most are pushed out unread: as bytes, they cost the garbage collection nearly nothing. */
  readonly payload: string | Buffer;
  readonly records: number;
  readonly bytes: number;
  /** Whether the writer knows some of the records already. */
  readonly isTold: boolean;
}

class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head === this.#items.length) return undefined;
    this.#head += 1;
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

interface DoneQueue {
  readonly queue: Queue<Done & { readonly order: number }>;
  records: number;
  bytes: number;
}

export class Outbox {
  readonly #others = new Queue<Other>();
  #otherBytes = 0;
  /** A queue of their own, so that a flood of spans pushes out nothing else. */
  readonly #spans = new Queue<Other>();
  #spanBytes = 0;
  #order = 0;
  readonly #done = new Map<string, DoneQueue>();
  #doneBytes = 0;
  /** Records that are only counted, by mapping. */
  readonly #counted = new Map<string, number>();
  readonly #messageBytes: number;
  readonly #onCounted: (mapping: string) => void;
  readonly #onDropped: (op: Op) => void;

  /**
   * @param maxBytes the limit of the store
   * @param onCounted called when records of a mapping are only counted
   * @param onDropped called with each operation that is not handed over
   */
  constructor(maxBytes: number, onCounted: (mapping: string) => void, onDropped: (op: Op) => void) {
    this.#messageBytes = Math.min(MESSAGE_BYTES, maxBytes / MESSAGES_OF_A_STORE);
    this.#onCounted = onCounted;
    this.#onDropped = onDropped;
  }

  get isEmpty(): boolean {
    return (
      this.#others.length + this.#spans.length === 0 && !this.hasDone && this.#counted.size === 0
    );
  }

  /** The number of the last operation. */
  get last(): number {
    return this.#order;
  }

  /** Whether the writer has not yet got all operations up to this one, apart from done records. */
  isOwed(order: number): boolean {
    return (this.#others.first?.order ?? Number.POSITIVE_INFINITY) <= order;
  }

  get hasDone(): boolean {
    return this.#doneBytes > 0;
  }

  /** The time of the oldest done records; in a flood they are young, because newer ones push them out. */
  get oldestDone(): number {
    const times = [...this.#done.values()].map(({ queue }) => queue.first?.op.answer?.at);
    return Math.min(...times.map((at) => at ?? Number.POSITIVE_INFINITY));
  }

  /** Whether there is more than one message, so that nothing needless is added. */
  get isBehind(): boolean {
    return this.#otherBytes > this.#messageBytes || this.#doneBytes > this.#messageBytes;
  }

  add(op: Op, bytes = 500): void {
    this.#order += 1;
    this.#others.push({ op, bytes, order: this.#order });
    this.#otherBytes += bytes;
    while (this.#otherBytes > OTHER_BYTES) {
      const dropped = this.#others.shift();
      if (!dropped) return;
      this.#otherBytes -= dropped.bytes;
      const { op: lost } = dropped;
      this.#onDropped(lost);
      if (lost.op === 'records') this.#count(lost.mapping, lost.count);
    }
  }

  /** @returns false if they are refused */
  addSpans(op: Op, bytes: number): boolean {
    if (this.#spanBytes + bytes > SPAN_BYTES) return false;
    this.#order += 1;
    this.#spans.push({ op, bytes, order: this.#order });
    this.#spanBytes += bytes;
    return true;
  }

  addDone(done: Done): void {
    const { mapping } = done.op;
    const found = this.#done.get(mapping) ?? { queue: new Queue(), records: 0, bytes: 0 };
    this.#done.set(mapping, found);
    this.#order += 1;
    found.queue.push({ ...done, order: this.#order });
    found.records += done.records;
    found.bytes += done.bytes;
    this.#doneBytes += done.bytes;
    while (found.records - (found.queue.first?.records ?? 0) >= NEWEST_DONE) this.#collapse(found);
    while (this.#doneBytes > DONE_BYTES) this.#collapse(largest(this.#done.values()));
  }

  /**
   * The next operations for the writer.
   *
   * @param withDone whether done records may be among them
   * @param withSpans whether spans may be among them
   */
  take(withDone: boolean, withSpans = withDone): Op[] {
    const taken: { readonly op: Op; readonly order: number }[] = [];
    let bytes = 0;
    for (const [mapping, count] of this.#counted) {
      taken.push({ op: { op: 'counted', mapping, count }, order: this.#order });
    }
    this.#counted.clear();
    while (bytes < this.#messageBytes) {
      const other = this.#others.shift();
      if (!other) break;
      taken.push(other);
      bytes += other.bytes;
      this.#otherBytes -= other.bytes;
    }
    for (const [mapping, found] of withDone ? [...this.#done] : []) {
      if (bytes >= this.#messageBytes) break;
      // The other mappings come first the next time.
      this.#done.delete(mapping);
      this.#done.set(mapping, found);
      while (bytes < this.#messageBytes) {
        const done = this.#shift(found);
        if (!done) break;
        const { op, payload, order } = done;
        taken.push({ op: { ...op, payload: payload.toString() }, order });
        bytes += done.bytes;
      }
    }
    while (withSpans && bytes < this.#messageBytes) {
      const spans = this.#spans.shift();
      if (!spans) break;
      taken.push(spans);
      bytes += spans.bytes;
      this.#spanBytes -= spans.bytes;
    }
    return taken.sort((a, b) => a.order - b.order).map(({ op }) => op);
  }

  #shift(found: DoneQueue) {
    const done = found.queue.shift();
    if (!done) return undefined;
    found.records -= done.records;
    found.bytes -= done.bytes;
    this.#doneBytes -= done.bytes;
    return done;
  }

  /** Only counts the oldest done records. */
  #collapse(found: DoneQueue): void {
    const done = this.#shift(found);
    if (!done) return;
    // If the writer has some of the records as waiting, it learns that they are done, and counts the others itself.
    if (done.isTold) {
      this.add({ ...done.op, isCollapsed: true });
      this.#onCounted(done.op.mapping);
    } else {
      this.#onDropped(done.op);
      this.#count(done.op.mapping, done.records);
    }
  }

  #count(mapping: string, count: number): void {
    this.#counted.set(mapping, (this.#counted.get(mapping) ?? 0) + count);
    this.#onCounted(mapping);
  }
}

function largest(all: Iterable<DoneQueue>): DoneQueue {
  return [...all].reduce((most, one) => (one.bytes > most.bytes ? one : most));
}
