import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import { answers } from '../../broker/ports.ts';
import { type Handler, type KitOptions, kafkaEventSource } from '../../testing/testing.ts';
import { ROOT } from '../support/root.ts';
import { until } from '../support/until.ts';

const brokers = process.env.KAFKA_BROKERS ?? '';
const sourceOf = (handler: Handler, options: Partial<KitOptions> = {}) =>
  kafkaEventSource({
    ground: brokers,
    functions: { notify: handler },
    mappings: { notify: { topic: 'orders', consumerGroupId: 'notify' } },
    ...options,
  });
const kafka = () => new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });

test('sources of one topic and group on one broker do not see the records of each other', async () => {
  const seen = ['a', 'b'].map(() => [] as string[]);
  const sources = await Promise.all(
    seen.map((list) =>
      sourceOf(async ({ records }: { records: object }) => void list.push(...Object.keys(records))),
    ),
  );
  const [first, second] = sources;
  await first?.produce('orders', { value: 'x', partition: 0 });
  await second?.produce('orders', { value: 'y', partition: 1 });
  await Promise.all(sources.map((source) => source.idle()));
  await Promise.all(sources.map((source) => source.stop()));
  expect(seen).toEqual([['orders-0'], ['orders-1']]);
});

test('a mapping goes on at the offset that the test has committed for its group', async () => {
  await using source = await sourceOf(async () => undefined, {
    records: { orders: ['a', 'b', 'c'].map((value) => ({ value, partition: 1 })) },
    committed: { notify: { 'orders-1': 2 } },
  });
  await source.drain();
  expect(source.invocations('notify').flatMap(({ records }) => records)).toMatchObject([
    { value: 'c', partition: 1, offset: 2 },
  ]);
  expect(source.committed('notify')).toMatchObject({ 'orders-1': 3 });
});

test('clients of the test find the topic by its name on the broker, which is gone after stop', async () => {
  await using source = await sourceOf(async () => undefined);
  const { servers = [], topic } = source.broker ?? {};
  const own = topic?.('orders') ?? '';
  expect([servers, own]).toEqual([brokers.split(','), expect.stringMatching(/^orders-kit-/)]);
  expect(() => topic?.('order')).toThrow('There are: orders');
  const producer = kafka().producer();
  await producer.connect();
  await producer.send({ topic: own, messages: [{ key: 'order-1', value: 'by hand' }] });
  await producer.disconnect();
  await source.drain();
  source.expectRecord({ key: 'order-1' }, { end: 'done', attempts: 1 });
  expect(source.invocations('notify')[0]?.event).toMatchObject({
    bootstrapServers: brokers,
    records: { 'orders-1': [{ topic: 'orders' }] },
  });
  await source.stop();
  const admin = kafka().admin();
  await admin.connect();
  try {
    await until('the end of the topic', async () =>
      (await admin.listTopics()).includes(own) ? undefined : true,
    );
    const { groups } = await admin.listGroups();
    expect(groups.filter(({ groupId }) => groupId.startsWith('notify-kit-'))).toEqual([]);
  } finally {
    await admin.disconnect();
  }
});

test('a time that cannot be moved is refused with advice', async () => {
  await expect(sourceOf(async () => undefined, { start: 0 })).rejects.toThrow(
    "The time on a broker is real: leave out start, or use ground: 'memory'.",
  );
  await expect(sourceOf(async () => undefined, { virtualDate: true })).rejects.toThrow(
    'virtualDate',
  );
  await using source = await sourceOf(async () => undefined);
  await expect(source.clock.advance('6 days')).rejects.toThrow(
    /clock.advance waits for 60 s at most. Run this test with ground: 'memory'/,
  );
});

test('idle tells the life of a record for which nothing happens', async () => {
  await using source = await sourceOf(async () => undefined, {
    mappings: { notify: { topic: 'orders', maximumBatchingWindowInSeconds: 300 } },
    patienceMs: 500,
  });
  await source.produce('orders', { value: 'x', partition: 0 });
  await expect(source.idle()).rejects.toThrow(
    /^Nothing has happened for 500 ms. Not done:\norders-0 0\n.* notify: read/,
  );
});

test('drain tells the life of a record that fails for ever', async () => {
  const handler = async () => {
    throw new Error('poison');
  };
  await using source = await sourceOf(handler);
  await source.produce('orders', { value: 'x', partition: 0 });
  await expect(source.drain('1 s')).rejects.toThrow(
    /^Not done within 1 s:\norders-0 0\n.*failed: Unhandled: poison/s,
  );
});

test('a broker is started once for a process, which ends by itself, and the broker with it', async () => {
  const kit = pathToFileURL(join(ROOT, 'testing/testing.ts')).href;
  const script = `
    const { kafkaEventSource } = await import('${kit}');
    const mappings = { notify: { topic: 'orders' } };
    const functions = { notify: async () => undefined };
    const make = () => kafkaEventSource({ ground: 'start', functions, mappings });
    const [first, second] = await Promise.all([make(), make()]);
    await first.produce('orders', { value: 'x' });
    await first.drain();
    console.log(JSON.stringify([first, second].map((source) => [
      source.broker.servers[0],
      source.invocations('notify').length,
    ])));
    await first.stop();
    await second.stop();`;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [[server, calls], ...others] = JSON.parse(stdout);
  expect([calls, others]).toEqual([1, [[server, 0]]]);
  const [host = '', port] = server.split(':');
  await until('the end of the broker', async () =>
    (await answers(host, Number(port))) ? undefined : true,
  );
});

test('letters are told after stop, too, and the process ends by itself', async () => {
  const kit = pathToFileURL(join(ROOT, 'testing/testing.ts')).href;
  const script = `
    const { kafkaEventSource } = await import('${kit}');
    const source = await kafkaEventSource({
      ground: '${brokers}',
      functions: { notify: async () => undefined },
      mappings: {
        notify: {
          topic: 'orders',
          provisionedPollerConfig: { minimumPollers: 1 },
          maximumRetryAttempts: 0,
          onFailureDestination: 'kafka://dead',
        },
      },
    });
    source.fail('notify');
    await source.produce('orders', { key: 'order-1', value: 'x' });
    await source.drain();
    await source.stop();
    console.log((await source.letters('dead'))[0].key);`;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  expect(stdout).toBe('order-1\n');
});

test('a broker that is not there is named', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  await expect(sourceOf(async () => undefined, { ground: `127.0.0.1:${port}` })).rejects.toThrow(
    `Kafka at 127.0.0.1:${port} does not answer`,
  );
});
