/** Private values are in no answer of `/api`, in none of its events, and in none of `/mcp`. */
import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { TOOLS } from '../../actions/tools.ts';
import type { Mapping } from '../../mapping.ts';
import { act, clientOf } from './acting.ts';
import { Bench, type Handler, until } from './bench.ts';

const ADDRESS = 'anna.planted@private.example';
/** In no record, so that a pattern alone can know it. */
const TICKET = 'ticket-4711-secret';
const options = { recorder: { private: ['$.contact', 'x-contact', '/ticket-\\d+-secret/'] } };

const record = {
  key: JSON.stringify({ id: 7, contact: ADDRESS }),
  value: JSON.stringify({ orderId: 'o-7', contact: ADDRESS }),
  headers: { 'x-contact': ADDRESS },
};
const refuse: Handler = () => ({
  functionError: 'Unhandled',
  body: JSON.stringify({ errorMessage: `no mail to ${ADDRESS} (${TICKET})`, errorType: 'Error' }),
});

type Answers = readonly (readonly [path: string, text: string])[];

/** The answers with a private value, as it stands or within base64. */
function leakingOf(answers: Answers): Answers {
  const isPrivate = (text: string) => text.includes(ADDRESS) || text.includes(TICKET);
  const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8');
  return answers.filter(
    ([, text]) =>
      isPrivate(text) ||
      (text.match(/[A-Za-z0-9+/]{16,}={0,2}/g) ?? []).some((one) => isPrivate(decoded(one))),
  );
}

/** The last answer of a path. */
function textOf(answers: Answers, wanted: string): string | undefined {
  return answers.findLast(([path]) => path === wanted)?.[1];
}

// biome-ignore lint/suspicious/noExplicitAny: each path has another answer.
type Get = (path: string) => Promise<any>;

interface Asked {
  readonly mapping: Partial<Mapping>;
  /** The topic of its dead letters. */
  readonly letters?: string;
  /** Whether there is enough to be asked about. */
  readonly isReady: (get: Get) => Promise<boolean>;
  /** Other requests that are made. */
  readonly posts: (id: string) => readonly (readonly [path: string, body: object])[];
}

async function answersOf(bench: Bench, { mapping, letters, isReady, posts }: Asked) {
  const lambda = await bench.lambda(refuse);
  await using api = await act(bench, lambda, mapping, options);
  const answers: [path: string, text: string][] = [];
  const get: Get = async (path) => {
    const { body } = await api.get(path);
    answers.push([path, JSON.stringify(body)]);
    return body;
  };
  const stream = await fetch(`${api.url}/api/events`, {
    headers: { authorization: api.authorization },
  });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let events = '';
  void (async () => {
    for (let part = await reader?.read(); !part?.done; part = await reader?.read()) {
      events += part?.value ?? '';
    }
  })().catch(() => undefined);
  await bench.produce([record]);
  await until('the failure', () => isReady(get));
  // The recorder writes an invocation a moment after its end.
  await until('the invocation', async () => (await get('/api/invocations')).items.length > 0);
  const { items: invocations } = await get('/api/invocations');
  const [{ id }] = invocations;
  await get(`/api/invocations/${id}`);
  const { topic } = bench;
  await get('/api/records');
  await get(`/api/records/${api.uuid}/${topic}/0/0`);
  for (const path of ['mappings', 'letters', 'faults', 'imports', 'panels']) {
    await get(`/api/${path}`);
  }
  for (const [path, body] of posts(id)) {
    answers.push([`POST ${path}`, JSON.stringify((await api.post(path, body)).body)]);
  }
  const { client, call } = await clientOf(api.url);
  const place = { mapping: api.uuid, topic, partition: 0, offset: 0 };
  const inputs: Record<string, Record<string, unknown>> = {
    get_record: place,
    get_invocation: { id },
    run_again: { id, mode: 'same', dryRun: true },
    redrive: { topic: letters ?? topic, all: true, dryRun: true },
    set_fault: { mapping: api.uuid, kind: 'fail', dryRun: true },
    end_faults: { dryRun: true },
  };
  for (const name of Object.keys(TOOLS)) {
    answers.push([name, (await call(name, inputs[name])).text]);
  }
  answers.push(['explain', (await call('explain', place)).text]);
  await client.close();
  await until('the events', () => events.includes('event: invocation'));
  answers.push(['/api/events', events]);
  return answers;
}

test('no answer has a private value of a record that blocks its partition', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const answers = await answersOf(bench, {
    mapping: {},
    isReady: async (get) => {
      const { mappings } = await get('/api/mappings');
      return mappings[0].partitions[0]?.blocked !== undefined;
    },
    posts: (id) => [
      [`/api/invocations/${id}/again`, { mode: 'same' }],
      ['/api/records?dryRun=true', { copyOf: { topic: bench.topic, partition: 0, offset: 0 } }],
    ],
  });
  const text = textOf(answers, '/api/mappings');
  expect(text).toContain('blocked by offset 0');
  expect(text).toContain('no mail to [private] ([private])');
  expect(leakingOf(answers)).toEqual([]);
});

test('no answer has a private value of a dead letter', async () => {
  await using bench = new Bench();
  await using letters = new Bench();
  await Promise.all([bench.createTopic(), letters.createTopic()]);
  const { topic } = letters;
  const answers = await answersOf(bench, {
    letters: topic,
    mapping: {
      groupId: randomUUID(),
      pollers: { minimum: 1, maximum: 1 },
      maximumRetryAttempts: 0,
      destination: { kind: 'kafka', topic },
    },
    isReady: async (get) => (await get('/api/letters')).items.length === 1,
    posts: () => [
      ['/api/letters/redrive?dryRun=true', { topic, all: true }],
      ['/api/letters/redrive', { topic, all: true }],
    ],
  });
  expect(textOf(answers, '/api/letters')).toContain('no mail to [private] ([private])');
  expect(textOf(answers, 'POST /api/letters/redrive')).toContain('"redriven":1');
  expect(leakingOf(answers)).toEqual([]);
});
