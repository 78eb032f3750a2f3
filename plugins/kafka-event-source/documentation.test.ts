import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { COMMANDS } from './commands/commands.ts';
import { optionsSchema } from './options.ts';

const text = readFileSync(new URL('README.md', import.meta.url), 'utf8');
const section = (name: string) => text.split(`## ${name}\n`)[1]?.split('\n## ')[0] ?? '';

test('the table of options has each option, and no others', () => {
  const rows = [...section('Options').matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual(Object.keys(optionsSchema.shape).sort());
});

test('the README names each command, and only existing options', () => {
  const { commands } = COMMANDS.kafka;
  const named = [...text.matchAll(/^- `sls kafka ([\w-]+)`/gm)].map(([, name = '']) => name);
  expect(named.sort()).toEqual(Object.keys(commands).sort());
  const known = Object.values(commands).flatMap(({ options }) => Object.keys(options));
  const used = [...(section('Commands').split('```sh')[0] ?? '').matchAll(/`--([\w-]+)/g)];
  for (const [, name] of used) expect([...known, 'help']).toContain(name);
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
