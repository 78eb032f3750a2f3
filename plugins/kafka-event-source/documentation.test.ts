import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { NAMED } from './commands/commands.ts';
import { optionsSchema } from './options.ts';

const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8');
const text = read('README.md');
const section = (name: string) => text.split(`## ${name}\n`)[1]?.split('\n## ')[0] ?? '';
const pagesOf = (folder: string) =>
  readdirSync(join(import.meta.dirname, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `${folder}/${file}`);
const pages = pagesOf('docs');
const apiPages = pagesOf('docs/api');

test('the table of options has each option, and no others', () => {
  const rows = [...section('Options').matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual(Object.keys(optionsSchema.shape).sort());
});

test('the page of the commands names each command, and only existing options', () => {
  const page = read('docs/commands.md');
  const named = [...page.matchAll(/^- `sls kafka ([\w -]+)`/gm)].map(([, name = '']) => name);
  expect(named.sort()).toEqual(Object.keys(NAMED).sort());
  const known = Object.values(NAMED).flatMap(({ options }) => Object.keys(options));
  const used = [...(page.split('```sh')[0] ?? '').matchAll(/`--([\w-]+)/g)];
  for (const [, name] of used) expect([...known, 'help']).toContain(name);
});

test.each(['README.md', ...pages])('each command that %s names is there', (page) => {
  const known = [...Object.keys(NAMED), 'start', 'broker'];
  const commands = /(?:sls kafka|npx lambda-kafka-event-source) ([a-z][\w-]*)(?: ([a-z]+))?/g;
  for (const [, name = '', next] of read(page).matchAll(commands)) {
    // `record` is a group of commands, and has a help of its own.
    expect([...known, 'record']).toContain(name);
    if (name === 'record' && next) expect(known).toContain(`record ${next}`);
  }
});

test('each symptom has words that the plugin really prints', () => {
  const source = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
    .join('\n');
  const rows = [...section('Symptoms and cures').matchAll(/^\| (.+?) +\| /gm)].map(
    ([, one]) => one,
  );
  const quoted = rows.flatMap((row = '') =>
    [...row.matchAll(/`([^`]+)`/g)].map(([, text]) => text),
  );
  const said = quoted.filter((text = '') => !/^(sls|kill) /.test(text));
  expect(said.length).toBeGreaterThan(6);
  const words = said.flatMap((text = '') => text.split(/ ?… ?/).filter(Boolean));
  expect(words.filter((text) => !source.includes(text))).toEqual([]);
});

test('the example of a panel is the one that the tests run', () => {
  expect(read('docs/panels.md')).toContain(read('test/integration/service/panel.mjs'));
});

test('the README lists each page that is for its readers', () => {
  const listed = [...section('Pages').matchAll(/^\| \[(docs\/\S+\.md)\]\(\1\)/gm)];
  expect(listed.map(([, file]) => file).sort()).toEqual(
    [...pages.filter((file) => file !== 'docs/rows.md'), 'docs/api/README.md'].sort(),
  );
});

test.each(['README.md', ...pages, ...apiPages])(
  'each link of %s leads to a file and its heading',
  (file) => {
    const links = [...read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(
      ([, link = '']) => link,
    );
    const wrong = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(import.meta.dirname, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
    expect(wrong).toEqual([]);
  },
);

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
