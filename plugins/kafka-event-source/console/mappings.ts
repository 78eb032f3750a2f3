/** The mappings in the answer of `/api/mappings`: each with its status, its settings, and its last minutes. */
import { remoteOf } from '../commands/remote.ts';
import type { Runtime, View } from '../control/runtime.ts';
import { liveOf, type Remote, refusedStatus, type Status, statusOf } from '../control/status.ts';
import type { Definition } from '../definition.ts';
import type { Json } from '../json.ts';
import type { Mapping } from '../mapping.ts';
import { writeSettings } from '../settings/settings.ts';
import { History, type HistoryView, SAMPLE_MS } from './history.ts';

/** Kafka is asked again after this time, while a page asks. */
const FRESH_MS = 5_000;
/** A page does not wait longer for Kafka's first answer; what the pollers know is shown meanwhile. */
const FIRST_MS = 1_500;

/** A mapping as the page shows it. */
export interface MappingView extends Status {
  readonly functionKey: string;
  readonly isEnabled: boolean;
  /** By AWS's names. */
  readonly settings: Json;
  readonly history: HistoryView;
}

/** A mapping in an event of `/api/events`. */
interface Summary {
  readonly uuid: string;
  readonly state: string;
  readonly finished: number;
  readonly invocations: number;
  /** When Kafka last answered, in ms since 1970. */
  readonly askedAt: number;
  readonly lag: number;
}

interface Asked {
  at: number;
  remote?: Remote;
  asking?: Promise<void> | undefined;
}

/** Answers texts about records of a mapping without the private values of these records. */
type Hide = (mapping: string, texts: readonly string[]) => Promise<readonly string[]>;

export class Mappings {
  readonly #runtime: Runtime;
  readonly #hide: Hide;
  readonly #definitions: () => readonly Definition[];
  readonly #debug: (message: string) => void;
  readonly #history = new History();
  readonly #asked = new Map<string, Asked>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    runtime: Runtime,
    definitions: () => readonly Definition[],
    debug: (message: string) => void,
    hide: Hide,
  ) {
    this.#runtime = runtime;
    this.#hide = hide;
    this.#definitions = definitions;
    this.#debug = debug;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS).unref();
    this.#sample();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** All mappings, also those that are refused. */
  async list(): Promise<MappingView[]> {
    const views = this.#runtime.list();
    const running = await Promise.all(views.map((view) => this.#view(view)));
    const refused = this.#definitions()
      .filter(({ mapping }) => !mapping)
      .map((definition) => ({
        ...refusedStatus(definition),
        functionKey: '',
        isEnabled: false,
        settings: {},
        history: this.#history.of(''),
      }));
    return [...running, ...refused];
  }

  /** Changes with each thing that the pages show about the mappings, as far as this process knows it. */
  summary(): Summary[] {
    return this.#runtime.list().map((view) => ({
      uuid: view.mapping.uuid,
      state: view.state,
      finished: view.stats?.succeeded ?? 0,
      invocations: view.stats?.invocations ?? 0,
      askedAt: this.#asked.get(view.mapping.uuid)?.at ?? 0,
      lag: [...this.#lagOf(view).values()].reduce((sum, lag) => sum + lag, 0),
    }));
  }

  #sample(): void {
    this.#history.sample(this.#runtime.list(), (view) => this.#lagOf(view), Date.now());
  }

  /** A poller knows its own partitions; Kafka's last answer is for the others, and for a mapping that is paused. */
  #lagOf({ mapping, stats, condition }: View): Map<number, number> {
    const status = this.#asked.get(mapping.uuid)?.remote;
    const asked = status ? statusOf(mapping, undefined, status).partitions : [];
    const lag = new Map(asked.map((one) => [one.partition, one.lag]));
    if (condition) {
      for (const one of stats?.partitions ?? []) {
        if (one.lag !== undefined) lag.set(one.partition, one.lag);
      }
    }
    return lag;
  }

  async #view(view: View): Promise<MappingView> {
    const { mapping } = view;
    const remote = (await this.#remote(mapping)) ?? knownOf(view);
    const status = statusOf(mapping, liveOf(view), remote);
    const { metrics: _, ...shown } = status;
    return {
      ...(await this.#withoutPrivate(shown)),
      functionKey: mapping.functionKey,
      isEnabled: mapping.enabled,
      settings: writeSettings(mapping),
      history: this.#history.of(mapping.uuid),
    };
  }

  /** The status without private values: its reasons are the function's own words, and may quote a record. */
  async #withoutPrivate(status: Status): Promise<Status> {
    const { uuid, lastResult, why, partitions } = status;
    const given = [
      ...why,
      ...(lastResult === undefined ? [] : [lastResult]),
      ...partitions.flatMap(({ blocked }) => (blocked ? [blocked.reason] : [])),
    ];
    const hidden = await this.#hide(uuid, given);
    const shown = new Map(given.map((text, index) => [text, hidden[index] ?? '']));
    const show = (text: string) => shown.get(text) ?? '';
    return {
      ...status,
      ...(lastResult !== undefined && { lastResult: show(lastResult) }),
      why: why.map(show),
      partitions: partitions.map(({ blocked, ...rest }) => ({
        ...rest,
        ...(blocked && { blocked: { ...blocked, reason: show(blocked.reason) } }),
      })),
    };
  }

  async #remote(mapping: Mapping): Promise<Remote | undefined> {
    const asked = this.#asked.get(mapping.uuid) ?? { at: 0 };
    this.#asked.set(mapping.uuid, asked);
    if (!asked.asking && Date.now() - asked.at > FRESH_MS) {
      asked.asking = remoteOf(mapping, this.#debug).then((remote) => {
        Object.assign(asked, { at: Date.now(), remote, asking: undefined });
      });
    }
    if (!asked.remote && asked.asking) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, FIRST_MS).unref());
      await Promise.race([asked.asking, late]);
    }
    return asked.remote;
  }
}

/** The mapping's topic as its poller knows it, until Kafka has answered. */
function knownOf({ stats }: View): Remote {
  const partitions = (stats?.partitions ?? []).flatMap(({ partition, end, done }) =>
    end === undefined ? [] : [{ partition, low: 0, end, committed: done ?? -1 }],
  );
  return partitions.length > 0
    ? { members: 0, partitions }
    : { members: 0, error: 'it has not answered yet' };
}
