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
  /** Happens while the mapping runs. @returns the end of it */
  readonly during?: (bench: Bench) => Promise<undefined | (() => Promise<unknown>)>;
  readonly ask?: object;
  readonly words: RegExp;
}

async function one(bench: Bench) {
  await bench.produceCount(1);
  return undefined;
}
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
    during: async (bench) => {
      await bench.produceCount(2);
      return undefined;
    },
    ask: { offset: 1 },
    words: /waits behind offset 0 .*thrown by the test/,
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
    mapping: () => ({ filters: ['{"partition":[9]}'] }),
    words: /filtered out, so no function gets it/,
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
      const { producer, transaction } = await bench.transaction();
      await transaction.send({ topic: bench.topic, messages: [{ value: 'x', partition: 0 }] });
      return async () => {
        await transaction.abort();
        await producer.disconnect();
      };
    },
    words: /an open transaction at offset 0 holds up/,
  },
  'another process has the partition': {
    before: async (bench) => {
      // The only partition goes to the first member by name.
      const other = bench.poll(await bench.lambda(), { name: 'a' });
      await until('the other member', () => other.condition.partitions !== undefined);
    },
    words: /it has no partitions: \d other member\(s\) of the group/,
  },
  'it came before the first start': {
    mapping: () => ({ startingPosition: 'LATEST' }),
    before: one,
    during: async () => undefined,
    words: /LATEST: records from before its first start are not delivered/,
  },
  'the schema registry is away': {
    mapping: () => ({ schemaRegistry: registry }),
    during: async (bench) => {
      await bench.produce([{ value: Buffer.from([0, 0, 0, 0, 1, 2, 120]), partition: 0 }]);
      return undefined;
    },
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

/** Asks until the answer has the words. @returns the last answer if they do not come */
async function unexplained({
  words,
  ask = {},
  ...situation
}: Situation): Promise<string | undefined> {
  const { mapping, handler, fault, before, during = one } = situation;
  await using bench = new Bench();
  await bench.createTopic();
  await before?.(bench);
  await using api = await act(bench, await bench.lambda(handler), mapping?.(bench));
  if (fault) await api.fault(fault);
  const end = await during(bench);
  const { client, call } = await clientOf(api.url);
  let text = '';
  const isNamed = async () => {
    const asked = { topic: bench.topic, partition: 0, offset: 0, ...ask };
    text = (await call('explain', asked)).text.replaceAll('\\"', '"').replaceAll('\n', ' ');
    return words.test(text);
  };
  try {
    await until(String(words), isNamed, { withinMs: 30_000 });
    return undefined;
  } catch (error) {
    return `${error}: ${text}`;
  } finally {
    await client.close();
    await end?.();
  }
}

test('one question to /mcp names the reason, in each situation', async () => {
  const names = Object.keys(SITUATIONS);
  const answers = await Promise.all(
    Object.values(SITUATIONS).map(async (one, index) => [names[index], await unexplained(one)]),
  );
  expect(names.length).toBeGreaterThan(20);
  expect(answers.filter(([, answer]) => answer !== undefined)).toEqual([]);
});
