/** A mapping's topic: waits until it exists, and remembers its partitions when polling began. */
import type { Admin, Consumer } from 'kafkajs';
import { pause } from '../time.ts';
import type { Reporter } from './reporter.ts';

const TOPIC_CHECK_MS = 1_000;

export class Topic {
  readonly #name: string;
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  #atFirst: ReadonlySet<number> | undefined;

  constructor(name: string, reporter: Reporter, signal: AbortSignal) {
    this.#name = name;
    this.#reporter = reporter;
    this.#signal = signal;
  }

  /** Whether the topic had the partition when polling began: later ones have no starting position. */
  hadAtFirst(partition: number): boolean {
    return this.#atFirst?.has(partition) === true;
  }

  /** Waits until the topic exists. @returns false if the poller stops before */
  async waitFor(admin: Admin, consumer: Consumer): Promise<boolean> {
    while (!this.#signal.aborted) {
      if ((await admin.listTopics()).includes(this.#name)) {
        const metadata = await admin.fetchTopicMetadata({ topics: [this.#name] });
        const partitions = metadata.topics[0]?.partitions.map(({ partitionId }) => partitionId);
        this.#atFirst ??= new Set(partitions);
        return true;
      }
      // A topic that this user may not see is not listed either; a request for it is refused.
      if (!(await this.#isThere(consumer))) {
        // All records of a topic that is created later are new: it is read from its beginning.
        this.#atFirst = new Set();
        // AWS does not document this case. Here polling waits, and the topic is not created.
        this.#reporter.problemIs(
          `topic ${this.#name} does not exist; waiting until it is created.`,
        );
      }
      await pause(TOPIC_CHECK_MS, this.#signal);
    }
    return false;
  }

  subscribe(consumer: Consumer): Promise<void> {
    return consumer.subscribe({ topics: [this.#name], fromBeginning: true });
  }

  async #isThere(consumer: Consumer): Promise<boolean> {
    try {
      await this.subscribe(consumer);
      return true;
    } catch (error) {
      if ((error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
      throw error;
    }
  }
}
