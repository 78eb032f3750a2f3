import { expect, test } from '@jest/globals';
import { kafkaTool, produceByJava } from '../support/java.ts';
import { Bench, counting, until, values } from './bench.ts';

test("of Java's records in transactions only the committed ones reach the function", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const source = `${bench.topic}-source`;
  await bench.admin.createTopics({ topics: [{ topic: source }], waitForLeaders: true });
  const brokers = process.env.KAFKA_BROKERS ?? '';
  const written = counting(0, 200).map((value) => ({ value }));
  await produceByJava(brokers, source, written);
  const tool = ['--input-topic', source, '--input-partition', '0', '--output-topic', bench.topic];
  await kafkaTool('TransactionalMessageCopier', [
    ...tool,
    ...['--broker-list', brokers, '--consumer-group', `${bench.groupId}-copier`],
    ...['--transactional-id', bench.topic, '--transaction-size', '4', '--enable-random-aborts'],
  ]);
  const [end] = await bench.admin.fetchTopicOffsets(bench.topic);
  const markers = 200 / 4;
  // A third of the transactions is aborted; without any, the test would prove nothing.
  expect(Number(end?.high)).toBeGreaterThan(200 + markers);
  const lambda = await bench.lambda();
  bench.poll(lambda, { batchSize: 7 });
  await until('all', () => values(lambda).length >= 200, { seen: () => values(lambda).length });
  expect(values(lambda)).toEqual(counting(0, 200));
  await until('the marker behind the last one', async () => {
    return (await bench.committed()) === Number(end?.high);
  });
});
