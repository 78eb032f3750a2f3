import { expect, test } from '@jest/globals';
import type { Mapping } from '../../mapping.ts';
import { findChromium } from '../support/chromium.ts';
import { act, clientOf } from './acting.ts';
import { Bench, failure, type Handler, until } from './bench.ts';
import { createStranger, type Stranger } from './stranger.ts';

interface Situation {
  readonly mapping?: (bench: Bench) => Partial<Mapping>;
  readonly handler?: Handler;
  readonly fault?: object;
  /** Happens before the mapping starts. */
  readonly before?: (bench: Bench) => Promise<unknown>;
  /** Happens while the mapping runs. @returns the end of it */
  readonly during?: (bench: Bench) => Promise<undefined | (() => Promise<unknown>)>;
  readonly ask?: { readonly topic?: string; readonly partition?: number; readonly offset?: number };
  readonly words: RegExp;
  /** The words on the page, where they are others or more. */
  readonly seen?: RegExp;
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
    seen: /waits behind .*offset 0.*thrown by the test/i,
  },
  'the function times out': {
    fault: { kind: 'timeout', count: 100 },
    words: /Task timed out after 6\.00 seconds/,
  },
  'the function is throttled': {
    handler: () => ({ status: 429, body: '{"Message":"Rate Exceeded."}' }),
    words: /status 429: Rate Exceeded/,
  },
  'a fault is set': {
    fault: { kind: 'throttle', count: 100 },
    words: /A fault is set here/,
    seen: /1 fault on purpose.*refused with status 429/i,
  },
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
    seen: /The pattern \{"partition":\[9\]\} does not match/i,
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
    words: /it has no partitions: they belong to \d other members? of the group/,
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
    words: /has given up and dropped 1 record|given up and dropped after/,
    seen: /given up and dropped.*thrown by the test/i,
  },
  'Kafka is away': {
    mapping: () => ({ bootstrapServers: [nowhere] }),
    words: /Kafka at 127\.0\.0\.1:1 does not answer/,
  },
};

interface Explained {
  /** The last answer of /mcp, if it lacks the words. */
  readonly answer?: string;
  /** The text that a stranger has seen on the page, if it lacks the words. */
  readonly page?: string;
}

/** Asks until the answer has the words, and lets a stranger look for them on the page. */
async function explained(
  { words, ask = {}, seen = new RegExp(words, 'i'), ...situation }: Situation,
  stranger: Stranger | undefined,
): Promise<Explained> {
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
    const place = { topic: bench.topic, partition: 0, offset: 0, ...ask };
    const page = await stranger?.look(api.page, place, seen);
    return page === undefined ? {} : { page };
  } catch (error) {
    return { answer: `${error}: ${text}` };
  } finally {
    await client.close();
    await end?.();
  }
}

const explanations: Promise<(readonly [name: string, explained: Explained])[]> = (async () => {
  await using stranger = findChromium() ? await createStranger() : undefined;
  return await Promise.all(
    Object.entries(SITUATIONS).map(
      async ([name, one]) => [name, await explained(one, stranger)] as const,
    ),
  );
})();

test('one question to /mcp names the reason, in each situation', async () => {
  expect(Object.keys(SITUATIONS).length).toBeGreaterThan(20);
  const found = await explanations;
  expect(found.filter(([, { answer }]) => answer !== undefined)).toEqual([]);
});

test('a stranger finds the reason on the page by three clicks at most, in each situation', async () => {
  const found = await explanations;
  expect(found.filter(([, { page }]) => page !== undefined)).toEqual([]);
});
