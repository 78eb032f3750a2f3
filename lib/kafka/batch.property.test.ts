import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { walk } from './batch.ts';
import { type Item, itemsOf, type KafkaEvent } from './event.ts';

type Given = {
  /** Partition, and key or none, of each record; offsets count up within a partition. */
  records: { partition: number; key: string | undefined; fails: boolean; turns: number }[];
  concurrency: number;
  /** How many records can be begun until the time is over. */
  inTime: number;
};

const given: fc.Arbitrary<Given> = fc.record({
  records: fc.array(
    fc.record({
      partition: fc.nat(2),
      key: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined, freq: 5 }),
      fails: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
      turns: fc.nat(4),
    }),
    { maxLength: 25 },
  ),
  concurrency: fc.integer({ min: 1, max: 6 }),
  inTime: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(25)),
});

const nameOf = ({ record }: Item) => `${record.partition}:${record.offset}`;
/** Records with the same order key stay in order; a record without a key has an order key of its own. */
const orderKeyOf = (item: Item) => `${item.partition} ${item.record.key ?? nameOf(item)}`;

function eventOf({ records }: Given) {
  const event: KafkaEvent = { records: {} };
  const plans = new Map<string, Given['records'][number]>();
  for (const plan of records) {
    event.records[`orders-${plan.partition}`] ??= [];
    const list = event.records[`orders-${plan.partition}`] ?? [];
    const { partition, key } = plan;
    const record = { topic: 'orders', partition, offset: list.length, timestamp: 0 };
    list.push(key === undefined ? record : { ...record, key });
    plans.set(`${partition}:${record.offset}`, plan);
  }
  // The event may list a partition's records in any order.
  for (const list of Object.values(event.records)) list.reverse();
  return { event, plans };
}

async function run(plan: Given) {
  const { event, plans } = eventOf(plan);
  const begun: Item[] = [];
  const done: string[] = [];
  const underWay = new Map<string, Item>();
  let most = 0;
  const failures = await walk(
    itemsOf(event),
    async (item) => {
      expect(underWay.get(orderKeyOf(item))).toBeUndefined();
      begun.push(item);
      underWay.set(orderKeyOf(item), item);
      most = Math.max(most, underWay.size);
      const { fails, turns } = plans.get(nameOf(item)) ?? { fails: false, turns: 0 };
      for (let i = 0; i < turns; i++) await turn();
      underWay.delete(orderKeyOf(item));
      if (fails) throw new Error(nameOf(item));
      done.push(nameOf(item));
    },
    { concurrency: plan.concurrency, hasTime: () => begun.length < plan.inTime },
  );
  return { event, plans, begun, done, failures, most };
}

test('each record is done or answered, once, in the order of its key, however many fail or time ends', async () => {
  await fc.assert(
    fc.asyncProperty(given, async (plan) => {
      const { plans, begun, done, failures, most } = await run(plan);
      const answered = failures.map(nameOf);

      // Every record is either done or answered, and never both.
      assert.deepEqual([...done, ...answered].toSorted(), [...plans.keys()].toSorted());
      assert.equal(begun.length, new Set(begun.map(nameOf)).size);
      assert.ok(most <= plan.concurrency);

      // Of each key: first the done records, in order; then the one failure; no later record is begun.
      const groups = Object.values(Object.groupBy([...begun, ...failures], orderKeyOf));
      for (const group of groups) {
        const names = new Set((group ?? []).map(nameOf));
        const byOffset = [...names].toSorted((a, b) => offset(a) - offset(b));
        const begunHere = begun.map(nameOf).filter((name) => names.has(name));
        assert.deepEqual(begunHere, byOffset.slice(0, begunHere.length));
        const states = byOffset.map((name) => (done.includes(name) ? 'done' : 'again'));
        assert.match(states.join(), /^(done,?)*(again,?)*$/);
        assert.ok(begunHere.filter((name) => !done.includes(name)).length <= 1);
      }
      // Only a record that was begun has failed.
      for (const failure of failures) {
        const wasBegun = begun.map(nameOf).includes(nameOf(failure));
        assert.equal(failure.why === 'failed', wasBegun, nameOf(failure));
      }
    }),
    { numRuns: 300 },
  );
});

test('with time and without failures every record is done, with as many keys at once as allowed', async () => {
  await fc.assert(
    fc.asyncProperty(given, async (plan) => {
      const records = plan.records.map((record) => ({ ...record, fails: false, turns: 1 }));
      const { done, failures, most, event } = await run({ ...plan, records, inTime: Infinity });
      expect(failures).toEqual([]);
      expect(done).toHaveLength(records.length);
      const groups = new Set(itemsOf(event).map(orderKeyOf));
      expect(most).toBe(Math.min(plan.concurrency, groups.size));
    }),
    { numRuns: 100 },
  );
});

test('when failed records are delivered again, every record is done once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(given, fc.nat(), async (plan, seed) => {
      const { event } = eventOf(plan);
      const done: Item[] = [];
      let left = event;
      for (let round = 0; Object.keys(left.records).length > 0; round++) {
        const failures = await walk(
          itemsOf(left),
          async (item) => {
            await turn();
            // Other records fail in every round; after five rounds none fails.
            if (round < 5 && (seed + item.record.offset * 7 + round * 3) % 4 === 0) {
              throw new Error('not now');
            }
            done.push(item);
          },
          { concurrency: plan.concurrency, hasTime: () => true },
        );
        const again = Object.groupBy(failures, ({ partition }) => partition);
        left = {
          records: Object.fromEntries(
            Object.entries(again).map(([partition, list = []]) => [
              partition,
              list.map(({ record }) => record),
            ]),
          ),
        };
      }
      expect(done).toHaveLength(plan.records.length);
      for (const group of Object.values(Object.groupBy(done, orderKeyOf))) {
        const offsets = (group ?? []).map(({ record }) => record.offset);
        assert.deepEqual(
          offsets,
          offsets.toSorted((a, b) => a - b),
        );
      }
    }),
    { numRuns: 100 },
  );
});

function offset(name: string): number {
  return Number(name.split(':')[1]);
}
