/** The messages of the kit: they are as short as it takes to find the fault. */
import { expect, test } from '@jest/globals';
import type { Expected, Handler, MappingProperties } from './testing.ts';
import { kafkaEventSource } from './testing.ts';

const sourceOf = (notify: Handler, mapping: Partial<MappingProperties> = {}) =>
  kafkaEventSource({
    functions: { notify },
    mappings: { notify: { topic: 'orders', ...mapping } },
    topics: { orders: 1 },
    start: 0,
  });

const fails = async () => {
  throw new Error('no such customer');
};
const values = (count: number) => Array.from({ length: count }, (_, id) => ({ value: { id } }));
const messageOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};

test('of many records that have ended otherwise, a message has the first ones and the number of the others', async () => {
  await using source = await sourceOf(async () => undefined);
  await source.produce('orders', values(2_000));
  await source.drain();
  const message = messageOf(() => source.expectRecord(() => true, { end: 'sent' }));
  expect(message).toContain('orders-0 0\n');
  expect(message).toContain('and 1990 more');
  expect(message.length).toBeLessThan(5_000);
});

test('of a record that was tried many times, a message has the first and the last steps', async () => {
  await using source = await sourceOf(fails);
  await source.produce('orders', { key: 'order-1', value: 'x' });
  await source.clock.advance('1 hour');
  const message = messageOf(() => source.expectRecord({ key: 'order-1' }, { end: 'done' }));
  expect(message).toMatch(/invoked with 1 record, attempt 1\n/);
  expect(message).toContain('more steps');
  expect(message.split('\n').length).toBeLessThan(30);
});

test('attempts count over all deliveries of a record', async () => {
  await using source = await sourceOf(async () => undefined, { batchSize: 10 });
  const places = await source.produce('orders', values(100));
  await source.drain();
  await source.redeliverEverything();
  source.expectRecord(() => true, { end: 'done', attempts: 2 });
  expect(places).toHaveLength(100);
});

test('a life ends with the first commit after the record, until it is delivered again', async () => {
  await using source = await sourceOf(async () => undefined);
  const [place] = await source.produce('orders', { value: 'first' });
  await source.drain();
  await source.produce('orders', { value: 'second' });
  await source.drain();
  await source.rebalance();
  const once = ['read', 'invoked with 1 record, attempt 1', 'committed up to 1'];
  const steps = () =>
    place &&
    source
      .life(place)
      .replaceAll(/ {2}\+\S+ s notify: /g, '')
      .split('\n');
  expect(steps()).toEqual(['orders-0 0', ...once]);
  await source.redeliverEverything();
  const again = ['read', 'invoked with 2 records, attempt 1', 'committed up to 2'];
  expect(steps()).toEqual(['orders-0 0', ...once, ...again]);
});

test('a record of an open transaction is not found, and the message says why', async () => {
  await using source = await sourceOf(async () => undefined);
  const transaction = source.transaction();
  await transaction.produce('orders', { key: 'order-1', value: 'x' });
  await source.drain();
  const done: Expected = { end: 'done' };
  const open = /no such record in orders.* transaction/;
  expect(() => source.expectRecord({ key: 'order-1' }, done)).toThrow(open);
  await transaction.commit();
  await source.drain();
  source.expectRecord({ key: 'order-1' }, done);
  expect(messageOf(() => source.expectRecord({ key: 'other' }, done))).not.toMatch(/transaction/);
});

test.each(['idle', 'drain'] as const)(
  'a stop ends a running %s, with an error that says so',
  async (kind) => {
    const begun = Promise.withResolvers<void>();
    const source = await sourceOf(() => {
      begun.resolve();
      return new Promise(() => undefined);
    });
    await source.produce('orders', { value: 'x' });
    const running = source[kind]().catch(({ message }: Error) => message);
    await begun.promise;
    await new Promise(setImmediate);
    await source.stop();
    expect(await running).toMatch(/^The source has been stopped/);
  },
);

test('a duration that is no number is named in the error', async () => {
  await using source = await sourceOf(async () => undefined);
  await expect(source.clock.advance(Number.NaN)).rejects.toThrow('NaN is no duration');
});

test('patience has the limit of timers', async () => {
  const { functions, mappings } = {
    functions: { notify: fails },
    mappings: { notify: { topic: 'orders' } },
  };
  const patienceMs = 2 ** 31;
  await expect(kafkaEventSource({ functions, mappings, patienceMs })).rejects.toThrow('patienceMs');
});

test('an ARN that is no destination of a mapping is an error with the known ones', async () => {
  const [known, other] = ['dead', 'daed'].map(
    (name) => `arn:aws:sqs:us-east-1:000000000000:${name}`,
  );
  await using source = await sourceOf(fails, {
    provisionedPollerConfig: { minimumPollers: 1 },
    onFailureDestination: known,
  });
  const said = `No mapping has the destination ${other}. There are: ${known}.`;
  await expect(source.letters(other ?? '')).rejects.toThrow(said);
  await expect(source.redrive(other ?? '')).rejects.toThrow(said);
  await using without = await sourceOf(fails);
  await expect(without.letters(other ?? '')).rejects.toThrow('There are: none.');
});
