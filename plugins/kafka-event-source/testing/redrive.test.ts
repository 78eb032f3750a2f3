import { expect, test } from '@jest/globals';
import type { KitOptions } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const DEAD = 'orders-dead';

/** A handler that refuses these keys, and its source. */
async function sourceOf(refused: ReadonlySet<string>, options: Partial<KitOptions> = {}) {
  const done: string[] = [];
  const notify = async ({ records }: { records: Record<string, { key: string }[]> }) => {
    for (const { key } of Object.values(records).flat()) {
      const text = Buffer.from(key, 'base64').toString();
      if (refused.has(text)) throw new Error(`${text} is refused`);
      done.push(text);
    }
  };
  const source = await kafkaEventSource({
    functions: { notify },
    mappings: {
      notify: {
        topic: 'orders',
        batchSize: 1,
        provisionedPollerConfig: { minimumPollers: 1 },
        maximumRetryAttempts: 1,
        onFailureDestination: `kafka://${DEAD}`,
      },
    },
    topics: { [DEAD]: 1 },
    ...options,
  });
  return { source, done };
}

test('letters are put back once, at the partitions and with the headers of their records', async () => {
  const refused = new Set(['order-1', 'order-2']);
  const { source, done } = await sourceOf(refused);
  await using _ = source;
  const headers = { trace: 'x' };
  const keys = ['order-0', 'order-1', 'order-2'];
  const places = await source.produce(
    'orders',
    keys.map((key) => ({ key, value: { key }, headers, partition: 2 })),
  );
  await source.drain();
  expect(await source.letters(DEAD)).toHaveLength(2);
  refused.clear();
  const redriven = await source.redrive(DEAD);
  expect(redriven.map(({ outcome, record }) => [outcome, record])).toEqual([
    ['redriven', places[1]],
    ['redriven', places[2]],
  ]);
  await source.drain();
  expect(done).toEqual(keys);
  expect(source.records('orders').at(-1)).toMatchObject({
    key: 'order-2',
    value: '{"key":"order-2"}',
    partition: 2,
    headers: [
      ['trace', 'x'],
      ['redrive-count', '1'],
    ],
  });
  expect(await source.redrive(DEAD)).toEqual([]);
});

test('a choice puts back some letters, and a limit ends a circle', async () => {
  const { source } = await sourceOf(new Set(['order-1', 'order-2']));
  await using _ = source;
  await source.produce('orders', [{ key: 'order-1' }, { key: 'order-2' }]);
  await source.drain();
  expect(await source.redrive(DEAD, { key: 'order-1' })).toMatchObject([
    { key: 'order-1', outcome: 'redriven' },
  ]);
  await source.drain();
  expect(await source.letters(DEAD)).toHaveLength(3);
  expect(await source.redrive(DEAD, { key: 'order-1', limit: 1 })).toMatchObject([
    { outcome: 'left', why: expect.stringContaining('put back 1 times already') },
  ]);
});

test('a topic without letters, an unknown topic and a destination of AWS are told apart', async () => {
  const { source } = await sourceOf(new Set());
  await using _ = source;
  expect(await source.redrive(DEAD)).toEqual([]);
  await expect(source.redrive('other')).rejects.toThrow('There are: orders-dead, orders.');
  const arn = 'arn:aws:sqs:us-east-1:000000000000:letters';
  await using onAws = await kafkaEventSource({
    functions: { notify: async () => undefined },
    mappings: {
      notify: {
        topic: 'orders',
        provisionedPollerConfig: { minimumPollers: 1 },
        onFailureDestination: arn,
      },
    },
  });
  await expect(onAws.redrive(arn)).rejects.toThrow('only letters in Kafka');
});
