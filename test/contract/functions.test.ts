import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { functionsInYml, ROOT } from '../support/root.ts';

const FIELDS = ['Trigger', 'Input', 'Answers', 'Writes', 'Publishes', 'Safe to repeat because'];
/** They take no input that could be refused. */
const WITHOUT_REFUSAL = ['health', 'relayOutbox', 'sendDeferred'];

/** The functions that have two operations: the function of the one that is not named like it. */
const FUNCTION_OF: Record<string, string> = { openapi: 'docs', showUnsubscribe: 'unsubscribe' };

const functions = Object.entries(functionsInYml());
const samples = await readdir(join(ROOT, 'events'));
const documentation = await readFile(join(ROOT, 'docs/functions.md'), 'utf8');
const readme = await readFile(join(ROOT, 'README.md'), 'utf8');

test('every folder of functions/ is a function, and every function has its folder', async () => {
  const folders = await readdir(join(ROOT, 'functions'));
  expect(folders.toSorted()).toEqual(functions.map(([name]) => name).toSorted());
});

test.each(functions)(
  '%s has its handler, its samples and its documentation',
  async (name, { handler }) => {
    expect(handler).toBe(`dist/${name}/handler.handler`);
    const file = join(ROOT, 'functions', name, 'handler.ts');
    expect(existsSync(file)).toBe(true);

    expect(samples).toContain(`${name}.json`);
    const refused = samples.filter(
      (sample) => sample.startsWith(`${name}.`) && sample !== `${name}.json`,
    );
    expect(refused.length > 0 || WITHOUT_REFUSAL.includes(name)).toBe(true);

    const source = await readFile(file, 'utf8');
    const [, block = ''] = /\/\*\*\n( \* .*(?:\n \*.*)*)\n \*\//.exec(source) ?? [];
    const said = FIELDS.map((field) => new RegExp(`^ \\* ${field}: (.+)$`, 'm').exec(block)?.[1]);
    expect(said).not.toContain(undefined);

    const section = documentation.split(/^## /m).find((text) => text.startsWith(`${name}\n`)) ?? '';
    const inDocs = FIELDS.map((field) => new RegExp(`^- ${field}: (.+)$`, 'm').exec(section)?.[1]);
    const plain = (texts: (string | undefined)[]) =>
      texts.map((text) => text?.replaceAll(/\{@link (\w+)\}/g, '$1').replaceAll('`', ''));
    expect(plain(inDocs)).toEqual(plain(said));
  },
);

test('the table of functions in the README has every function', () => {
  const rows = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(expect.arrayContaining(functions.map(([name]) => name)));
});

test.each(samples.map((sample) => [sample]))(
  'the sample %s is named after a function',
  async (sample) => {
    const [name = ''] = sample.split('.');
    expect(functions.map(([known]) => known)).toContain(name);
    JSON.parse(await readFile(join(ROOT, 'events', sample), 'utf8'));
  },
);

test('the routes of serverless.yml are those of the code, each under the function of its operation', () => {
  const inYml = functions.flatMap(([name, { events }]) =>
    events.flatMap(({ httpApi }) => (httpApi && httpApi !== '*' ? [[httpApi, name]] : [])),
  );
  const inCode = Object.entries(OPERATIONS).map(([route, { id }]) => [
    route,
    FUNCTION_OF[id] ?? id,
  ]);
  expect(inYml.toSorted()).toEqual(inCode.toSorted());
});
