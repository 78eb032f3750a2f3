import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { newAccess } from '../control/guard.ts';
import type { View } from '../control/runtime.ts';
import type { Answer } from '../control/server.ts';
import type { Imports } from '../recorder/imports.ts';
import type { Recorder } from '../recorder/types.ts';
import { pageRoute } from './assets.ts';
import { Events } from './events.ts';
import { History } from './history.ts';
import { readRecorded } from './reading.ts';
import { keptToken } from './token.ts';

const access = newAccess();
const get = (path: string) => {
  const { pathname, searchParams } = new URL(path, 'http://localhost');
  return { method: 'GET', path: pathname, query: searchParams, headers: {}, body: Buffer.of() };
};

const memories = (recorder: Recorder | undefined, imports = {}) => ({
  recorder,
  imports: imports as Imports,
});

test('the address with the token leads to the one without it, and leaves the cookie', async () => {
  const route = pageRoute(access);
  const right = (await route(get(`/?token=${access.token}`))) as Answer;
  expect(right).toMatchObject({ status: 303, headers: { location: '/' } });
  expect(right.headers?.['set-cookie']).toContain(access.token);
  const wrong = (await route(get('/?token=wrong'))) as Answer;
  expect(wrong).toMatchObject({ status: 303, headers: { location: '/' } });
  expect(wrong.headers).not.toHaveProperty('set-cookie');
});

test('the page is bundled with its licence, and holds no address of another host', async () => {
  const route = pageRoute(access);
  const files = await Promise.all(
    ['/', '/page.js', '/page.css', '/page.svg'].map(
      async (path) => (await route(get(path))) as Answer,
    ),
  );
  expect(files.map(({ headers }) => headers?.['content-type']?.split(';')[0])).toEqual([
    'text/html',
    'text/javascript',
    'text/css',
    'image/svg+xml',
  ]);
  const [html = '', script = ''] = files.map(({ body }) => String(body));
  expect(html).not.toMatch(/<script(?![^>]* src=)|<style|style=|onclick/);
  expect(script).toContain('The MIT License');
  expect(script.match(/https?:\/\/[\w.]+/g) ?? []).toEqual(
    expect.not.arrayContaining([expect.not.stringMatching(/www\.w3\.org/)]),
  );
  expect(await route(get('/other.js'))).toBeUndefined();
});

test.each([
  ['/api/records', 'cursor=none'],
  ['/api/invocations', 'cursor=99999999999999999999'],
  ['/api/records', 'offset=99999999999999999999'],
])('%s?%s is a fault of the caller', async (path, query) => {
  const found = readRecorded({ path, query: new URLSearchParams(query) }, memories({} as Recorder));
  await expect(found).rejects.toMatchObject({ status: 400 });
});

test('a token is kept for its service alone, for its owner alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kes-token-'));
  const place = { folder, stage: 'local' };
  const token = keptToken(place);
  expect(keptToken(place)).toBe(token);
  expect(keptToken({ folder, stage: 'dev' })).not.toBe(token);
  const file = join(folder, '.kafka-event-source/local.token');
  expect(statSync(file).mode & 0o077).toBe(0);
  rmSync(folder, { recursive: true });
  expect(keptToken({ folder: join(folder, 'gone\0'), stage: 'local' })).toMatch(/^[\w-]{22}$/);
});

test('events of a kind come together: the last five, and the count of all', async () => {
  const events = new Events();
  events.publish('record', { before: 'the page' });
  const { body } = events.connect();
  const stream = body as Readable;
  const text: string[] = [];
  stream.on('data', (chunk: Buffer) => text.push(String(chunk)));
  for (let index = 0; index < 12; index += 1) events.publish('record', index, 10);
  events.publish('fault', undefined);
  while (!text.join('').includes('fault')) await pause(10);
  expect(text.join('')).toContain('event: record\ndata: {"latest":[7,8,9,10,11],"count":120}\n\n');
  expect(text.join('')).toContain('event: fault\n');
  stream.destroy();
  while (events.hasPages) await pause(10);
  events.stop();
});

test('a page that does not read is disconnected', async () => {
  const events = new Events();
  const stream = events.connect().body as Readable;
  const large = 'x'.repeat(600_000);
  while (!stream.destroyed) {
    events.publish('record', large);
    await pause(20);
  }
  expect(events.hasPages).toBe(false);
});

