/** The last minutes of each mapping: its lag by partition, and the records that it has finished. */
import type { View } from '../control/runtime.ts';

export const SAMPLE_MS = 2_000;
/** Five minutes. */
export const SAMPLES = 150;
/** The partitions with a history; a mapping may have thousands. */
const PARTITIONS = 64;

export interface HistoryView {
  /** The times of the samples, in ms since 1970, ascending. */
  readonly at: readonly number[];
  /** Records finished since the sample before: done, filtered out, given up, or sent to the destination. */
  readonly finished: readonly number[];
  /** The lag by partition at each time; null where it was not known. */
  readonly lag: Readonly<Record<number, readonly (number | null)[]>>;
}

interface Sample {
  readonly at: number;
  readonly total: number;
  readonly lag: ReadonlyMap<number, number>;
}

export class History {
  readonly #samples = new Map<string, Sample[]>();

  /** @param lagOf the lag by partition as it is known now */
  sample(
    views: readonly View[],
    lagOf: (view: View) => ReadonlyMap<number, number>,
    at: number,
  ): void {
    const known = new Set(views.map(({ mapping }) => mapping.uuid));
    for (const uuid of this.#samples.keys()) if (!known.has(uuid)) this.#samples.delete(uuid);
    for (const view of views) {
      const { uuid } = view.mapping;
      const all = this.#samples.get(uuid) ?? [];
      this.#samples.set(uuid, all);
      const { succeeded = 0, filtered = 0, dropped = 0, sentToDestination = 0 } = view.stats ?? {};
      const lag = new Map([...lagOf(view)].slice(0, PARTITIONS));
      all.push({ at, total: succeeded + filtered + dropped + sentToDestination, lag });
      if (all.length > SAMPLES) all.shift();
    }
  }

  of(uuid: string): HistoryView {
    const samples = this.#samples.get(uuid) ?? [];
    const partitions = new Set(samples.flatMap(({ lag }) => [...lag.keys()]));
    return {
      at: samples.map(({ at }) => at),
      // The counts begin anew with each poller, such as after a pause.
      finished: samples.map(({ total }, index) => {
        const before = samples[index - 1]?.total ?? total;
        return total >= before ? total - before : total;
      }),
      lag: Object.fromEntries(
        [...partitions].map((one) => [one, samples.map(({ lag }) => lag.get(one) ?? null)]),
      ),
    };
  }
}
