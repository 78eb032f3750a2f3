import { expect, test } from '@jest/globals';
import { askOf } from '../../actions/ask.ts';
import { mcpRoute } from '../../actions/mcp.ts';
import { type Access, newAccess } from '../../control/guard.ts';
import { type Answer, type Route, startServer } from '../../control/server.ts';
import type { Recorder } from '../../recorder/types.ts';
import { act, clientOf } from './acting.ts';
import { Bench } from './bench.ts';

const mapping = {
  name: 'notify (orders)',
  uuid: 'm',
  topic: 'orders',
  state: 'Enabled',
  partitions: [
    { partition: 0, committed: 5, end: 9, blocked: { offset: 5, reason: 'thrown by the handler' } },
  ],
  why: ['partition 0 is blocked by offset 5 after 3 attempts: thrown by the handler'],
};
const filteredOut = {
  mapping: 'm',
  topic: 'orders',
  partition: 0,
  offset: '7',
  state: 'filteredOut',
  attempts: 0,
  why: 'No filter matches: the pattern {"value":{"type":["A"]}} wants another type.',
  headers: [['h', { base64: 'eA==', size: 1 }]],
  value: { base64: Buffer.from('Grüße').toString('base64'), size: 7 },
  events: [],
};

/** A server with `/mcp` over routes and a recorder of the test, and a client of it. */
async function connect({
  allowChanges = false,
  access,
}: {
  allowChanges?: boolean;
  access?: Access;
} = {}) {
  const calls: { method: string; path: string; body: unknown; dryRun: string | null }[] = [];
  const api: Route = ({ method, path, body, query }): Answer | undefined => {
    if (!path.startsWith('/api/')) return undefined;
    if (path === '/api/mappings') return { status: 200, body: { mappings: [mapping] } };
    if (method === 'GET' && path === '/api/faults') return { status: 200, body: { items: [] } };
    const given = body.length > 0 ? JSON.parse(String(body)) : undefined;
    calls.push({ method, path, body: given, dryRun: query.get('dryRun') });
    if (path.includes('gone')) {
      return { status: 404, body: { error: { code: 'NoSuchInvocation', message: 'It is gone.' } } };
    }
    return { status: 200, body: { done: true } };
  };
  const recorder = {
    record: async ({ offset }: { offset: string }) => (offset === '7' ? filteredOut : undefined),
    records: async ({ key }: { key?: string }) => ({ items: key === 'k' ? [filteredOut] : [] }),
    invocation: async () => ({
      id: 'i',
      payload: 'x'.repeat(30_000),
      logs: [{ line: 'hello' }],
      recordIds: Array.from({ length: 300 }, (_, offset) => ({ offset: String(offset) })),
    }),
    spansOf: async () => ({ spans: [{ name: 'query', events: [{}], links: [] }] }),
    trace: async (id: string) =>
      id === 't' ? { traceId: id, spans: [], records: [filteredOut], invocations: [] } : undefined,
  } as unknown as Recorder;
  const routes: Route[] = [api];
  routes.push(
    mcpRoute({ recorder, ask: askOf(() => routes), allowChanges: () => allowChanges, access }),
  );
  const server = await startServer(0, { folder: crypto.randomUUID(), stage: 'test' }, routes);
  const { client, call } = await clientOf(
    server.url,
    access && { authorization: `Bearer ${access.token}` },
  );
  const dispose = async () => {
    await client.close();
    await server.close();
  };
  return { client, call, calls, url: server.url, [Symbol.asyncDispose]: dispose };
}

test('a client finds the tools, and which of them change something', async () => {
  await using all = await connect();
  const { tools } = await all.client.listTools();
  const changing = tools.filter(({ annotations }) => !annotations?.readOnlyHint);
  expect(changing.map(({ name }) => name)).toEqual([
    'run_again',
    'redrive',
    'set_fault',
    'end_faults',
  ]);
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'list_mappings',
      'list_records',
      'list_invocations',
      'list_letters',
      'explain',
    ]),
  );
  expect((await all.call('list_mappings')).body.mappings).toEqual([mapping]);
});

test('a record is shown as text, and a long event and a long list of records are cut', async () => {
  await using all = await connect();
  const place = { mapping: 'm', topic: 'orders', partition: 0, offset: 7 };
  expect((await all.call('get_record', place)).body).toMatchObject({
    value: 'Grüße',
    headers: [['h', 'x']],
  });
  const { body } = await all.call('get_invocation', { id: 'i' });
  expect(body.payload).toMatch(/^x{20000}… \(30000 characters\)$/);
  expect(body.logs).toEqual(['hello']);
  expect(body.spans).toEqual([{ name: 'query' }]);
  expect([body.recordIds.length, body.recordIds[0]]).toEqual([100, { offset: '0' }]);
});

