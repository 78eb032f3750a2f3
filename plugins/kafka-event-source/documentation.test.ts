import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { COMMANDS } from './commands/commands.ts';
import { optionsSchema } from './options.ts';

const text = readFileSync(new URL('README.md', import.meta.url), 'utf8');
const section = (name: string) => text.split(`## ${name}\n`)[1]?.split('\n## ')[0] ?? '';

test('the table of options has each option, and no other', () => {
  const rows = [...section('Options').matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual(Object.keys(optionsSchema.shape).sort());
});

test('each command is told of, and only options that there are', () => {
  const { commands } = COMMANDS.kafka;
  const told = [...text.matchAll(/^- `sls kafka ([\w-]+)`/gm)].map(([, name = '']) => name);
  expect(told.sort()).toEqual(Object.keys(commands).sort());
  const known = Object.values(commands).flatMap(({ options }) => Object.keys(options));
  const named = [...(section('Commands').split('```sh')[0] ?? '').matchAll(/`--([\w-]+)/g)];
  for (const [, name] of named) expect([...known, 'help']).toContain(name);
});
