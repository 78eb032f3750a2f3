/** A mapping's topic: waits until it exists, and remembers its partitions when polling began. */
import type { Admin, Consumer } from 'kafkajs';
import { kafkaErrorOf } from '../protocol/errors.ts';
import { pause } from '../time.ts';
import { isOf, type Note } from './note.ts';
import type { Reporter } from './reporter.ts';

const TOPIC_CHECK_MS = 1_000;

export interface TopicOptions {
  readonly name: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Called when there is no such topic. */
  readonly onMissing: () => void;
}

export class Topic {
  readonly #name: string;
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  readonly #onMissing: () => void;
  #partitionsAtFirst: number | undefined;

  constructor({ name, reporter, signal, onMissing }: TopicOptions) {
    this.#name = name;
    this.#reporter = reporter;
    this.#signal = signal;
    this.#onMissing = onMissing;
  }

  /** The number of its partitions when polling began: later ones have no starting position. */
  get partitionsAtFirst(): number | undefined {
    return this.#partitionsAtFirst;
  }

  hadAtFirst(partition: number): boolean {
    return partition < (this.#partitionsAtFirst ?? 0);
  }

  /** The topic is another one of the same name: all its records are new. */
  wasMadeAgain(): void {
    this.#partitionsAtFirst = 0;
    this.#reporter.warn(
      `${this.#name} was deleted and made again: reading it from its beginning.`,
      { type: 'UNKNOWN_TOPIC_ID' },
    );
  }

  /** Takes over the group's commits: polling may have begun in an earlier run. */
  remember(notes: readonly Note[], topicId: string | undefined): void {
    const own = notes.filter((note) => isOf(note, topicId));
    if (own.length < notes.length && this.#partitionsAtFirst !== 0) this.wasMadeAgain();
    const counts = own.flatMap(({ partitionsAtFirst }) => partitionsAtFirst ?? []);
    this.#partitionsAtFirst = Math.min(
      this.#partitionsAtFirst ?? Number.POSITIVE_INFINITY,
      ...counts,
    );
  }

  /** Waits until the topic exists. @returns false if the poller stops before */
  async waitFor(admin: Admin, consumer: Consumer): Promise<boolean> {
    while (!this.#signal.aborted) {
      if ((await admin.listTopics()).includes(this.#name)) {
        const metadata = await admin.fetchTopicMetadata({ topics: [this.#name] });
        this.#partitionsAtFirst ??= metadata.topics[0]?.partitions.length ?? 0;
        return true;
      }
      // A topic that this user may not see is not listed either; a request for it is refused.
      if (!(await this.#isThere(consumer))) {
        // All records of a topic that is created later are new: it is read from its beginning.
        this.#partitionsAtFirst = 0;
        this.#onMissing();
        // AWS does not document this case. Here polling waits, and the topic is not created.
        this.#reporter.problemIs(
          `topic ${this.#name} does not exist; waiting until it is created.`,
          { type: 'UNKNOWN_TOPIC_OR_PARTITION' },
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
      if (kafkaErrorOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
      throw error;
    }
  }
}
