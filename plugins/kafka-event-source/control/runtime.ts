/** The mappings that run here, each with its poller; changes them while they run. */
import { isDeepStrictEqual } from 'node:util';
import type { Definition } from '../definition.ts';
import type { MappingStats } from '../delivery/stats.ts';
import type { Mapping } from '../mapping.ts';
import { Metrics, type MetricsView } from '../monitoring/metrics.ts';
import type { Condition as PollerCondition } from '../poller/poller.ts';
import type { Changes } from '../settings/settings.ts';

/** A mapping that is polled. */
export interface Running {
  stats(): MappingStats;
  condition(): PollerCondition;
  /** @param waitMs how long it waits for invocations in flight; its own time if it is left out */
  stop(waitMs?: number): Promise<void>;
}

export type State = 'Enabling' | 'Enabled' | 'Disabling' | 'Disabled' | 'Updating';

interface Entry {
  mapping: Mapping;
  /** The mapping as it was read, without the updates of the API. */
  read: Mapping;
  state: State;
  running: Running | undefined;
  /** The last counts of a mapping that does not run. */
  stats: MappingStats | undefined;
  modified: number;
  /** Counts on when the mapping changes. */
  readonly metrics: Metrics;
  /** Resolves when the latest change is done. */
  changing?: Promise<void>;
}

export interface View {
  readonly mapping: Mapping;
  readonly state: State;
  readonly stats: MappingStats | undefined;
  readonly condition: PollerCondition | undefined;
  readonly modified: number;
  readonly metrics: MetricsView;
}

/** The mapping cannot change, because an earlier change is not finished. */
export class InUseError extends Error {
  override readonly name = 'InUseError';
}

export class Runtime {
  readonly #run: (mapping: Mapping, metrics: Metrics) => Running;
  readonly #warn: (message: string) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;

  constructor(
    definitions: readonly Definition[],
    run: (mapping: Mapping, metrics: Metrics) => Running,
    warn: (message: string) => void = () => undefined,
  ) {
    this.#run = run;
    this.#warn = warn;
    for (const { mapping } of definitions) if (mapping) this.#add(mapping);
  }

  list(): View[] {
    return [...this.#entries.values()].map(view);
  }

  get(uuid: string): View | undefined {
    const entry = this.#entries.get(uuid);
    return entry && view(entry);
  }

  /**
   * Begins a change and returns the mapping's state during the change. The poller stops as soon as
   * its invocations have ended, and commits the done records; a new poller goes on after them with
   * the new settings.
   */
  update(uuid: string, changes: Changes): View | undefined {
    const entry = this.#entries.get(uuid);
    if (!entry) return undefined;
    refuseInChange(entry);
    const mapping = { ...entry.mapping, ...changes };
    return this.#begin(entry, mapping);
  }

  /**
   * Does work while the mapping is stopped: its invocations have ended, or are given back after
   * `waitMs`. Afterwards the mapping runs again if it is enabled.
   *
   * @returns undefined if there is no such mapping
   * @throws InUseError while the mapping changes; and the error of the work, with the mapping running again
   */
  whileStopped<T>(
    uuid: string,
    waitMs: number,
    work: (mapping: Mapping) => Promise<T>,
  ): Promise<T> | undefined {
    const entry = this.#entries.get(uuid);
    if (!entry) return undefined;
    refuseInChange(entry);
    entry.state = 'Updating';
    const done = this.#stopPoller(entry, waitMs).then(() => work(entry.mapping));
    // The next poller begins after the work, also when that fails. The end of the service waits for the
    // poller alone.
    const over = done.then(
      () => undefined,
      () => undefined,
    );
    entry.changing = Promise.race([over, this.#stopped.promise]).then(() => this.#goOn(entry));
    return entry.changing.then(() => done);
  }

  /**
   * Replaces the mappings by those that were read anew: starts new ones, ends removed ones, and restarts
   * changed ones as after an update. An unchanged mapping keeps the updates of the API.
   */
  async replace(definitions: readonly Definition[]): Promise<void> {
    const read = new Map(
      definitions.flatMap(({ mapping }) => (mapping ? [[mapping.uuid, mapping]] : [])),
    );
    const ends = [...this.#entries].map(async ([uuid, entry]) => {
      const mapping = read.get(uuid);
      if (mapping && isDeepStrictEqual(mapping, entry.read)) return;
      await entry.changing;
      if (mapping) {
        this.#begin(entry, mapping);
        entry.read = mapping;
        return entry.changing;
      }
      await this.#stopPoller(entry, Number.POSITIVE_INFINITY);
      this.#entries.delete(uuid);
    });
    for (const [uuid, mapping] of read) {
      if (!this.#entries.has(uuid) && !this.#isStopped) this.#add(mapping);
    }
    await Promise.all(ends);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve();
    await Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        await this.#stopPoller(entry);
        await entry.changing;
      }),
    );
  }

  #add(mapping: Mapping): void {
    const metrics = new Metrics();
    const running = mapping.enabled ? this.#run(mapping, metrics) : undefined;
    const state = mapping.enabled ? 'Enabled' : 'Disabled';
    const entry = { mapping, read: mapping, state, running, stats: undefined } as const;
    this.#entries.set(mapping.uuid, { ...entry, modified: Date.now(), metrics });
  }

  /** Begins a change, and returns the state during it. */
  #begin(entry: Entry, mapping: Mapping): View {
    entry.state = stateDuring(entry.mapping.enabled, mapping.enabled);
    entry.mapping = mapping;
    entry.modified = Date.now();
    const began = view(entry);
    entry.changing = this.#change(entry);
    return began;
  }

  async #change(entry: Entry): Promise<void> {
    // Without a limit: an old poller beside the new one would invoke the function with the same records.
    await this.#stopPoller(entry, Number.POSITIVE_INFINITY);
    this.#goOn(entry);
  }

  #goOn(entry: Entry): void {
    if (entry.mapping.enabled && !this.#isStopped) {
      entry.running = this.#run(entry.mapping, entry.metrics);
    }
    entry.state = entry.mapping.enabled ? 'Enabled' : 'Disabled';
  }

  async #stopPoller(entry: Entry, waitMs?: number): Promise<void> {
    const { running, mapping } = entry;
    if (!running) return;
    try {
      await running.stop(waitMs);
    } catch (error) {
      this.#warn(`${mapping.name}: its poller did not stop in order: ${error}`);
    }
    entry.stats = withLastResult(running.stats(), entry.stats);
    if (entry.running === running) entry.running = undefined;
  }
}

function refuseInChange({ mapping, state }: Entry): void {
  if (state !== 'Enabled' && state !== 'Disabled') {
    throw new InUseError(`${mapping.name} is ${state}`);
  }
}

function stateDuring(was: boolean, is: boolean): State {
  if (was === is) return 'Updating';
  return is ? 'Enabling' : 'Disabling';
}

function view({ mapping, state, running, stats, modified, metrics }: Entry): View {
  return {
    mapping,
    state,
    stats: running ? withLastResult(running.stats(), stats) : stats,
    condition: running?.condition(),
    modified,
    metrics: metrics.view(),
  };
}

/** AWS: an update is no processing of records, so that the last result stays until there is another one. */
function withLastResult(stats: MappingStats, before: MappingStats | undefined): MappingStats {
  if (!before || stats.lastResultAt !== undefined) return stats;
  return { ...stats, lastResult: before.lastResult, lastResultAt: before.lastResultAt };
}
