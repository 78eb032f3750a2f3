import { expect, test } from '@jest/globals';
import { produceByJava } from '../support/java.ts';
import { Bench, until, values } from './bench.ts';

test('a compacted topic is read across its gaps, and committed to its end', async () => {
  await using bench = new Bench();
  await bench.createTopic(1, {
    'cleanup.policy': 'compact',
    'segment.ms': '200',
    'min.cleanable.dirty.ratio': '0.01',
    'max.compaction.lag.ms': '200',
    'delete.retention.ms': '0',
  });
  const brokers = process.env.KAFKA_BROKERS ?? '';
  const round = (value: string) =>
    Array.from({ length: 20 }, (_, key) => ({ key: String(key % 4), value: `${value}-${key}` }));
  await produceByJava(brokers, bench.topic, round('old'));
  await produceByJava(brokers, bench.topic, round('new'));
  // This record begins a new segment; the records before it may then be compacted.
  await produceByJava(brokers, bench.topic, [{ key: 'last', value: 'last' }]);
  const survivors = [...Array.from({ length: 4 }, (_, key) => `new-${16 + key}`), 'last'];
  const left = async () => {
    await using other = new Bench();
    const lambda = await other.lambda();
    const poller = other.poll(lambda, { topic: bench.topic });
    await until('the last one', () => values(lambda).includes('last'));
    await poller.stop();
    return values(lambda);
  };
  await until('the compaction', async () => (await left()).length === survivors.length, {
    withinMs: 60_000,
  });
  const lambda = await bench.lambda();
  bench.poll(lambda);
  await until('the commit', async () => (await bench.committed()) === 41);
  expect(values(lambda)).toEqual(survivors);
  const offsets = lambda.invocations.flatMap(({ records }) => records.map(({ offset }) => offset));
  expect(offsets).toEqual([36, 37, 38, 39, 40]);
}, 120_000);
