import { expect, test } from '@jest/globals';
import kafkajs, { type Admin } from 'kafkajs';
import { createLedTopics } from './topics.ts';

const errorOf = (type: string, retriable: boolean) =>
  Object.assign(new kafkajs.KafkaJSProtocolError(type), { type, retriable });

/** An admin whose calls fail with these errors, one after the other. */
function failing(...errors: Error[]) {
  const createTopics = async () => {
    const error = errors.shift();
    if (error) throw error;
    return true;
  };
  return { createTopics } as unknown as Admin;
}

test('a topic that the broker does not know yet is waited for', async () => {
  const unknown = errorOf('UNKNOWN_TOPIC_OR_PARTITION', true);
  await expect(createLedTopics(failing(unknown), [{ topic: 'orders' }])).resolves.toBeUndefined();
});

test('topics that are created in the first turn are waited for in the next ones', async () => {
  const unknown = () => errorOf('UNKNOWN_TOPIC_OR_PARTITION', true);
  const turns = [
    () => Promise.reject(unknown()), // after it has created them
    () => Promise.resolve(false),
    () => Promise.resolve(false),
  ];
  const asked: unknown[] = [];
  const admin = {
    createTopics: () => turns.shift()?.(),
    fetchTopicMetadata: async (wanted: unknown) => {
      asked.push(wanted);
      if (asked.length === 1) throw unknown();
    },
  };
  await createLedTopics(admin as unknown as Admin, [{ topic: 'orders' }]);
  expect([turns.length, asked]).toEqual([0, [{ topics: ['orders'] }, { topics: ['orders'] }]]);
});

test('an error that stays is thrown at once', async () => {
  const refused = errorOf('TOPIC_AUTHORIZATION_FAILED', false);
  const admin = failing(refused, errorOf('never asked', false));
  await expect(createLedTopics(admin, [{ topic: 'orders' }])).rejects.toBe(refused);
});
