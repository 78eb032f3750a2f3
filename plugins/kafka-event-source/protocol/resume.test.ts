import { expect, test } from '@jest/globals';
import { type ConsumerGroup, wakeOnResume } from './resume.ts';

const groupOf = (maxWaitTime: number) => {
  class Group implements ConsumerGroup {
    readonly maxWaitTime = maxWaitTime;
    readonly active = new Set<number>();
    readonly fetched: string[] = [];

    getActiveTopicPartitions() {
      return { t: this.active };
    }

    async fetch(nodeId: string) {
      this.fetched.push(`${nodeId} waits ${this.maxWaitTime}`);
      return [nodeId];
    }

    resume(partition: unknown) {
      this.active.add(partition as number);
    }
  }
  wakeOnResume(Group.prototype);
  return new Group();
};

test('a resumed partition is fetched at once, from each broker that was waiting', async () => {
  // Longer than the test's time limit.
  const group = groupOf(600_000);
  const fetches = [group.fetch('1'), group.fetch('2')];
  await new Promise((resolve) => setImmediate(resolve));
  expect(group.fetched).toEqual([]);
  group.resume(0);
  expect(await Promise.all(fetches)).toEqual([['1'], ['2']]);
  expect(await group.fetch('3')).toEqual(['3']);
});

test('while all partitions stay paused, a fetch goes on after its time and does not wait again', async () => {
  const group = groupOf(1);
  await group.fetch('1');
  expect(group.fetched).toEqual(['1 waits 0']);
});
