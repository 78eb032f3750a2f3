import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newAccess, refusalOf } from '../control/guard.ts';
import type { Answer } from '../control/server.ts';
import { readOptions } from '../options.ts';
import type { RecorderReader } from '../recorder/types.ts';
import type { Panel, PanelView } from './panel.ts';
import { loadPanels, panelsRoute } from './panels.ts';

const EXAMPLE = join(import.meta.dirname, '../test/integration/service/panel.mjs');
const context = { service: 'shop', stage: 'local', region: 'us-east-1', recorder: undefined };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-panels-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a module, and loads it with others. */
async function load(modules: Record<string, string>, more: object[] = []) {
  for (const [name, code] of Object.entries(modules)) await writeFile(join(folder, name), code);
  const given = Object.keys(modules).map((module) => ({ module: `./${module}` }));
  const { panels } = readOptions({ console: { panels: [...given, ...more] } }).console;
  const warnings: string[] = [];
  const loaded = await loadPanels(panels, { ...context, folder }, (text) => warnings.push(text));
  return { loaded, warnings };
}

const ask = (panels: Panel[] | ReadonlyMap<string, Panel>, path: string) => {
  const all = Array.isArray(panels) ? new Map(panels.map((one) => [one.name, one])) : panels;
  const { pathname, searchParams } = new URL(path, 'http://localhost');
  const request = { path: pathname, query: searchParams, headers: {}, body: Buffer.of() };
  return panelsRoute(Promise.resolve(all))({ method: 'GET', ...request }) as Promise<Answer>;
};

const panelOf = (changes: Partial<Panel>): Panel => ({
  name: 'baskets',
  title: 'Baskets',
  inputs: [{ name: 'basket', label: 'Basket id' }],
  read: () => ({ title: 'Baskets', sections: [] }),
  ...changes,
});

test('a module makes a panel with its settings, and the list says what the page needs', async () => {
  const { loaded, warnings } = await load({}, [{ module: EXAMPLE, settings: { topic: 'shop' } }]);
  expect(warnings).toEqual([]);
  expect((await ask(loaded, '/api/panels')).body).toEqual([
    {
      name: 'baskets',
      title: 'Baskets',
      said: 'The path of one basket.',
      inputs: [{ name: 'basket', label: 'Basket id' }],
      records: { topics: ['shop'], key: 'basket' },
    },
  ]);
  expect((await ask(loaded, '/api/panels/baskets')).body).toMatchObject({ title: 'Baskets' });
});

test('a module that makes no panel is left out with a warning, and the others are there', async () => {
  const good = "{ name: 'good', title: 'Good', inputs: [], read: () => ({}) }";
  const { loaded, warnings } = await load(
    {
      'throws.mjs': "throw new Error('no database');",
      'empty.mjs': 'export const other = 1;',
      'wrong.mjs': "export const createPanel = () => ({ name: 'No', title: '', read: 1 });",
      'good.mjs': `export const createPanel = async () => (${good});`,
      'again.mjs': `export const createPanel = () => (${good});`,
    },
    [{ module: './gone.mjs' }],
  );
  expect([...loaded.keys()]).toEqual(['good']);
  expect(warnings.map((text) => text.replaceAll(/\s+/g, ' '))).toEqual([
    expect.stringMatching(/no panel of \.\/throws\.mjs: no database/),
    expect.stringMatching(/\.\/empty\.mjs: it exports no function "createPanel"/),
    expect.stringMatching(/\.\/wrong\.mjs: .*name.*must be a function.* read/),
    expect.stringMatching(/\.\/again\.mjs: the name good is taken/),
    expect.stringMatching(/\.\/gone\.mjs: .*gone\.mjs/),
  ]);
});

test.each([
  ['/api/panels/other', 404, 'There is no panel "other"'],
  ['/api/panels/baskets?order=1', 400, 'no input "order"'],
  [`/api/panels/baskets?basket=${'x'.repeat(1_001)}`, 400, '1000 characters at most'],
  ['/api/panels/baskets/frame?text=a', 404, 'has no such preview'],
])('%.40s is a fault of the caller', async (path, status, words) => {
  const answer = await ask([panelOf({})], path);
  expect([answer.status, JSON.stringify(answer.body)]).toEqual([
    status,
    expect.stringContaining(JSON.stringify(words).slice(1, -1)),
  ]);
});

test('an error and a wrong view of a panel are its own faults, and are told', async () => {
  const throws = panelOf({ read: () => Promise.reject(new Error('no table')) });
  expect(await ask([throws], '/api/panels/baskets')).toMatchObject({
    status: 500,
    body: { error: { code: 'PanelFailed', message: expect.stringContaining('no table') } },
  });
  const link = { url: 'javascript:alert(1)' };
  const view = { title: '', sections: [{ title: '', steps: [{ title: { text: '', link } }] }] };
  const wrong = panelOf({ read: () => view as unknown as PanelView });
  expect(await ask([wrong], '/api/panels/baskets')).toMatchObject({
    status: 500,
    body: { error: { message: expect.stringContaining('sections[0].steps[0].title') } },
  });
});

test('a frame may neither run scripts nor load anything, and only the page may show it', async () => {
  const panel = panelOf({ frame: ({ text }) => `<p>${text}</p><script>alert(1)</script>` });
  const { headers, body } = await ask([panel], '/api/panels/baskets/frame?text=a');
  expect(String(body)).toBe('<p>a</p><script>alert(1)</script>');
  const policy = headers?.['content-security-policy']?.split('; ');
  expect(policy).toEqual(
    expect.arrayContaining(["default-src 'none'", "frame-ancestors 'self'", 'sandbox']),
  );
  expect(policy?.filter((one) => one.startsWith('script-src'))).toEqual([]);
});

test.each(['/api/panels', '/api/panels/orders', '/api/panels/orders/frame'])(
  '%s needs the token, and is not for pages of another origin',
  (path) => {
    const access = newAccess();
    const asked = { method: 'GET', path, query: new URLSearchParams() };
    const host = 'localhost:3004';
    const authorization = `Bearer ${access.token}`;
    expect(refusalOf({ ...asked, headers: { host } }, access)?.status).toBe(401);
    const foreign = { host, authorization, origin: 'https://example.com' };
    expect(refusalOf({ ...asked, headers: foreign }, access)?.status).toBe(403);
    expect(refusalOf({ ...asked, headers: { host, authorization } }, access)).toBeUndefined();
  },
);

test('the example reads the recorder', async () => {
  const item = { partition: 1, offset: '7', mapping: 'm', state: 'done', seenAt: 5 };
  const recorder = { records: async () => ({ items: [item] }) } as unknown as RecorderReader;
  const { panels } = readOptions({
    console: { panels: [{ module: EXAMPLE, settings: { topic: 'shop' } }] },
  }).console;
  const loaded = await loadPanels(panels, { ...context, recorder, folder }, () => undefined);
  expect((await ask(loaded, '/api/panels/baskets?basket=b-1')).body).toMatchObject({
    title: 'Basket b-1',
    sections: [{ steps: [{ title: { text: 'shop 1:7' }, state: { tone: 'ok' } }] }],
  });
});
