/** A mapping's topic: waits until it is there, and knows what it had when polling began. */
import type { Admin, Consumer } from 'kafkajs';
import type { Ending } from './ending.ts';
import type { Voice } from './voice.ts';

const TOPIC_CHECK_MS = 1_000;

export class Topic {
  readonly #name: string;
  readonly #voice: Voice;
  readonly #ending: Ending;
  #known: ReadonlySet<number> | undefined;

  constructor(name: string, voice: Voice, ending: Ending) {
    this.#name = name;
    this.#voice = voice;
    this.#ending = ending;
  }

  /** Whether the starting position is for this partition: not for one that was made later. */
  isKnown(partition: number): boolean {
    return this.#known?.has(partition) === true;
  }

  /** False when the poller ends before the topic is there. */
  async waitFor(admin: Admin, consumer: Consumer): Promise<boolean> {
    while (!this.#ending.hasBegun) {
      if ((await admin.listTopics()).includes(this.#name)) {
        const metadata = await admin.fetchTopicMetadata({ topics: [this.#name] });
        const partitions = metadata.topics[0]?.partitions.map(({ partitionId }) => partitionId);
        this.#known ??= new Set(partitions);
        return true;
      }
      // A topic that this user may not see is not listed either; asked for by name, it is refused.
      if (!(await this.#isThere(consumer))) {
        // All that a topic made later holds has come since: it is read from its beginning.
        this.#known = new Set();
        // AWS does not say what it does; topics are not created, and polling goes on when it exists.
        this.#voice.tellOnce(`topic ${this.#name} does not exist; waiting until it is created.`);
      }
      await this.#ending.orAfter(TOPIC_CHECK_MS);
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
