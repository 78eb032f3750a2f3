import { expect, test } from '@jest/globals';
import { createClient } from '../../access/connect.ts';
import { remoteOf } from '../../commands/remote.ts';
import { boundsOf, withAdmin } from '../../commands/scan.ts';
import { HIGH_WATERMARK } from '../../protocol/client.ts';
import { createLedTopics } from '../../topics.ts';
import { kafkaTool, produceByJava } from '../support/java.ts';
import { Bench, counting, until, values } from './bench.ts';

test("of Java's records in transactions only the committed ones reach the function", async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const source = `${bench.topic}-source`;
  await createLedTopics(bench.admin, [{ topic: source }]);
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

test.each(['committed', 'rolled back'])(
  'records behind an open transaction wait, the status knows where, and come when it is %s',
  async (how) => {
    await using bench = new Bench();
    await bench.createTopic();
    await bench.produceCount(8);
    const lambda = await bench.lambda();
    bench.poll(lambda);
    await until('eight', async () => (await bench.committed()) === 8);
    const { producer, transaction } = await bench.transaction();
    const messages = [{ value: '8' }, { value: '9' }];
    await transaction.send({ topic: bench.topic, messages });
    await bench.produceCount(1, { from: 10 });
    const kafka = await createClient(bench.mapping(), { debug: () => undefined });
    const ends = () =>
      withAdmin(kafka, [], async (admin) => [
        ...((await boundsOf(admin, bench.topic)) ?? []),
        ...(await admin.fetchTopicOffsetsByTimestamp(bench.topic, HIGH_WATERMARK)),
      ]);
    expect(await ends()).toEqual([
      { partition: 0, low: 0, high: 8 },
      { partition: 0, offset: '11' },
    ]);
    expect(values(lambda)).toEqual(counting(0, 8));
    await (how === 'committed' ? transaction.commit() : transaction.abort());
    await until('the rest', async () => (await bench.committed()) === 12);
    expect(values(lambda)).toEqual(
      how === 'committed' ? counting(0, 11) : [...counting(0, 8), '10'],
    );
    expect(await ends()).toEqual([
      { partition: 0, low: 0, high: 12 },
      { partition: 0, offset: '12' },
    ]);
    await producer.disconnect();
  },
);

test('records that come while Kafka is asked are not taken for those of an open transaction', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const over = new AbortController();
  const producing = (async () => {
    while (!over.signal.aborted) await bench.produceCount(1);
  })();
  const mapping = bench.mapping();
  try {
    for (let asked = 0; asked < 15; asked += 1) {
      const { partitions: [found] = [] } = await remoteOf(mapping, () => undefined);
      expect(found?.highWatermark).toBe(found?.end);
    }
  } finally {
    over.abort();
    await producing;
  }
});
