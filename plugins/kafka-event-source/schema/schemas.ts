/** Loads the schemas of one registry, and keeps them. */
import { messageOf } from '../log.ts';
import { type Clock, pause } from '../time.ts';
import { createReader, type DataFormat, PackageMissing, type Reader } from './format.ts';
import { type Registry, RegistryAway, SchemaNotFound } from './registry.ts';

/** A schema's reader, or the reason why there is none. */
export type Known =
  | { readonly kind: 'readable'; readonly format: DataFormat; readonly read: Reader }
  | { readonly kind: 'notFound' | 'unreadable'; readonly reason: string };

export interface SchemasOptions {
  /** Called for the first schema, and again after a failure. */
  readonly connect: () => Promise<Registry>;
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  /** Called when a schema cannot be loaded, with AWS's result if it has one. It is tried again. */
  readonly onProblem: (result: string | undefined, reason: string) => void;
  readonly clock: Clock;
}

/** After this time the registry is asked again for a missing schema. */
const NOT_FOUND_MS = 10_000;

export class Schemas {
  readonly #options: SchemasOptions;
  readonly #known = new Map<number, Known>();
  /** By missing schema: the time, by the monotonic clock, at which it is asked for again. */
  readonly #askAgain = new Map<number, number>();
  readonly #loading = new Map<number, Promise<void>>();
  readonly #close = new AbortController();
  #registry: Promise<Registry> | undefined;

  constructor(options: SchemasOptions) {
    this.#options = options;
  }

  /** A loaded schema; undefined before it is loaded. */
  get(id: number): Known | undefined {
    const until = this.#askAgain.get(id) ?? Number.POSITIVE_INFINITY;
    if (until > this.#options.clock.monotonic()) return this.#known.get(id);
    this.#askAgain.delete(id);
    this.#known.delete(id);
    return undefined;
  }

  /** Resolves when each schema is loaded or known to be missing, however long that takes. */
  async load(ids: Iterable<number>): Promise<void> {
    await Promise.all(Array.from(ids, (id) => this.#loadOnce(id)));
  }

  async close(): Promise<void> {
    this.#close.abort();
    (await this.#registry?.catch(() => undefined))?.close();
  }

  #loadOnce(id: number): Promise<void> {
    const loading = this.#loading.get(id) ?? this.#load(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #load(id: number): Promise<void> {
    const { clock, backoff } = this.#options;
    const { firstMs, maxMs } = backoff;
    const { signal } = this.#close;
    for (let failures = 0; !signal.aborted && !this.get(id); failures += 1) {
      try {
        this.#keep(id, await this.#find(id));
      } catch (error) {
        const result = error instanceof RegistryAway ? error.result : undefined;
        this.#options.onProblem(result, `schema ${id}: ${messageOf(error)}`);
        await pause(Math.min(maxMs, firstMs * 2 ** Math.min(failures, 20)), signal, clock);
      }
    }
  }

  async #find(id: number): Promise<Known> {
    const registry = await this.#connected();
    try {
      const schema = await registry.find(id);
      try {
        return { kind: 'readable', format: schema.format, read: await createReader(schema) };
      } catch (error) {
        if (error instanceof PackageMissing) throw error;
        return { kind: 'unreadable', reason: `schema ${id} cannot be read: ${messageOf(error)}` };
      }
    } catch (error) {
      if (!(error instanceof SchemaNotFound)) throw error;
      return { kind: 'notFound', reason: error.message };
    }
  }

  #connected(): Promise<Registry> {
    this.#registry ??= this.#options.connect();
    this.#registry.catch(() => {
      this.#registry = undefined;
    });
    return this.#registry;
  }

  #keep(id: number, known: Known): void {
    this.#known.set(id, known);
    if (known.kind !== 'notFound') return;
    this.#askAgain.set(id, this.#options.clock.monotonic() + NOT_FOUND_MS);
  }
}
