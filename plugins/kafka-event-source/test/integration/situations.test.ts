import { expect, test } from '@jest/globals';
import type { Mapping } from '../../mapping.ts';
import { act, clientOf } from './acting.ts';
import { Bench, failure, type Handler, until } from './bench.ts';

interface Situation {
  readonly mapping?: (bench: Bench) => Partial<Mapping>;
  readonly handler?: Handler;
  readonly fault?: object;
  /** Happens before the mapping starts. */
  readonly before?: (bench: Bench) => Promise<unknown>;
  /** Happens while the mapping runs. */
  readonly during?: (bench: Bench, api: Awaited<ReturnType<typeof act>>) => Promise<unknown>;
  readonly ask?: object;
  readonly words: RegExp;
}

const one = (bench: Bench) => bench.produceCount(1);
const nowhere = '127.0.0.1:1';
const registry = {
  uri: `http://${nowhere}`,
  eventRecordFormat: 'JSON',
  access: [],
  attributes: ['VALUE'],
} as const;
const provisioned = { pollers: { minimum: 1, maximum: 1 }, maximumRetryAttempts: 0 };

/** Each with the words that name its reason. */
const SITUATIONS: Readonly<Record<string, Situation>> = {
  'the mapping is paused': { mapping: () => ({ enabled: false }), words: /it is disabled/ },
  'the handler throws': {
    handler: () => failure,
    words: /blocked by offset 0.*thrown by the test/,
  },
  'a poison record is before it': {
    handler: ({ records }) =>
      records.some(({ offset }) => offset === 0) ? failure : { body: 'null' },
    mapping: () => ({ batchSize: 1 }),
    during: (bench) => bench.produceCount(2),
    ask: { offset: 1 },
    words: /Offset 1 .* waits behind offset 0: Unhandled: thrown by the test/,
  },
  'the function times out': {
    fault: { kind: 'timeout', count: 100 },
    words: /Task timed out after 6\.00 seconds/,
  },
  'the function is throttled': {
    handler: () => ({ status: 429, body: '{"Message":"Rate Exceeded."}' }),
    words: /status 429: Rate Exceeded/,
  },
  'a fault is set': { fault: { kind: 'throttle', count: 100 }, words: /A fault is set here/ },
  'the function reports the record': {
    mapping: () => ({ reportBatchItemFailures: true }),
    handler: ({ records: [first] }) => {
      const partition = `${first?.topic}-${first?.partition}`;
      const itemIdentifier = { partition, offset: first?.offset };
      return { body: JSON.stringify({ batchItemFailures: [{ itemIdentifier }] }) };
    },
    words: /blocked by offset 0.*reported in batchItemFailures/,
  },
  'the answer cannot be read': {
    mapping: () => ({ reportBatchItemFailures: true }),
    handler: () => ({ body: '{"batchItemFailures":"no"}' }),
    words: /batchItemFailures "no" is not a list/,
  },
  'the function is not there': {
    handler: () => ({ status: 404, body: '{"Message":"Function not found: f"}' }),
    words: /status 404: Function not found/,
  },
  'the endpoint is away': {
    mapping: () => ({ lambdaEndpoint: `http://${nowhere}` }),
    words: /did not reach the function.*ECONNREFUSED/,
  },
  'the filter does not fit': {
    mapping: () => ({ filters: ['{"key":["other"]}'] }),
    words: /filter/,
  },
  'the record is on another topic': {
    ask: { topic: 'no-such-topic' },
    words: /No mapping of this service reads no-such-topic/,
  },
  'the topic is not there': {
    mapping: () => ({ topic: 'no-such-topic' }),
    ask: { topic: 'no-such-topic' },
    words: /there is no topic no-such-topic/,
  },
  'the partition is not there': { ask: { partition: 7 }, words: /has no partition 7/ },
  'the record is not written': {
    ask: { offset: 9 },
    words: /ends at \d.*The record is not written/,
  },
  'a transaction is open': {
    during: async (bench) => {
      const { transaction } = await bench.transaction();
      await transaction.send({ topic: bench.topic, messages: [{ value: 'x', partition: 0 }] });
    },
    words: /an open transaction at offset 0 holds up/,
  },
  'another process has the partition': {
    before: async (bench) => {
      const other = bench.poll(await bench.lambda(() => new Promise(() => undefined)));
      await until('the other member', () => other.condition.partitions !== undefined);
    },
    words: /it has no partitions: 1 other member\(s\) of the group/,
  },
  'it came before the first start': {
    mapping: () => ({ startingPosition: 'LATEST' }),
    before: one,
    during: async () => undefined,
    words: /LATEST: records from before its first start are not delivered/,
  },
  'the schema registry is away': {
    mapping: () => ({ schemaRegistry: registry }),
    during: (bench) =>
      bench.produce([{ value: Buffer.from([0, 0, 0, 0, 1, 2, 120]), partition: 0 }]),
    words: /no schema from its registry.*ECONNREFUSED/,
  },
  'the destination takes nothing': {
    mapping: ({ topic }) => ({
      ...provisioned,
      destination: { kind: 'kafka', topic: `${topic}-none` },
    }),
    handler: () => failure,
    words: /kafka:\/\/\S+-none did not take 1 record/,
  },
  'it was given up without a destination': {
    mapping: () => provisioned,
    handler: () => failure,
    words: /1 record\(s\) were given up and dropped|given up and dropped after/,
  },
  'Kafka is away': {
    mapping: () => ({ bootstrapServers: [nowhere] }),
    words: /Kafka at 127\.0\.0\.1:1 does not answer/,
  },
};

test.concurrent.each(Object.entries(SITUATIONS))(
  'one question to /mcp names the reason: %s',
  async (_, { mapping, handler, fault, before, during = one, ask = {}, words }) => {
    await using bench = new Bench();
    await bench.createTopic();
    await before?.(bench);
    await using api = await act(bench, await bench.lambda(handler), mapping?.(bench));
    if (fault) await api.fault(fault);
    await during(bench, api);
    const { client, call } = await clientOf(api.url);
    const asked = { topic: bench.topic, partition: 0, offset: 0, ...ask };
    let text = '';
    await until(
      String(words),
      async () => {
        text = (await call('explain', asked)).text.replaceAll('\\"', '"').replaceAll('\n', ' ');
        return words.test(text);
      },
      { withinMs: 30_000, seen: () => text },
    );
    await client.close();
    expect(text).toMatch(words);
  },
);
