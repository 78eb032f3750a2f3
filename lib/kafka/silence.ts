import type { Config } from '../config.ts';

/** After this time Kafka gets its whole time again: it may answer, but slowly. */
const SILENT_MS = 5_000;

/** Tells whether Kafka has just left a request of this instance without an answer. */
export type Silence = {
  /** Whether a request of the last 5 s got no answer, and none was answered since. */
  isOn(): boolean;
  /** Notes whether a request was answered. An answer ends the silence at once. */
  note(isAnswered: boolean): void;
};

/**
 * The memory of a silence, only on a laptop: callers who wait for the same instance need not wait for Kafka
 * one after the other. A frozen instance needs the time: it opens its connections while a request waits for Kafka.
 *
 * @returns undefined for an instance that is frozen between its requests
 */
export function silenceOf({ runsOnBy }: Pick<Config, 'runsOnBy'>): Silence | undefined {
  return runsOnBy === 'process' ? createSilence() : undefined;
}

export function createSilence(): Silence {
  let until = 0;
  const isOn = () => performance.now() < until;
  return {
    isOn,
    note(isAnswered) {
      if (isAnswered) until = 0;
      // A failure during the silence does not make it longer: that request had little time.
      else if (!isOn()) until = performance.now() + SILENT_MS;
    },
  };
}
