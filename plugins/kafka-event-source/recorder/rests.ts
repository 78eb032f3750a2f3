/** Decides when the writer rests, so that under load it leaves the processor to the emulator. */

/** A rest lasts this many times as long as the writing before it. */
const RESTS = 19;
/** In a flood newer done records push older ones out unwritten. It is over when none was pushed out for this long. */
const FLOOD_MS = 500;
/** The rest in a flood, in which nearly all done records are pushed out: the writer stores only a sample. */
const FLOOD_REST_MS = 10_000;

/** All times are milliseconds. */
export class Rests {
  #until = 0;
  #pushedOutAt = Number.NEGATIVE_INFINITY;
  /** The beginning of the rest, or of the flood. */
  #last = 0;

  /** Takes note that done records were pushed out. */
  pushedOut(now: number): void {
    if (!this.isFlood(now)) this.#last = now;
    this.#pushedOutAt = now;
  }

  isFlood(now: number): boolean {
    return now - this.#pushedOutAt < FLOOD_MS;
  }

  /** Whether operations that can wait may be written. */
  isOver(now: number): boolean {
    return now >= this.#until && (!this.isFlood(now) || now - this.#last >= FLOOD_REST_MS);
  }

  /** Begins the rest after a writing that took `ms`. */
  begin(now: number, ms: number): void {
    this.#until = now + RESTS * ms;
    this.#last = now;
  }
}
