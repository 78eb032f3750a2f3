/** Delivers one mapping's records: batches, retries, and tells how far each partition is done. */
import { acknowledge, type InvocationResult, type PartVerdict } from './acknowledge.ts';
import { assemble, type Entry, type Limits } from './batch.ts';
import { type EventSource, envelopeBytes, groupBytes, recordsKey, toPayload } from './event.ts';

export interface Log {
  error(message: string): void;
  warning(message: string): void;
  notice(message: string): void;
  debug(message: string): void;
}

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface DeliveryOptions {
  readonly name: string;
  readonly topic: string;
  readonly source: EventSource;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly payloadBytes: number;
  readonly reportBatchItemFailures: boolean;
  readonly backoff: Backoff;
  readonly log: Log;
  readonly invoke: (payload: string) => Promise<InvocationResult>;
  /** All records of the partition before `next` are done. */
  readonly onProgress: (partition: number, next: number) => void;
  /** The partition's buffer has room again. */
  readonly onRoom: (partition: number) => void;
}

interface Lane {
  readonly partition: number;
  waiting: Entry[];
  bytes: number;
  freeSince: number;
  /** Taken away: nothing of it is delivered, repeated or reported any more. */
  lost: boolean;
  /** Stopped by a record that no invocation can carry. */
  blocked: boolean;
}

interface Part {
  readonly lane: Lane;
  entries: readonly Entry[];
  /** What is committed when all entries are done. */
  upTo: number;
}

const BUFFER_BYTES = 32 * 1024 * 1024;
const LANE_BYTES = { min: 2 * 1024 * 1024, max: 8 * 1024 * 1024 } as const;

