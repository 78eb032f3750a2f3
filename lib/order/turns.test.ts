import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTurns } from './turns.ts';

const WORKERS = 16;

async function* listed(ids: string[]): AsyncGenerator<string, void> {
  for (const id of ids) {
    await turn();
    yield id;
  }
}

/**
 * Publishes orders whose ids begin with their partition's number; a partition that is away is found out
 * late. With `known` false the partitions are known once the first has been asked.
 */
async function run(ids: string[], away: number[], known = true) {
  const numberOf = (id: string) => Number(id.split('-')[0]);
  let isKnown = known;
  const published: string[] = [];
  const inVain: number[] = [];
  const underWay = new Map<number, number>();
  const turns = createTurns(listed(ids), (id) => (isKnown ? numberOf(id) : undefined));
  const worker = async () => {
    for (;;) {
      const next = await turns.next();
      if (!next) return;
      isKnown = true;
      const partition = numberOf(next.id);
      if (!away.includes(partition)) {
        published.push(next.id);
        await turn();
        next.end('answered');
        continue;
      }
      const others = underWay.get(partition) ?? 0;
      expect(others).toBeLessThan(known ? 1 : 2); // the first is asked without its partition
      underWay.set(partition, others + 1);
      for (let i = 0; i < 20; i += 1) await turn();
      underWay.set(partition, Number(underWay.get(partition)) - 1);
      inVain.push(partition);
      next.end('unanswered');
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  return { published, inVain, skipped: turns.skipped() };
}

test('orders of the other partitions are published once when some partitions are away, and no order waits for ever', async () => {
  const orders = fc.array(fc.nat(40), { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(
      orders,
      fc.uniqueArray(fc.nat(40)),
      fc.boolean(),
      async (places, away, known) => {
        const ids = places.map((partition, i) => `${partition}-${i}`);
        const { published, inVain, skipped } = await run(ids, away, known);
        const led = ids.filter((id) => !away.includes(Number(id.split('-')[0])));
        expect(published.toSorted()).toEqual(led.toSorted());
        expect(skipped).toBe(ids.length - led.length - inVain.length);
        for (const partition of away) {
          const asked = inVain.filter((one) => one === partition).length;
          expect(asked).toBeLessThanOrEqual(known ? 2 : 3);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('six hundred older orders of a partition that is away cost two of them', async () => {
  const older = Array.from({ length: 600 }, (_, i) => `0-${i}`);
  const younger = Array.from({ length: 40 }, (_, i) => `${1 + (i % 2)}-${i}`);
  const { published, inVain, skipped } = await run([...older, ...younger], [0]);
  expect([published.toSorted(), inVain, skipped]).toEqual([younger.toSorted(), [0, 0], 598]);
});

test('when Kafka has not said which partitions there are, the second failure ends it', async () => {
  const ids = Array.from({ length: 600 }, (_, i) => `0-${i}`);
  const turns = createTurns(listed(ids), () => undefined);
  (await turns.next())?.end('unanswered');
  (await turns.next())?.end('unanswered');
  expect(await turns.next()).toBeUndefined();
  expect(turns.skipped()).toBe(1);
});

test('an answer makes good a failure of before, and an order with nothing to send says nothing', async () => {
  const turns = createTurns(listed(['0-1', '0-2', '0-3', '0-4', '0-5', '0-6']), () => 0);
  for (const outcome of ['unanswered', 'none', 'answered', 'unanswered', 'none'] as const) {
    (await turns.next())?.end(outcome);
  }
  expect((await turns.next())?.id).toBe('0-6');
});

test('a stop gives out nothing more, also to those that wait', async () => {
  const turns = createTurns(listed(['0-1', '0-2', '0-3']), () => 0);
  const first = await turns.next();
  const second = turns.next();
  await turn();
  turns.stop();
  first?.end('answered');
  expect(await second).toBeUndefined();
});
