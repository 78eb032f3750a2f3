import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { buildFunctions } from '../../esbuild.config.ts';
import { lastBuild } from './fresh.ts';

const HANDLER = 'functions/probe/handler.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-fresh-'));
  await mkdir(join(folder, 'functions/probe'), { recursive: true });
  await mkdir(join(folder, 'lib'));
  await writeFile(join(folder, 'lib/word.ts'), `export const word = 'one';`);
  await writeFile(
    join(folder, HANDLER),
    `import { word } from '../../lib/word.ts'; export const handler = async () => word;`,
  );
  await buildFunctions(folder);
  // A build whose files are as young as itself keeps no record: they may have changed meanwhile.
  if (!(await lastBuild(folder, [HANDLER]))) await buildFunctions(folder);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test('with all files as they were, the last build stands', async () => {
  expect(await lastBuild(folder, [HANDLER])).toMatchObject({ folders: ['functions', 'lib'] });
});

test.each([
  [
    'a module of its code is written',
    () => writeFile(join(folder, 'lib/word.ts'), 'export const word = 2;'),
  ],
  ['a bundle is gone', () => rm(join(folder, 'dist/probe/handler.js'))],
  ['a bundle is another', () => writeFile(join(folder, 'dist/probe/handler.js'), '')],
  ['the type of a bundle is gone', () => rm(join(folder, 'dist/probe/package.json'))],
  ['its settings are there now', () => writeFile(join(folder, 'tsconfig.json'), '{}')],
  ['its record is half written', () => writeFile(join(folder, 'dist/.build.json'), '{"build":')],
])('it does not stand when %s', async (_, change) => {
  await change();
  expect(await lastBuild(folder, [HANDLER])).toBeUndefined();
});

test('a file that is written with the same size and the same time is another file', async () => {
  const path = join(folder, 'lib/word.ts');
  const { atime, mtime } = await stat(path);
  await writeFile(path, (await readFile(path, 'utf8')).replace('one', 'two'));
  await utimes(path, atime, mtime);
  expect(await lastBuild(folder, [HANDLER])).toBeUndefined();
});

test('the last build does not stand for another list of functions', async () => {
  expect(await lastBuild(folder, [HANDLER, 'functions/more/handler.ts'])).toBeUndefined();
});

test('a build of one function is no build of all', async () => {
  await rm(join(folder, 'dist'), { recursive: true });
  await buildFunctions(folder, 'probe');
  expect(await lastBuild(folder, [HANDLER])).toBeUndefined();
});