test('a trace is shown with its records, and an unknown one is said to be unknown', async () => {
  await using all = await connect();
  expect((await all.call('get_trace', { id: 't' })).body).toMatchObject({
    traceId: 't',
    records: [{ offset: '7' }],
  });
  const { isError, text } = await all.call('get_trace', { id: 'no' });
  expect([isError, text]).toEqual([true, 'NoSuchTrace: There is no trace no: see list_traces.']);
});

test.each([
  [
    'a record that is filtered out',
    { topic: 'orders', partition: 0, offset: 7 },
    /No filter matches/,
  ],
  [
    'a record behind a poison one',
    { topic: 'orders', partition: 0, offset: 6 },
    /waits behind offset 5/,
  ],
  ['a record of another topic', { topic: 'order' }, /No mapping of this service reads order/],
  ['a record that is not there', { topic: 'orders', partition: 0, offset: 9 }, /ends at 9/],
  [
    'a record that is done',
    { topic: 'orders', partition: 0, offset: 4 },
    /before the committed offset 5/,
  ],
  [
    'a partition that is not there',
    { topic: 'orders', partition: 3, offset: 0 },
    /has no partition 3/,
  ],
  ['a key', { key: 'k' }, /No filter matches/],
  ['a key that nobody has read', { key: 'other' }, /No mapping has read a record with the key/],
  ['a mapping', {}, /partition 0 is blocked by offset 5/],
])('explain says why: %s', async (_, input, words) => {
  await using all = await connect();
  const { text, isError } = await all.call('explain', input);
  expect([isError, text.replaceAll('\\"', '"')]).toEqual([false, expect.stringMatching(words)]);
});

test('without the setting only dry runs of changes pass; with it all do', async () => {
  const again = { id: 'i/1', mode: 'same' };
  {
    await using all = await connect();
    const refused = await all.call('run_again', again);
    expect([refused.isError, refused.text]).toEqual([
      true,
      expect.stringMatching(/^ChangesNotAllowed: .*console\.allowChanges/),
    ]);
    expect((await all.call('run_again', { ...again, dryRun: true })).isError).toBe(false);
    expect(all.calls).toEqual([
      {
        method: 'POST',
        path: '/api/invocations/i%2F1/again',
        body: { mode: 'same' },
        dryRun: 'true',
      },
    ]);
  }
  await using all = await connect({ allowChanges: true });
  expect((await all.call('run_again', again)).body).toEqual({ done: true });
  expect((await all.call('set_fault', { mapping: 'm', kind: 'fail' })).isError).toBe(false);
  expect((await all.call('redrive', { topic: 'dlq', all: true })).isError).toBe(false);
  expect((await all.call('end_faults')).isError).toBe(false);
  expect(all.calls.map(({ path, dryRun }) => [path, dryRun])).toEqual([
    ['/api/invocations/i%2F1/again', null],
    ['/api/faults', null],
    ['/api/letters/redrive', null],
    ['/api/faults', null],
  ]);
  const gone = await all.call('run_again', { id: 'gone', mode: 'same' });
  expect([gone.isError, gone.text]).toEqual([true, 'NoSuchInvocation: It is gone.']);
  expect((await all.call('set_fault', { mapping: 'm', kind: 'explode' })).isError).toBe(true);
});

test('other requests are refused in words', async () => {
  await using all = await connect();
  expect((await fetch(`${all.url}/mcp`)).status).toBe(405);
  const broken = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } };
  expect((await fetch(`${all.url}/mcp`, broken)).status).toBe(400);
  // A page of another site may send this without asking first.
  const headers = { 'content-type': 'text/plain', accept: 'application/json, text/event-stream' };
  const plain = { method: 'POST', body: '{}', headers };
  expect((await fetch(`${all.url}/mcp`, plain)).status).toBe(415);
});

test('where other machines reach the server, the token is needed', async () => {
  await using all = await connect({ access: newAccess() });
  expect((await all.call('list_mappings')).isError).toBe(false);
  await expect(clientOf(all.url)).rejects.toThrow(/TokenMissing/);
});

test('a running engine explains a paused mapping and its fault, and is read-only', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await using api = await act(bench, await bench.lambda(), { enabled: false });
  await bench.produceCount(2);
  await api.fault({ kind: 'throttle', count: 3 });
  const { client, call } = await clientOf(api.url);
  const { topic } = bench;
  const { body } = await call('explain', { topic, partition: 0, offset: 1 });
  expect(body).toMatchObject([{ mapping: 'test', state: 'Disabled' }]);
  expect(body[0].because.join(' ')).toMatch(
    /A fault is set here: Each of the next 3 invocations of test is refused .*it is disabled/,
  );
  expect((await call('list_letters')).body).toEqual({ items: [] });
  expect((await call('end_faults')).text).toMatch(/^ChangesNotAllowed/);
  const dry = await call('run_again', { id: 'none', mode: 'same', dryRun: true });
  expect(dry.text).toMatch(/^(NoSuchInvocation|NotRecorded)/);
  await client.close();
});
