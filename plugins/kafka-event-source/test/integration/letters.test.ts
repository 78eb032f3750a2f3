import { expect, test } from '@jest/globals';
import { createLedTopics } from '../../topics.ts';
import { act } from './acting.ts';
import { Bench, failure, success, until, values } from './bench.ts';

type Letter = { partition: number; offset: number; outcome: string; reason: string; key: string };

/** A mapping whose function has failed with five records of two partitions, each a letter now. */
async function failed() {
  const bench = new Bench();
  await bench.createTopic(2);
  const dead = `${bench.topic}-dlq`;
  await createLedTopics(bench.admin, [{ topic: dead, numPartitions: 2 }]);
  const lambda = await bench.lambda(() => failure);
  const api = await act(bench, lambda, {
    destination: { kind: 'kafka', topic: dead },
    maximumRetryAttempts: 0,
    pollers: { minimum: 1, maximum: 1 },
    batchSize: 1,
  });
  const messages = Array.from({ length: 5 }, (_, index) => ({
    key: `k${index}`,
    value: String(index),
    partition: index % 2,
  }));
  await bench.produce(messages);
  const count = async () =>
    (await bench.admin.fetchTopicOffsets(dead)).reduce((sum, { high }) => sum + Number(high), 0);
  await until('the letters', async () => (await count()) === 5);
  lambda.handle(() => success);
  const dispose = async () => {
    await api[Symbol.asyncDispose]();
    await bench[Symbol.asyncDispose]();
  };
  const list = async (more = ''): Promise<{ items: Letter[]; next?: string }> =>
    (await api.get(`/api/letters?topic=${dead}${more}`)).body;
  const again = () => values(lambda).slice(5).sort();
  return { bench, api, dead, list, again, [Symbol.asyncDispose]: dispose };
}

const place = ({ partition, offset }: Letter) => ({ partition, offset });

test('letters are listed newest first, page by page, with their reasons', async () => {
  await using all = await failed();
  const { api, list, dead, bench } = all;
  const { items, next } = await list();
  expect(next).toBeUndefined();
  expect(items).toHaveLength(5);
  for (const one of items) {
    expect(one).toMatchObject({
      topic: dead,
      outcome: 'would be redriven',
      condition: 'RetriesExhausted',
      reason: expect.stringContaining('thrown by the test'),
      original: { topic: bench.topic },
    });
  }
  const pages: Letter[] = [];
  let cursor = '';
  do {
    const page = await list(`&limit=2${cursor}`);
    expect(page.items.length).toBeLessThanOrEqual(2);
    pages.push(...page.items);
    cursor = page.next ? `&cursor=${page.next}` : '';
  } while (cursor);
  const order = (rows: Letter[]) =>
    [0, 1].map((wanted) => rows.filter(({ partition }) => partition === wanted).map(place));
  expect(order(pages)).toEqual(order(items));
  for (const rows of order(items)) {
    expect(rows).toEqual(rows.toSorted((one, other) => other.offset - one.offset));
  }
  expect((await api.get('/api/letters')).body.items).toHaveLength(5);
  for (const wrong of ['&limit=201', '&limit=x', '&cursor=x', '&mapping=none']) {
    const { status, body } = await api.get(`/api/letters?topic=${dead}${wrong}`);
    expect([status, body.error.message]).toEqual([expect.any(Number), expect.any(String)]);
    expect(status).toBeLessThan(500);
  }
});

test('one letter, a filter, and all are put back once each, and the dry run says how many', async () => {
  await using all = await failed();
  const { api, list, dead: topic, again } = all;
  const redrive = (wish: object, query = '') =>
    api.post(`/api/letters/redrive${query}`, { topic, ...wish });
  const dry = await redrive({ filter: { key: 'k3' } }, '?dryRun=true');
  expect(dry.body).toMatchObject({
    will: `Puts 1 letter of ${topic} back on the topics of their records.`,
    counts: { 'would be redriven': 1, redriven: 0, 'not chosen': 4 },
  });
  const [first] = (await list()).items.filter(({ key }) => key === 'k1').map(place);
  expect((await redrive({ letters: [first] })).body).toMatchObject({
    counts: { redriven: 1, 'not chosen': 0 },
    missing: [],
    letters: [{ ...first, outcome: 'redriven', key: 'k1' }],
  });
  await until('its record', () => again().length === 1);
  expect(
    (await redrive({ filter: { key: 'k3', condition: 'RetriesExhausted' } })).body.counts,
  ).toMatchObject({
    redriven: 1,
  });
  await until('the second', () => again().length === 2);
  const shown = (await list()).items.filter(({ outcome }) => outcome === 'done before');
  expect(shown.map(({ key }) => key).sort()).toEqual(['k1', 'k3']);
  expect((await redrive({ all: true })).body.counts).toMatchObject({ redriven: 3 });
  await until('the rest', () => again().length === 5);
  expect(again()).toEqual(['0', '1', '2', '3', '4']);
  expect((await redrive({ all: true })).body.counts).toMatchObject({ redriven: 0 });
});

test('a redrive without a choice, or of an unknown topic, is refused and puts nothing back', async () => {
  await using all = await failed();
  const { api, dead: topic, again } = all;
  for (const [wish, status, message] of [
    [{ topic }, 400, /name letters, a filter, or "all": true/],
    [{ topic, all: true, filter: { key: 'k' } }, 400, /leave it out/],
    [{ topic, filter: { since: 'soon' } }, 400, /filter.since "soon" is not a time/],
    [{ topic, letters: [] }, 400, /letters/],
    [{ topic: `${topic}-none`, all: true }, 502, /There is no topic/],
    [{ topic, letters: [{ partition: 99, offset: 0 }] }, 404, /There is no letter 99:0 on /],
    [{ topic, letters: Array(2).fill({ partition: 99, offset: 0 }) }, 404, /no letter 99:0 on /],
  ] as const) {
    const { status: found, body } = await api.post('/api/letters/redrive', wish);
    expect([found, body.error.message]).toEqual([status, expect.stringMatching(message)]);
  }
  expect(again()).toEqual([]);
});
