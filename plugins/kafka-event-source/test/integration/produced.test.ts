import { expect, test } from '@jest/globals';
import { act } from './acting.ts';
import { Bench, KEPT, until } from './bench.ts';

async function begin(partitions: number, config: Record<string, string> = {}) {
  const bench = new Bench();
  await bench.createTopic(partitions, config);
  const lambda = await bench.lambda();
  const api = await act(bench, lambda);
  const dispose = async () => {
    await api[Symbol.asyncDispose]();
    await bench[Symbol.asyncDispose]();
  };
  const received = () => lambda.invocations.flatMap(({ records }) => records);
  return { bench, api, received, [Symbol.asyncDispose]: dispose };
}

test('a record of any bytes is written as it is named, and a copy of it has the same bytes', async () => {
  await using all = await begin(3, KEPT);
  const { bench, api, received } = all;
  const { topic } = bench;
  const bytes = Buffer.from([0, 255, 128, 10]).toString('base64');
  const record = {
    topic,
    encoding: 'base64',
    key: bytes,
    value: bytes,
    headers: [
      ['a', bytes],
      ['b', ''],
      ['a', 'AQ=='],
    ],
    partition: 2,
    timestamp: 1_700_000_000_000,
  };
  const dry = await api.post('/api/records?dryRun=true', record);
  expect(dry.body.will).toMatch(/^Writes one record .* a value of 4 bytes to \S+, partition 2\.$/);
  const { body } = await api.post('/api/records', record);
  expect(body).toEqual({
    records: [{ topic, partition: 2, offset: '0' }],
    partition: 2,
    offset: '0',
  });
  await until('the record', () => received().length === 1);
  const expected = {
    topic,
    partition: 2,
    key: bytes,
    value: bytes,
    headers: [{ a: [0, -1, -128, 10] }, { b: [] }, { a: [1] }],
  };
  expect(received()[0]).toMatchObject({ ...expected, offset: 0, timestamp: 1_700_000_000_000 });
  const copy = await api.post('/api/records', { copyOf: { topic, partition: 2, offset: '0' } });
  expect(copy.body).toMatchObject({ partition: 2, offset: '1' });
  await until('the copy', () => received().length === 2);
  expect(received()[1]).toMatchObject({ ...expected, offset: 1 });
});

test('a text without a partition goes where its key belongs, and a canned event brings all of its records', async () => {
  await using all = await begin(1);
  const { bench, api, received } = all;
  const { topic } = bench;
  await api.post('/api/records', { topic, key: 'k', value: 'Grüße', headers: { h: 'x' } });
  await api.post('/api/records', { topic, key: 'k' });
  expect((await api.post('/api/records', { topic, canned: 'poison' })).body.records).toHaveLength(
    2,
  );
  await until('the records', () => received().length === 4);
  const texts = received().map(({ value }) => value && Buffer.from(value, 'base64').toString());
  expect(texts).toEqual([
    'Grüße',
    undefined,
    expect.stringMatching(/^\{"id/),
    'this is not JSON: {',
  ]);
});

test('a wrong record is refused with its remedy, and nothing is written', async () => {
  await using all = await begin(1, { 'max.message.bytes': '2000' });
  const { bench, api } = all;
  const { topic } = bench;
  for (const [wrong, status, message] of [
    [{ value: 'x' }, 400, /topic: name the topic/],
    [{ topic: `${topic}-none`, value: 'x' }, 404, /create it, or correct its name/],
    [{ topic, value: 'x', partition: 1 }, 400, /has the partitions 0 to 0, and not 1/],
    [{ topic, value: 'ü', encoding: 'base64' }, 400, /value: is not base64/],
    [{ topic, value: 'x'.repeat(10_000) }, 413, /raise its max.message.bytes/],
    [{ copyOf: { topic, partition: 0, offset: 7 } }, 404, /no record at offset 7/],
    [{ topic, valu: 'x' }, 400, /valu/],
    [{ topic, mapping: 'none' }, 400, /no mapping none/],
  ] as const) {
    const { status: found, body } = await api.post('/api/records', wrong);
    expect([found, body.error.message]).toEqual([status, expect.stringMatching(message)]);
  }
  expect((await bench.admin.fetchTopicOffsets(topic))[0]?.high).toBe('0');
});
