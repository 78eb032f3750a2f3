import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { noticesOf } from './notices.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-notices-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function install(path: string, files: Record<string, string>, license = 'MIT') {
  const name = path.split('node_modules/').at(-1);
  const all = {
    'package.json': JSON.stringify({ name, version: '1.2.3', license, author: 'An Author' }),
    ...files,
  };
  for (const [file, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path, file)), { recursive: true });
    await writeFile(join(folder, path, file), text);
  }
}

async function notices(...inputs: string[]): Promise<string> {
  const used = Object.fromEntries(inputs.map((input) => [input, { bytesInOutput: 1 }]));
  const output = { bytes: 1, inputs: used, imports: [], exports: [] };
  const outputs = { 'dist/a/handler.js': output, 'dist/a/handler.js.map': output };
  const found = await noticesOf({ inputs: {}, outputs }, folder);
  expect([...found.keys()]).toEqual([join(folder, 'dist/a')]);
  return found.get(join(folder, 'dist/a')) ?? '';
}

test('a package is named with version, licence and author, with its licence and its notice', async () => {
  await install('node_modules/@s/one', { LICENSE: 'Terms of one', 'NOTICE.md': 'Notice of one' });
  const text = await notices('lib/own.ts', 'node_modules/@s/one/dist/a.js', 'trim-x:@s/two');
  expect(text).toContain('\n@s/one 1.2.3 (MIT), by An Author\n\nTerms of one\n\nNotice of one\n');
  expect(text).not.toContain('two');
});

test('a text that packages share stands there once, below all their names', async () => {
  for (const name of ['b', 'a']) await install(`node_modules/${name}`, { 'licence.txt': 'Same' });
  const text = await notices('node_modules/b/i.js', 'node_modules/a/i.js', 'node_modules/a/j.js');
  expect(text).toContain('\na 1.2.3 (MIT), by An Author\nb 1.2.3 (MIT), by An Author\n\nSame\n');
  expect(text.match(/Same/g)).toHaveLength(1);
});

test('of a package within a package the inner one counts', async () => {
  await install('node_modules/out', { LICENSE: 'Outer' });
  await install('node_modules/out/node_modules/in', { COPYING: 'Inner' });
  const text = await notices('node_modules/out/node_modules/in/i.js');
  expect(text).toContain('Inner');
  expect(text).not.toContain('Outer');
});

test('a package without the text of a licence fails, by its name', async () => {
  await install('node_modules/bare', { NOTICE: 'only a notice' });
  await expect(notices('node_modules/bare/i.js')).rejects.toThrow('bare 1.2.3 (MIT) is bundled');
});

test('a text from a repository counts only while the package says the same licence', async () => {
  await install('node_modules/@middy/core', {});
  expect(await notices('node_modules/@middy/core/i.js')).toContain('Middy contributors');
  await install('node_modules/@middy/core', {}, 'BUSL-1.1');
  await expect(notices('node_modules/@middy/core/i.js')).rejects.toThrow('(BUSL-1.1) is bundled');
});
