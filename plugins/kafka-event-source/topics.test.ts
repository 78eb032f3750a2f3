import { expect, test } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { loadClient } from './protocol/client.ts';
import { createLedTopics } from './topics.ts';

// The emulator's errors are of its own copy of kafkajs.
const { KafkaJSProtocolError } = loadClient().kafkajs;
const errorOf = (type: string, retriable: boolean) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, retriable }));

/** An admin whose questions about the new topics fail with these errors, one after the other. */
function failing(errors: { create?: Error[]; metadata?: Error[]; offsets?: Error[] }) {
  const asked: string[] = [];
  const ask = (question: keyof typeof errors) => {
    asked.push(question);
    const error = errors[question]?.shift();
    if (error) throw error;
  };
  const admin = {
    createTopics: async () => ask('create'),
    fetchTopicMetadata: async () => ask('metadata'),
    fetchTopicOffsets: async () => ask('offsets'),
  };
  return { admin: admin as unknown as Admin, asked };
}

test("topics that a broker does not know yet are waited for, then their leaders, then the leaders' answers", async () => {
  const unknown = errorOf('UNKNOWN_TOPIC_OR_PARTITION', true);
  const leaderless = errorOf('LEADER_NOT_AVAILABLE', true);
  const notYet = errorOf('NOT_LEADER_FOR_PARTITION', true);
  const { admin, asked } = failing({
    create: [unknown],
    metadata: [leaderless],
    offsets: [notYet],
  });
  await createLedTopics(admin, [{ topic: 'orders' }]);
  const all = ['create', 'metadata', 'offsets'];
  expect(asked).toEqual(['create', 'create', 'metadata', ...all, ...all]);
});

test('an error that stays is thrown at once', async () => {
  const refused = errorOf('TOPIC_AUTHORIZATION_FAILED', false);
  const { admin } = failing({ metadata: [refused, errorOf('never asked', false)] });
  await expect(createLedTopics(admin, [{ topic: 'orders' }])).rejects.toBe(refused);
});
