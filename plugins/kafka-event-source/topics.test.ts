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

test('an answer that the broker does not know the new topic yet leads to another try', async () => {
  const unknown = errorOf('UNKNOWN_TOPIC_OR_PARTITION', true);
  await expect(createLedTopics(failing(unknown), [{ topic: 'orders' }])).resolves.toBeUndefined();
});

test('an error that another try cannot change is thrown at once', async () => {
  const refused = errorOf('TOPIC_AUTHORIZATION_FAILED', false);
  const admin = failing(refused, errorOf('never asked', false));
  await expect(createLedTopics(admin, [{ topic: 'orders' }])).rejects.toBe(refused);
});
