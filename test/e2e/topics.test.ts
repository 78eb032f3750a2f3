import { expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { createLedTopics } from '../../plugins/kafka-event-source/topics.ts';
import { sls } from '../support/sls.ts';

test('`sls topics` makes missing topics, once, and names a topic that differs', async () => {
  const brokers = process.env.KAFKA_BROKERS ?? '';
  const own = crypto.randomUUID();
  const env = {
    KAFKA_BROKERS: brokers,
    ORDER_EVENTS_TOPIC: `events-${own}`,
    ORDER_EVENTS_DLQ: `letters-${own}`,
  };
  const run = async () => {
    const { code, stdout, stderr } = await sls(['topics', '--stage', 'local'], env);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    return stdout;
  };
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await createLedTopics(admin, [{ topic: env.ORDER_EVENTS_DLQ, numPartitions: 2 }]);
    expect(await run()).toContain(`events-${own}: made`);
    const again = await run();
    expect(again).toContain(`events-${own}: there\n`);
    expect(again).toContain(`letters-${own}: exists, left as it is; partitions is 2, not 3`);
    const { topics } = await admin.fetchTopicMetadata({ topics: [env.ORDER_EVENTS_TOPIC] });
    expect(topics[0]?.partitions).toHaveLength(3);
  } finally {
    await admin.disconnect();
  }
}, 90_000);

test('without a broker it says what to do, and no stack', async () => {
  const { code, stdout, stderr } = await sls(['topics', '--stage', 'local'], {
    KAFKA_BROKERS: 'localhost:1',
  });
  expect(code).toBe(1);
  expect(stdout + stderr).toContain('docs/deploy.md');
  expect(stdout + stderr).not.toMatch(/^\s+at /m);
}, 60_000);
