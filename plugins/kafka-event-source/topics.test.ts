import { expect, test } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { loadClient } from './protocol/client.ts';
import { createLedTopics } from './topics.ts';

// The emulator's errors are of its own copy of kafkajs.
const { KafkaJSProtocolError } = loadClient().kafkajs;
const errorOf = (type: string, retriable: boolean) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, retriable }));

/** An admin whose questions about the new topics fail with these errors, one after the other. */
function failing(...errors: Error[]) {
  const asked: string[][] = [];
  const admin = {
    createTopics: async () => true,
    fetchTopicMetadata: async ({ topics }: { topics: string[] }) => {
      asked.push(topics);
      const error = errors.shift();
      if (error) throw error;
    },
  };
  return { admin: admin as unknown as Admin, asked };
}

test('a topic that the broker does not know yet is waited for, and then its leader', async () => {
  const unknown = errorOf('UNKNOWN_TOPIC_OR_PARTITION', true);
  const leaderless = errorOf('LEADER_NOT_AVAILABLE', true);
  const { admin, asked } = failing(unknown, leaderless);
  await createLedTopics(admin, [{ topic: 'orders' }]);
  expect(asked).toEqual([['orders'], ['orders'], ['orders']]);
});

test('an error that stays is thrown at once', async () => {
  const refused = errorOf('TOPIC_AUTHORIZATION_FAILED', false);
  const { admin } = failing(refused, errorOf('never asked', false));
  await expect(createLedTopics(admin, [{ topic: 'orders' }])).rejects.toBe(refused);
});