test('the history has the finished records of each sample, over a poller that begins anew', () => {
  const history = new History();
  const view = (succeeded: number) =>
    ({ mapping: { uuid: 'a' }, stats: { succeeded, filtered: 1 } }) as unknown as View;
  const sample = (succeeded: number, at: number, lag: [number, number][]) =>
    history.sample([view(succeeded)], () => new Map(lag), at);
  sample(10, 0, [[0, 5]]);
  sample(14, 2_000, [
    [0, 1],
    [1, 9],
  ]);
  sample(2, 4_000, [[1, 7]]);
  expect(history.of('a')).toEqual({
    at: [0, 2_000, 4_000],
    finished: [0, 4, 3],
    lag: { 0: [5, 1, null], 1: [null, 9, 7] },
  });
  history.sample([], () => new Map(), 6_000);
  expect(history.of('a').at).toEqual([]);
});

test('/api reads the recorder by its query, and says what is wrong with a query', async () => {
  const asked: unknown[] = [];
  const answer = (value: unknown) => (question: unknown) => {
    asked.push(question);
    return Promise.resolve(value);
  };
  const recorder = {
    problem: undefined,
    records: answer({ items: [] }),
    record: answer(undefined),
    invocations: answer({ items: [] }),
    invocation: answer({ id: 'i' }),
  } as unknown as Recorder;
  const ask = (path: string, own: Recorder | undefined = recorder) =>
    readRecorded(get(path), memories(own));
  expect(await ask('/api/records?partition=3&state=done&text=a%20b&limit=200')).toEqual({
    items: [],
  });
  expect(await ask('/api/invocations?state=failed')).toEqual({ items: [] });
  expect(await ask('/api/invocations/a%2Fb')).toEqual({ id: 'i' });
  expect(asked).toEqual([
    { partition: 3, state: 'done', text: 'a b', limit: 200 },
    { state: 'failed' },
    'a/b',
  ]);
  expect(await ask('/api/other')).toBeUndefined();
  const place = '/api/records/m/orders%2Fx/2/123456789012345678';
  await expect(ask(place)).rejects.toMatchObject({ status: 404, code: 'NotFound' });
  expect(asked.at(-1)).toEqual({
    mapping: 'm',
    topic: 'orders/x',
    partition: 2,
    offset: '123456789012345678',
  });
  for (const [query, message] of [
    ['limit=201', 'limit: must be at most 200.'],
    ['limit=0', 'limit: must be at least 1.'],
    ['partition=-1', 'partition: must be at least 0.'],
    ['partition=one', 'partition: must be a number.'],
    ['partition=1.5', 'partition: must be a whole number.'],
    ['from=soon', 'from: must be a number.'],
    ['state=gone', expect.stringMatching(/^state: must be one of "\w+", "\w+", /)],
    ['offset=x', 'offset: must be a number of at most 15 digits.'],
    ['q=1', '"q" is not known here.'],
  ]) {
    const refusal = { status: 400, message };
    await expect(ask(`/api/records?${query}`)).rejects.toMatchObject(refusal);
  }
  const broken = { ...recorder, problem: 'the store is newer' } as Recorder;
  await expect(ask('/api/records', broken)).rejects.toThrow('the store is newer');
  await expect(readRecorded(get('/api/records'), memories(undefined))).rejects.toMatchObject({
    code: 'NotRecorded',
  });
});

test('/api reads an import by its name, which the answer has, also without a recorder', async () => {
  const asked: unknown[] = [];
  const reader = {
    records: async (query: unknown) => {
      asked.push(query);
      return { items: [] };
    },
    invocation: async () => undefined,
  };
  const imports = {
    list: async () => [{ name: 'bug' }],
    of: (name: string) => (name === 'bug' ? reader : undefined),
  };
  const ask = (path: string) => readRecorded(get(path), memories(undefined, imports));
  expect(await ask('/api/imports')).toEqual({ items: [{ name: 'bug' }] });
  expect(await ask('/api/records?state=done&imported=bug')).toEqual({ items: [], imported: 'bug' });
  expect(asked).toEqual([{ state: 'done' }]);
  await expect(ask('/api/records?imported=other')).rejects.toThrow(
    'Nothing is imported under the name other.',
  );
  await expect(ask('/api/invocations/x?imported=bug')).rejects.toMatchObject({ status: 404 });
  await expect(ask('/api/records?imported=bug&q=1')).rejects.toMatchObject({ status: 400 });
  expect(await ask('/api/other?imported=bug')).toBeUndefined();
});
