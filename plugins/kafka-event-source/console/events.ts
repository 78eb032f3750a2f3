/** Server-sent events for the page: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { Readable } from 'node:stream';
import type { Answer } from '../control/server.ts';

export type EventKind = 'mapping' | 'record' | 'invocation' | 'trace' | 'fault';

/** At most four messages a second of each kind. */
const FLUSH_MS = 250;
/** Proxies and browsers give up connections that are silent for long. */
const PING_MS = 15_000;
/** The summaries in one message; the others are only counted. */
const SHOWN = 5;
/** A reader that has not taken this many bytes does not read; it is disconnected, and connects again. */
const UNREAD_BYTES = 1024 * 1024;

interface Pending {
  readonly latest: unknown[];
  count: number;
}

/** Collects events, and sends them to each connected page. Without a page it collects nothing. */
export class Events {
  readonly #pages = new Set<Readable>();
  readonly #pending = new Map<EventKind, Pending>();
  readonly #onTick: () => void;
  #timers: NodeJS.Timeout[] = [];

  /** @param onTick called four times a second while a page is connected */
  constructor(onTick: () => void = () => undefined) {
    this.#onTick = onTick;
  }

  get hasPages(): boolean {
    return this.#pages.size > 0;
  }

  /**
   * Tells the pages that something has happened.
   *
   * @param summary of the last one, if `count` things have happened
   */
  publish(kind: EventKind, summary: unknown, count = 1): void {
    if (!this.hasPages) return;
    const pending = this.#pending.get(kind) ?? { latest: [], count: 0 };
    this.#pending.set(kind, pending);
    pending.count += count;
    pending.latest.push(summary);
    if (pending.latest.length > SHOWN) pending.latest.shift();
  }

  /** The answer to a page that connects. */
  connect(): Answer {
    const page = new Readable({ read: () => undefined });
    page.once('close', () => {
      this.#pages.delete(page);
      if (!this.hasPages) this.stop();
    });
    this.#pages.add(page);
    // The first line tells the page after which time to connect again.
    page.push('retry: 1000\n\n');
    if (this.#timers.length === 0) {
      const flush = setInterval(() => this.#flush(), FLUSH_MS);
      const ping = setInterval(() => this.#send(': still here\n\n'), PING_MS);
      this.#timers = [flush.unref(), ping.unref()];
    }
    const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    return { status: 200, headers, body: page };
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#pending.clear();
    for (const page of this.#pages) page.destroy();
  }

  #flush(): void {
    this.#onTick();
    for (const [kind, pending] of this.#pending) {
      this.#send(`event: ${kind}\ndata: ${JSON.stringify(pending)}\n\n`);
    }
    this.#pending.clear();
  }

  #send(text: string): void {
    for (const page of this.#pages) {
      if (page.readableLength > UNREAD_BYTES) page.destroy();
      else page.push(text);
    }
  }
}
