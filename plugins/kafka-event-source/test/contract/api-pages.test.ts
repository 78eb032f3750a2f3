/** The pages of docs/api are those that the published types give now, and every published name has a comment. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MODULES, ROOT } from '../support/root.ts';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-api-pages-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** Writes the pages of a package's folder. The first run installs TypeDoc. */
const write = (root: string, out: string) =>
  run(process.execPath, [join(root, 'api-pages/main.ts'), '--out', out], { timeout: 100_000 });

async function pagesIn(place: string): Promise<Record<string, string>> {
  const files = await readdir(place);
  const entries = files.map(async (file) => [file, await readFile(join(place, file), 'utf8')]);
  return Object.fromEntries(await Promise.all(entries));
}

test('npm run docs would change no page', async () => {
  const out = join(folder, 'out');
  await write(ROOT, out);
  expect(await pagesIn(out)).toEqual(await pagesIn(join(ROOT, 'docs/api')));
});

test('a published name without a comment is an error that names it', async () => {
  const root = join(folder, 'package');
  await mkdir(join(root, 'testing'), { recursive: true });
  await symlink(MODULES, join(root, 'node_modules'));
  for (const path of ['api-pages', 'index.d.mts', 'package.json']) {
    await cp(join(ROOT, path), join(root, path), { recursive: true });
  }
  const types = await readFile(join(ROOT, 'testing/types.ts'), 'utf8');
  const added = 'export interface KitOptions {\n  readonly silent?: boolean;\n';
  const changed = types.replace('export interface KitOptions {\n', added);
  await writeFile(join(root, 'testing/types.ts'), changed);
  const failure = await write(root, join(root, 'out')).catch(({ stderr }) => stderr);
  expect(failure).toMatch(/KitOptions\.silent .*does not have any documentation/);
  expect(failure).toContain('Write a comment above each');
  expect(await readdir(root)).not.toContain('out');
});
