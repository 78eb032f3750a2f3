/** Fifty tests of functions by the packed kit, in the order of a seed. */
import assert from 'node:assert/strict';
import { kafkaEventSource } from 'lambda-kafka-event-source/testing';

const orders = {
  topic: 'orders',
  provisionedPollerConfig: { minimumPollers: 1 },
  onFailureDestination: 'kafka://dead',
};
const recordsOf = ({ records }) => Object.values(records).flat();
const keyOf = ({ key }) => Buffer.from(key, 'base64').toString();
const keys = ['order-0', 'order-1', 'order-2', 'order-3'];
const batch = keys.map((key) => ({ key, value: { key }, partition: 0 }));

const sourceOf = (notify, mapping = {}, options = {}) =>
  kafkaEventSource({
    functions: { notify },
    mappings: { notify: { ...orders, ...mapping } },
    leaks: 'error',
    ...options,
  });

const KINDS = {
  async 'poison becomes a letter after ten retries'() {
    const source = await sourceOf(async () => {
      throw new Error('poison');
    });
    await source.produce('orders', batch[0]);
    await source.clock.advance('6 days');
    source.expectRecord({ key: 'order-0' }, { end: 'sent', attempts: 11 });
    assert.equal((await source.letters('dead')).length, 1);
    await source.stop();
  },
  async 'only the bad record comes again'() {
    const notify = async (event) => ({
      batchItemFailures: recordsOf(event)
        .filter((record) => keyOf(record) === 'order-1')
        .map(({ partition, offset }) => ({
          itemIdentifier: { partition: `orders-${partition}`, offset },
        })),
    });
    const mapping = { functionResponseType: 'ReportBatchItemFailures', maximumRetryAttempts: 2 };
    const source = await sourceOf(notify, mapping);
    await source.produce('orders', batch);
    await source.drain();
    const sizes = source.invocations('notify').map(({ records }) => records.length);
    assert.deepEqual(sizes, [4, 1, 1]);
    await source.stop();
  },
  async 'a bisect sets the bad record apart'() {
    const source = await sourceOf(async () => undefined, {
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 0,
    });
    source.fail('notify', { record: { key: 'order-2' } });
    await source.produce('orders', batch);
    await source.drain();
    source.expectRecord({ key: 'order-2' }, { end: 'sent' });
    source.expectRecord(({ key }) => key !== 'order-2', { end: 'done' });
    await source.stop();
  },
  async 'each order is done once, however often it comes'(seed) {
    const done = new Map();
    const notify = async (event) => {
      await new Promise(setImmediate);
      for (const record of recordsOf(event)) done.set(keyOf(record), process.env.KIT_TABLE);
    };
    const options = { functions: { notify: { handler: notify, environment: { KIT_TABLE: 't' } } } };
    const source = await sourceOf(undefined, {}, { ...options, seed });
    await source.produce('orders', batch);
    await source.drain();
    await source.redeliverEverything();
    assert.deepEqual(
      [...done].sort(),
      keys.map((key) => [key, 't']),
    );
    await source.stop();
  },
  async 'records of a window share a batch'() {
    const source = await sourceOf(async () => new Promise((resolve) => setTimeout(resolve, 1)), {
      maximumBatchingWindowInSeconds: 60,
    });
    await source.produce('orders', batch[0]);
    await source.clock.advance('59 s');
    await source.produce('orders', batch[1]);
    await source.idle();
    assert.equal(source.invocations('notify')[0].records.length, 2);
    await source.stop();
  },
};
const EACH = 10;

/** @returns the names and bodies of the tests */
export function shuffledTests(seed) {
  const all = Object.entries(KINDS).flatMap(([name, run]) =>
    Array.from({ length: EACH }, (_, index) => [
      `${name}, ${index}`,
      () => run(seed * EACH + index),
    ]),
  );
  // A linear congruential generator (Numerical Recipes).
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  return all
    .map((one) => ({ one, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
