import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { createClient } from '../../access/connect.ts';
import { orderedHeaders } from '../../protocol/headers.ts';
import { ROOT } from '../support/root.ts';
import { Bench, until, values } from './bench.ts';

test("headers that the plugin's own producer sends keep their order", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const kafka = await createClient(bench.mapping(), { debug: () => undefined });
  const producer = kafka.producer();
  await producer.connect();
  const headers = orderedHeaders([
    { key: 'b', value: Buffer.from('1') },
    { key: '7', value: null },
    { key: 'b', value: Buffer.from('2') },
  ]);
  await producer.send({ topic: bench.topic, messages: [{ value: 'v', headers }] });
  await producer.disconnect();
  const lambda = await bench.lambda();
  bench.poll(lambda);
  await until('the record', () => values(lambda).length === 1);
  const [record] = lambda.invocations[0]?.records ?? [];
  expect(record?.headers).toEqual([{ b: [49] }, { 7: [] }, { b: [50] }]);
});

test('Node prints no warning while the client is connected', async () => {
  const source = join(ROOT, 'protocol/client.ts');
  const script = `
    import { loadClient } from ${JSON.stringify(source)};
    const { Kafka } = loadClient().kafkajs;
    const admin = new Kafka({ brokers: ${JSON.stringify(process.env.KAFKA_BROKERS?.split(','))} }).admin();
    await admin.connect();
    await admin.listTopics();
    await admin.disconnect();`;
  const args = ['--input-type=module', '-e', script];
  const { stderr } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  expect(stderr).toBe('');
});
