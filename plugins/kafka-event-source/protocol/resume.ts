/** Fetches as soon as a paused partition is resumed. */

/** The used part of kafkajs' class. */
export interface ConsumerGroup {
  readonly maxWaitTime: number;
  getActiveTopicPartitions(): Readonly<Record<string, ReadonlySet<number>>>;
  fetch(nodeId: string): Promise<unknown[]>;
  resume(topicPartitions: unknown): void;
}

/**
 * While all partitions are paused, kafkajs sleeps for as long as a fetch may wait, and does not
 * notice a partition that is resumed meanwhile. Buffers would have to last for that time.
 */
export function wakeOnResume(prototype: ConsumerGroup): void {
  const { fetch, resume } = prototype;
  const waiting = new WeakMap<ConsumerGroup, Set<() => void>>();
  prototype.resume = function (topicPartitions) {
    resume.call(this, topicPartitions);
    for (const wake of waiting.get(this) ?? []) wake();
  };
  prototype.fetch = async function (nodeId) {
    if (isAllPaused(this)) {
      const wakers = waiting.get(this) ?? new Set();
      waiting.set(this, wakers);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          wakers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, this.maxWaitTime);
        wakers.add(wake);
      });
    }
    // The wait is over already. The other tasks of a fetch, such as finding new partitions, go on.
    const waited = Object.create(this, { maxWaitTime: { value: 0 } }) as ConsumerGroup;
    return fetch.call(isAllPaused(this) ? waited : this, nodeId);
  };
}

function isAllPaused(group: ConsumerGroup): boolean {
  const active = Object.values(group.getActiveTopicPartitions());
  return active.every((partitions) => partitions.size === 0);
}
