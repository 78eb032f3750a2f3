import { expect, test } from '@jest/globals';
import { createClient } from '../../access/connect.ts';
import { redrive } from '../../commands/redrive.ts';
import { readSelection } from '../../commands/redrive-options.ts';
import { createLedTopics } from '../../topics.ts';
import { startTwoBrokers } from '../support/two-brokers.ts';
import { Bench, failure, success, until } from './bench.ts';

test('redriven letters are remembered after the broker forgets old offsets', async () => {
  const kafka = await startTwoBrokers({
    'offsets.retention.minutes': 1,
    'offsets.retention.check.interval.ms': 1_000,
  });
  try {
    await using bench = new Bench(kafka.brokers);
    await bench.createTopic();
    const topic = `${bench.topic}-dead`;
    await createLedTopics(bench.admin, [{ topic }]);
    const lambda = await bench.lambda(() => failure);
    await bench.produceCount(20);
    const pollTo = async (end: number) => {
      const poller = bench.poll(lambda, {
        destination: { kind: 'kafka', topic },
        maximumRetryAttempts: 0,
        pollers: { minimum: 1, maximum: 1 },
      });
      await until('the commit', async () => (await bench.committed()) === end);
      await poller.stop();
    };
    await pollTo(20);
    const client = await createClient(bench.mapping(), { debug: () => undefined });
    const all = () =>
      redrive({
        kafka: client,
        servers: kafka.brokers,
        topic,
        selection: readSelection({ all: true }),
        found: () => undefined,
      });
    expect(await all()).toMatchObject({ counts: { redriven: 20 } });
    // The mapping's own group is forgotten after redrive's would be.
    lambda.handle(() => success);
    const [end] = await bench.admin.fetchTopicOffsets(bench.topic);
    await pollTo(Number(end?.high));
    await until('the broker forgets', async () => (await bench.committed()) === -1, {
      withinMs: 150_000,
    });
    expect(await all()).toMatchObject({ counts: { redriven: 0 } });
  } finally {
    await kafka.stop();
  }
}, 240_000);