const UNREACHED_MAX_MS = 5_000;

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #limits: Limits;
  readonly #lanes = new Map<number, Lane>();
  readonly #busy = new Set<number>();
  readonly #running = new Set<Promise<void>>();
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  #gate: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#limits = {
      batchSize: options.batchSize,
      windowMs: options.windowMs,
      payloadBytes: options.payloadBytes,
      envelopeBytes: envelopeBytes(options.source),
      groupBytes: (partition) => groupBytes(this.#key(partition)),
    };
  }

  /** Begins with a partition, with an empty buffer. */
  assign(partition: number): void {
    this.revoke(partition);
    const freeSince = Date.now();
    this.#lanes.set(partition, {
      partition,
      waiting: [],
      bytes: 0,
      freeSince,
      lost: false,
      blocked: false,
    });
  }

  /** Throws a partition's buffer away; the result of an invocation in flight no longer counts. */
  revoke(partition: number): void {
    const lane = this.#lanes.get(partition);
    if (!lane) return;
    lane.lost = true;
    lane.waiting = [];
    this.#lanes.delete(partition);
  }

  /** Adds fetched records, ascending by offset; they go into a buffer of their own partition. */
  enqueue(partition: number, entries: readonly Entry[]): void {
    const lane = this.#lanes.get(partition);
    if (!lane) return;
    for (const entry of entries) {
      lane.waiting.push(entry);
      lane.bytes += entry.bytes;
    }
    this.#schedule();
  }

  isFull(partition: number): boolean {
    return (this.#lanes.get(partition)?.bytes ?? 0) >= this.#laneBytes();
  }

  /** Begins no invocation until released: while the group decides whose the partitions are. */
  hold(): void {
    this.#gate ??= Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
    this.#schedule();
  }

  /** Begins nothing more, and waits for the invocations in flight up to the limit. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#closed.resolve();
    const inFlight = Promise.all(this.#running);
    const limit = new AbortController();
    const expired = sleep(limitMs, limit.signal).then(() => {
      const { log, name } = this.#options;
      if (this.#running.size > 0) {
        log.warning(`${name}: an invocation is still running; its records are delivered again`);
      }
    });
    await Promise.race([inFlight, expired]);
    limit.abort();
  }

  #key(partition: number): string {
    return recordsKey(this.#options.topic, partition);
  }

  #laneBytes(): number {
    const share = BUFFER_BYTES / Math.max(1, this.#lanes.size);
    return Math.max(LANE_BYTES.min, Math.min(LANE_BYTES.max, share));
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    while (!this.#isClosed && !this.#gate) {
      const free = [...this.#lanes.values()].filter(
        ({ partition, blocked }) => !blocked && !this.#busy.has(partition),
      );
      const decision = assemble(free, this.#limits, Date.now());
      if (decision.kind === 'deliver') this.#begin(this.#take(decision.counts));
      else if (decision.kind === 'tooLarge') this.#block(this.#lanes.get(decision.partition));
      else {
        if (decision.kind === 'wait') this.#wake(decision.until);
        return;
      }
    }
  }

  #wake(at: number): void {
    this.#timer = setTimeout(() => this.#schedule(), Math.max(0, at - Date.now()));
  }

  #take(counts: ReadonlyMap<number, number>): Part[] {
    const parts: Part[] = [];
    for (const [partition, count] of counts) {
      const lane = this.#lanes.get(partition);
      if (!lane) continue;
      const wasFull = this.isFull(partition);
      const entries = lane.waiting.splice(0, count);
      lane.bytes -= sum(entries);
      this.#busy.add(partition);
      parts.push({ lane, entries, upTo: lastNext(entries) });
      if (wasFull && !this.isFull(partition)) this.#options.onRoom(partition);
    }
    return parts;
  }

  #begin(parts: Part[]): void {
    const running = this.#deliver(parts).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** One batch, until nothing of it is left to deliver. */
  async #deliver(batch: Part[]): Promise<void> {
    let parts = batch;
    let failures = 0;
    let attempts = 0;
    while (true) {
      await this.#allowed();
      parts = this.#free(parts, ({ lane }) => lane.lost);
      if (parts.length === 0 || this.#isClosed) break;
      const result = await this.#options.invoke(this.#payload(parts));
      if (result.kind === 'tooLarge' && count(parts) > 1) {
        parts = this.#halve(parts);
        continue;
      }
      if (result.kind === 'tooLarge') {
        this.#refused(parts, result.message);
        break;
      }
      const verdict = acknowledge(parts.map(this.#view), result, this.#options);
      if (verdict.attempted) attempts += 1;
      this.#apply(parts, verdict.parts);
      parts = this.#free(parts, ({ entries }) => entries.length === 0);
      if (parts.length === 0) break;
      failures += 1;
      const delay = this.#delay(failures, verdict.attempted);
      this.#tellFailure(parts, attempts, verdict.reason ?? '', delay);
      await this.#pause(delay);
    }
    this.#schedule();
  }

  // AWS does not say how long it waits between attempts.
  #delay(failures: number, attempted: boolean): number {
    const { firstMs, maxMs } = this.#options.backoff;
    const limit = attempted ? maxMs : Math.min(maxMs, UNREACHED_MAX_MS);
    return Math.min(limit, firstMs * 2 ** Math.min(failures - 1, 20));
  }

  readonly #view = ({ lane, entries }: Part) => ({
    key: this.#key(lane.partition),
    offsets: entries.map(({ offset }) => offset),
  });

  #payload(parts: readonly Part[]): string {
    return toPayload(
      this.#options.source,
      parts.map(({ lane, entries }) => [
        this.#key(lane.partition),
        entries.map(({ json }) => json),
      ]),
    );
  }

  #apply(parts: readonly Part[], verdicts: readonly PartVerdict[]): void {
    for (const [index, part] of parts.entries()) {
      const { redeliver = [], commit } = verdicts[index] ?? {};
      const again = new Set(redeliver);
      part.entries = part.entries.filter(({ offset }) => again.has(offset));
      const next = part.entries.length === 0 ? part.upTo : commit;
      if (next !== undefined && !part.lane.lost)
        this.#options.onProgress(part.lane.partition, next);
    }
  }

  /** Lets go of the parts that are finished; their partitions may be delivered again. */
  #free(parts: readonly Part[], finished: (part: Part) => boolean): Part[] {
    const [done, left] = [parts.filter(finished), parts.filter((part) => !finished(part))];
    for (const { lane } of done) {
      lane.freeSince = Date.now();
      const successor = this.#lanes.get(lane.partition);
      if (successor) successor.freeSince = Date.now();
      this.#busy.delete(lane.partition);
    }
    if (done.length > 0) this.#schedule();
    return left;
  }

  /** Puts the second half of a batch back to the front of its partitions' buffers. */
  #halve(parts: readonly Part[]): Part[] {
    let room = Math.ceil(count(parts) / 2);
    for (const part of parts) {
      const kept = part.entries.slice(0, room);
      const back = part.entries.slice(room);
      room -= kept.length;
      part.entries = kept;
      const [next, last] = [back[0], back.at(-1)];
      if (!next || !last || part.lane.lost) continue;
      // What is done behind the last of them already is committed with it.
      part.lane.waiting = [...back.with(-1, { ...last, next: part.upTo }), ...part.lane.waiting];
      part.lane.bytes += sum(back);
      part.upTo = next.offset;
    }
    return this.#free(parts, ({ entries }) => entries.length === 0);
  }

  /** The endpoint refuses a single record as too large. */
  #refused(parts: readonly Part[], message: string): void {
    for (const { lane, entries } of parts) {
      lane.waiting = [...entries, ...lane.waiting];
      lane.bytes += sum(entries);
      this.#block(lane, message);
      this.#busy.delete(lane.partition);
    }
  }

  // AWS does not say whether it drops a record over 6 MB when no destination is set or stays at it.
  // Staying loses nothing. https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-troubleshoot.html
  #block(lane: Lane | undefined, message?: string): void {
    if (!lane || lane.lost) return;
    lane.blocked = true;
    const { name, payloadBytes, log } = this.#options;
    const [entry] = lane.waiting;
    log.error(
      `${name}: ${this.#key(lane.partition)} stands still at offset ${entry?.offset}: as an event ` +
        `the record has ${entry?.bytes} bytes, an invocation takes ${payloadBytes}` +
        `${message ? ` (${message})` : ''}. Nothing is skipped or committed past it. ` +
        "Send smaller records; to go past this one, stop and set the group's offset after it " +
        '(kafka-consumer-groups --reset-offsets).',
    );
  }

  #tellFailure(parts: readonly Part[], attempts: number, reason: string, delay: number): void {
    const ranges = parts.map(({ lane, entries }) => {
      const [first, last] = [entries[0]?.offset, entries.at(-1)?.offset];
      return `${this.#key(lane.partition)} ${first === last ? first : `${first}…${last}`}`;
    });
    const { name, log } = this.#options;
    log.error(
      `${name}: ${count(parts)} record(s) failed (${ranges.join(', ')}), attempt ${attempts}: ` +
        `${reason}. Again in ${delay} ms.`,
    );
  }

  async #allowed(): Promise<void> {
    while (this.#gate && !this.#isClosed) await this.#orClosed(this.#gate.promise);
  }

  async #pause(ms: number): Promise<void> {
    const ended = new AbortController();
    await this.#orClosed(sleep(ms, ended.signal));
    ended.abort();
  }

  #orClosed(promise: Promise<void>): Promise<void> {
    return Promise.race([promise, this.#closed.promise]);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function sum(entries: readonly Entry[]): number {
  return entries.reduce((bytes, entry) => bytes + entry.bytes, 0);
}

function count(parts: readonly Part[]): number {
  return parts.reduce((records, { entries }) => records + entries.length, 0);
}

function lastNext(entries: readonly Entry[]): number {
  return entries.at(-1)?.next ?? 0;
}
