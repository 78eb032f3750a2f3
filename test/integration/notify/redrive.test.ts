import { expect, test } from '@jest/globals';
import { sls } from '../../support/sls.ts';
import { readTopic } from '../../support/topic.ts';
import { createNotifyBench } from './bench.ts';

test('sls kafka redrive shows the dead letters of notify and puts them back', async () => {
  const bench = await createNotifyBench();
  const topic = bench.deadLetterTopic.replace('-dlq', '');
  const reader = await readTopic(bench.brokers, topic);
  const redrive = (...options: string[]) =>
    sls(['kafka', 'redrive', ...options], {
      KAFKA_BROKERS: bench.brokers.join(','),
      DYNAMODB_ENDPOINT: bench.dynamoEndpoint,
      ORDERS_TABLE: bench.table,
      ORDER_EVENTS_TOPIC: topic,
      ORDER_EVENTS_DLQ: bench.deadLetterTopic,
    });
  try {
    await bench.notify()({ key: 'an order', value: 'not JSON' });
    const shown = await redrive();
    expect(shown.stdout).toMatch(/key "an order".*not JSON.*would be redriven/);
    expect(shown.stdout).toContain('Dry run: 1 of');
    expect(reader.records).toEqual([]);

    const { code, stdout } = await redrive('--all', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).topics).toMatchObject([
      { topic: bench.deadLetterTopic, counts: { redriven: 1, left: 0 } },
    ]);
    const [record] = await reader.atLeast(1);
    // As the bench gives each record its headers: one without a value, one of two bytes.
    expect(record).toMatchObject({ key: 'an order', value: 'not JSON', partition: 0 });
    expect(record?.headers).toMatchObject({ note: 'é', 'redrive-count': '1' });

    expect((await redrive('--all')).stdout).toContain('Put back 0 of');
    const wrong = await redrive('--letter', 'nine');
    expect(wrong.code).toBe(1);
    expect(wrong.stdout + wrong.stderr).toContain('write <partition>:<offset>');
    expect(wrong.stdout + wrong.stderr).not.toContain('    at ');
  } finally {
    await reader.close();
    await bench.close();
  }
});
