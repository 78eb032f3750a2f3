/** What keeps a poller from its broker: tells it, and that it is over, and knows how long to wait. */
import { RESULTS, resultOf } from '../access/result.ts';
import type { Stats } from '../delivery/stats.ts';
import type { Mapping } from '../mapping.ts';
import { reasonOf, type Voice } from './voice.ts';

const RECONNECT = { firstMs: 500, maxMs: 5_000 } as const;

export class Trouble {
  readonly #mapping: Mapping;
  readonly #voice: Voice;
  readonly #stats: Stats;
  /** Sessions in a row that ended before they polled. */
  #failures = 0;
  /** Whether a request is without its answer, and no other has had one since. */
  #isUnanswered = false;

  constructor(mapping: Mapping, voice: Voice, stats: Stats) {
    this.#mapping = mapping;
    this.#voice = voice;
    this.#stats = stats;
  }

  /** A session ended; the answer is how long the next one waits. */
  failed(error: unknown): number {
    const { topic, bootstrapServers } = this.#mapping;
    const [reason, result] = [reasonOf(error), resultOf(error)];
    this.#stats.result(result ?? `PROBLEM: ${reason}`);
    // AWS's words for a server that does not answer are long and say less than the reason.
    const why = result && result !== RESULTS.connection ? `${result}: ${reason}` : reason;
    const where = `${topic} at ${bootstrapServers.join(',')}`;
    this.#voice.tellOnce(`cannot poll ${where}: ${why}.${this.#advice(error)} Trying again.`);
    const { firstMs, maxMs } = RECONNECT;
    const delay = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return delay;
  }

  unanswered(reason: string): void {
    this.#isUnanswered = true;
    this.#stats.result(RESULTS.connection);
    this.#voice.tellOnce(`cannot poll ${this.#mapping.topic}: ${reason}. Waiting.`);
  }

  answered(): void {
    if (!this.#isUnanswered) return;
    this.#isUnanswered = false;
    this.#stats.result(RESULTS.ok);
    this.#voice.clear();
  }

  /** The poller knows from where it reads. */
  over(): void {
    if (this.#failures > 0) this.#stats.result(RESULTS.ok);
    this.#failures = 0;
    this.answered();
  }

  #advice(error: unknown): string {
    // Differs from AWS: kafkajs' way of sharing out partitions is its own.
    if ((error as { type?: string }).type !== 'INCONSISTENT_GROUP_PROTOCOL') return '';
    return (
      ` The group ${this.#mapping.groupId} has members of another kind of client: stop them, or ` +
      'give this mapping a consumerGroupId of its own.'
    );
  }
}
