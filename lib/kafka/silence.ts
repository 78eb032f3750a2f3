/** After this time Kafka gets its whole time again: it may answer, but slowly. */
const SILENT_MS = 5_000;

/** Tells whether Kafka has just left a send of this instance without an answer. */
export type Silence = {
  /** Whether a send of the last 5 s got no answer, and none was answered since. */
  isOn(): boolean;
  /** Notes whether a send was answered. An answer ends the silence at once. */
  note(isAnswered: boolean): void;
};

/**
 * Callers who wait for the same instance need not wait for Kafka one after the other. This is only for an
 * instance that goes on between its requests: a frozen one opens its connections while a request waits for Kafka.
 */
export function createSilence(): Silence {
  let until = 0;
  const isOn = () => performance.now() < until;
  return {
    isOn,
    note(isAnswered) {
      if (isAnswered) until = 0;
      // A failure during the silence does not make it longer: that send had little time.
      else if (!isOn()) until = performance.now() + SILENT_MS;
    },
  };
}
